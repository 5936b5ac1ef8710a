// Which products a v1::Filter is about.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "common/index/bitmap.h"
#include "common/index/product_columns.h"
#include "common/index/product_record.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// The limits that search.proto names.
inline constexpr int kMaxFilterDepth = 8;
inline constexpr int kMaxFilterConditions = 256;
inline constexpr int kMaxFilterValues = 10'000;

// INVALID_ARGUMENT where the filter has no meaning or is too large. `field` is
// its path in the request.
absl::Status CheckFilter(const v1::Filter& filter, std::string_view field);

// The records of `segment` that are products and match. The filter is one that
// CheckFilter has passed. Thread-safe.
Bitmap MatchingRecords(const ProductSegment& segment, const v1::Filter& filter);

// A condition as it is asked of one value after another. The condition must
// outlive it.
class ConditionTest {
 public:
  explicit ConditionTest(const v1::Filter::Condition& condition);

  // Whether a value of the attribute passes; `exists` is true of every value.
  bool operator()(const AttributeValue& value) const;

 private:
  bool IsInSet(std::string_view text) const { return texts_.contains(text); }
  bool IsInSet(double number) const { return numbers_.contains(number); }
  bool IsInSet(bool flag) const {
    return texts_.contains(flag ? "true" : "false");
  }
  bool IsInSet(const std::vector<std::string_view>& list) const;

  const v1::Filter::Condition& condition_;
  absl::flat_hash_set<std::string_view> texts_;
  absl::flat_hash_set<double> numbers_;
};

// A number as facets tell it and sets take it: in the fewest decimals that read
// back as the same, whole numbers in full.
std::string NumberText(double number);

// Calls visit(text) for each value, a list's one by one.
template <typename Visit>
void ForEachText(const AttributeValue& value, const Visit& visit) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    visit(std::string(*text));
  } else if (const auto* number = std::get_if<double>(&value)) {
    visit(NumberText(*number));
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    visit(std::string(*flag ? "true" : "false"));
  } else {
    for (std::string_view text :
         std::get<std::vector<std::string_view>>(value)) {
      visit(std::string(text));
    }
  }
}

}  // namespace vitrine
