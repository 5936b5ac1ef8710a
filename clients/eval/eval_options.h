// The command line of `vitrine eval`, read into plain values.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "clients/eval/distance.h"
#include "common/catalog/catalog.h"

namespace vitrine::eval {

// How a vector is scaled before it is compared: as the engine keeps it, each
// block of length √weight, or not at all.
enum class Normalise { kUnit, kRaw };
std::string_view NormaliseName(Normalise normalise);

struct EvalOptions {
  CatalogOptions catalog = {};
  std::vector<std::filesystem::path> models = {};
  std::vector<Metric> metrics = {Metric::kCosine};
  std::vector<Normalise> normalise = {Normalise::kUnit};
  std::vector<int> ks = {1, 5, 10, 20};  // ascending
  // Answers are right where all of these attributes agree.
  std::vector<std::string> label = {"category"};
  bool whole_split = false;               // Every photo is a query.
  std::filesystem::path split_file = {};  // empty: the shipped senders
  bool cross_sender = false;
  std::string sender_attribute = "sender_id";
  bool whole_gallery = false;  // Answers come from photos of no query too.
  std::vector<std::string> no_class = {"Not sure", "Skip", "Other"};
  std::filesystem::path only_labels = {};   // empty: all
  std::filesystem::path colours_file = {};  // empty: the catalogue's colours
  int views = 400;                          // of self-retrieval
  bool speed = true;
  int threads = 0;  // 0: one a core
  std::filesystem::path report = {};
  bool progress = false;     // even where standard error is no terminal
  std::string command = {};  // all of it, as it can be typed into a shell
};

// What a command line asks for: to go on with `options`; or, where they are
// absent, to print `text` (on standard output where `exit_status` is 0, else on
// standard error) and exit.
struct EvalCommand {
  std::optional<EvalOptions> options;
  int exit_status = 0;
  std::string text;
};

// `arguments` without the program's own name and verb; `program` is what
// people call it, such as "vitrine eval".
EvalCommand ParseEvalCommand(std::vector<std::string> arguments,
                             const std::string& program);

}  // namespace vitrine::eval
