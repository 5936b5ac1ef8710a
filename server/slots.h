// Slots: which part of an outfit a category is, and which parts are worn
// together.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace vitrine {

// "T-Shirts", "t shirt" and "TSHIRT" alike: lower case, without spaces and
// marks, each word in its singular.
std::string FoldCategory(std::string_view category);

// The index of the category of this name; letters' case and plurals do not
// matter where no other category differs in them alone.
std::optional<int> FindCategory(std::span<const std::string_view> categories,
                                std::string_view name);
// Up to `n` of them that look most like `name`.
std::vector<std::string> CloseCategories(
    std::span<const std::string_view> categories, std::string_view name,
    size_t n);

// Immutable and thread-safe.
class SlotTable {
 public:
  // Reads the lines of default_slots.txt's format, which that file explains.
  // INVALID_ARGUMENT names `origin` and the line.
  static absl::StatusOr<SlotTable> Parse(std::string_view text,
                                         std::string_view origin);
  // The table that ships with the server.
  static const SlotTable& Default();

  // The slot of a category; empty where it has none.
  std::string_view SlotOf(std::string_view category) const;
  // Whether the label says nothing of what a product is ("Not sure").
  bool IsUnknown(std::string_view category) const;
  // Whether pieces of two slots are worn together; a slot never goes with
  // itself.
  bool GoWith(std::string_view a, std::string_view b) const;
  // All slots, in the order of an answer.
  const std::vector<std::string>& slots() const { return slots_; }

 private:
  // The index of a slot's name in slots_, or -1.
  int Find(std::string_view slot) const;

  std::vector<std::string> slots_;
  std::unordered_map<std::string, int> slot_of_;  // By folded category.
  std::set<std::string> unknown_;                 // Folded labels.
  std::set<std::pair<int, int>> never_;           // Smaller index first.
};

}  // namespace vitrine
