// What is measured: the photos of a catalogue, which of them ask, which answer,
// and which answers are right.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/eval/eval_options.h"
#include "common/catalog/catalog.h"

namespace vitrine::eval {

struct Photo {
  std::string path;  // in the catalogue
  std::string product_id;
  std::string sender;  // the product where the sender is not known
  int group = 0;       // Equal for photos of one sender; counted from 0.
  bool asks = false;   // of the split
  std::map<std::string, std::string> attributes;  // `category` among them
};

// A question to the photos: which answers are right by one set of attributes.
struct Task {
  std::string name;  // "category", "category+colour"
  // Of each photo the number of its class in `classes`; -1 where it has none,
  // and then it neither asks nor answers.
  std::vector<int> label;
  std::vector<std::string> classes;  // sorted
};

struct EvalSet {
  std::unique_ptr<Catalog> catalog;
  // Those that are embedded: the split, or the whole catalogue with
  // --gallery=all. In byte order of their paths.
  std::vector<Photo> photos;
  bool senders_known = false;
  // Whose photos ask, in words: "all photos".
  std::string split;
  // The first is --label. The others are agreement in colour and pattern, as
  // far as they are known.
  std::vector<Task> tasks;
  std::vector<std::string> warnings;
};

// The value of a photo's attribute; "" where it has none.
std::string_view AttributeOf(const Photo& photo, const std::string& name);

// The class of a photo; "" where it has none.
std::string LabelOf(const Task& task, int photo);

// The classes of a task by the values of `attributes`, joined by " / ". A photo
// where one of them is missing or in `no_class` has none.
Task MakeTask(const std::vector<Photo>& photos,
              const std::vector<std::string>& attributes,
              const std::vector<std::string>& no_class);

// Reads the catalogue and chooses. INVALID_ARGUMENT, naming the value and the
// remedy, where nothing could be measured: an attribute that is not there, a
// split of no photo, fewer than two classes, no query with a right answer.
absl::StatusOr<EvalSet> ReadEvalSet(const EvalOptions& options);

// INVALID_ARGUMENT where the main task has fewer than two classes or no query
// with a right answer among the photos that are `usable`; classes whose queries
// cannot be answered become `warnings`.
absl::Status CheckAnswerable(const EvalOptions& options, const EvalSet& set,
                             const std::vector<bool>& usable,
                             std::vector<std::string>* warnings);

}  // namespace vitrine::eval
