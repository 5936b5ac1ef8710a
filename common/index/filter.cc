#include "common/index/filter.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

using Condition = v1::Filter::Condition;

absl::Status Refuse(const std::string& field, const std::string& message,
                    std::optional<double> limit = std::nullopt) {
  return MakeError(absl::StatusCode::kInvalidArgument,
                   v1::ERROR_REASON_INVALID_PARAMETER,
                   absl::StrCat(field, " ", message), field, limit);
}

class Checker {
 public:
  absl::Status Check(const v1::Filter& filter, const std::string& field,
                     int depth) {
    if (depth > kMaxFilterDepth) {
      return Refuse(field,
                    absl::StrCat("is nested ", depth, " levels deep; right is ",
                                 "at most ", kMaxFilterDepth),
                    kMaxFilterDepth);
    }
    switch (filter.kind_case()) {
      case v1::Filter::kCondition:
        return CheckCondition(filter.condition(), field + ".condition");
      case v1::Filter::kAll:
        return CheckList(filter.all(), field + ".all", depth);
      case v1::Filter::kAny:
        return CheckList(filter.any(), field + ".any", depth);
      case v1::Filter::kNone:
        return CheckList(filter.none(), field + ".none", depth);
      case v1::Filter::KIND_NOT_SET:
        break;
    }
    return Refuse(field,
                  "is empty; give it a condition, all, any or none, or leave "
                  "it away");
  }

 private:
  absl::Status CheckList(const v1::Filter::FilterList& list,
                         const std::string& field, int depth) {
    if (list.filters().empty()) {
      return Refuse(field + ".filters",
                    "has 0 entries; give at least one filter, or leave the "
                    "list away",
                    1);
    }
    for (int i = 0; i < list.filters_size(); ++i) {
      VITRINE_RETURN_IF_ERROR(Check(list.filters(i),
                                    absl::StrCat(field, ".filters[", i, "]"),
                                    depth + 1));
    }
    return absl::OkStatus();
  }

  absl::Status CheckCondition(const Condition& condition,
                              const std::string& field) {
    if (++conditions_ > kMaxFilterConditions) {
      return Refuse(field,
                    absl::StrCat("is condition ", conditions_,
                                 " of the filter; right is at most ",
                                 kMaxFilterConditions,
                                 "; any_of takes many values at once"),
                    kMaxFilterConditions);
    }
    if (condition.attribute().empty()) {
      return Refuse(field + ".attribute",
                    "is empty; give the name of an attribute, \"category\" or "
                    "\"product_id\"");
    }
    switch (condition.test_case()) {
      case Condition::kAnyOf:
        return CheckSet(condition.any_of(), field + ".any_of");
      case Condition::kRange:
        return CheckRange(condition.range(), field + ".range");
      case Condition::kFlag:
      case Condition::kExists:
        return absl::OkStatus();
      case Condition::TEST_NOT_SET:
        break;
    }
    return Refuse(field, absl::StrCat("does not say what must hold of \"",
                                      condition.attribute(),
                                      "\"; give it any_of, range, flag or "
                                      "exists"));
  }

  absl::Status CheckSet(const v1::Filter::StringSet& set,
                        const std::string& field) {
    if (set.values().empty()) {
      return Refuse(field + ".values",
                    "has 0 entries, which nothing could match; give at least "
                    "one value",
                    1);
    }
    values_ += set.values_size();
    if (values_ > kMaxFilterValues) {
      return Refuse(
          field + ".values",
          absl::StrCat("brings the filter to ", values_,
                       " values; right is at most ", kMaxFilterValues),
          kMaxFilterValues);
    }
    return absl::OkStatus();
  }

  static absl::Status CheckRange(const v1::Filter::NumberRange& range,
                                 const std::string& field) {
    for (const auto& [name, set, value] :
         {std::tuple("min", range.has_min(), range.min()),
          std::tuple("max", range.has_max(), range.max())}) {
      if (set && std::isnan(value)) {
        return Refuse(absl::StrCat(field, ".", name),
                      "is nan; give a number, or leave it away for an open "
                      "end");
      }
    }
    if (range.has_min() && range.has_max() && range.min() > range.max()) {
      return Refuse(field,
                    absl::StrCat("is from ", NumberText(range.min()), " to ",
                                 NumberText(range.max()),
                                 ", which holds no number; give a min that is "
                                 "not above max"));
    }
    return absl::OkStatus();
  }

  int conditions_ = 0;
  int64_t values_ = 0;
};

std::optional<double> ParseNumber(std::string_view text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

class Matcher {
 public:
  explicit Matcher(const ProductSegment& segment)
      : table_(segment.table()), columns_(segment.columns()) {}

  Bitmap Match(const v1::Filter& filter) const {
    Bitmap matching = MatchAny(filter);
    matching.And(columns_.products());
    return matching;
  }

 private:
  Bitmap MatchAny(const v1::Filter& filter) const {
    switch (filter.kind_case()) {
      case v1::Filter::kCondition:
        return MatchCondition(filter.condition());
      case v1::Filter::kAll: {
        Bitmap all = columns_.products();
        for (const v1::Filter& one : filter.all().filters()) {
          all.And(MatchAny(one));
        }
        return all;
      }
      case v1::Filter::kAny:
        return Union(filter.any());
      case v1::Filter::kNone: {
        Bitmap none = columns_.products();
        none.Subtract(Union(filter.none()));
        return none;
      }
      case v1::Filter::KIND_NOT_SET:
        break;
    }
    return Bitmap(table_.size());
  }

  Bitmap Union(const v1::Filter::FilterList& list) const {
    Bitmap any(table_.size());
    for (const v1::Filter& one : list.filters()) any.Or(MatchAny(one));
    return any;
  }

  Bitmap MatchCondition(const Condition& condition) const {
    if (condition.attribute() == "product_id") return MatchId(condition);
    if (condition.has_exists() && !condition.exists()) {
      Condition has = condition;
      has.set_exists(true);
      Bitmap lacking = columns_.products();
      lacking.Subtract(MatchCondition(has));
      return lacking;
    }
    Bitmap matching(table_.size());
    const ProductColumn* column = columns_.Find(condition.attribute());
    if (column == nullptr) return matching;
    const ConditionTest test(condition);
    std::vector<uint8_t> marked(column->values().size());
    bool any = false;
    for (size_t code = 1; code < marked.size(); ++code) {
      marked[code] = test(column->values()[code]) ? 1 : 0;
      any = any || marked[code] != 0;
    }
    if (any) column->Mark(marked, &matching);
    return matching;
  }

  // An id is a text, and every product has one.
  Bitmap MatchId(const Condition& condition) const {
    if (condition.has_exists() && condition.exists()) {
      return columns_.products();
    }
    Bitmap matching(table_.size());
    for (const std::string& id : condition.any_of().values()) {
      const uint32_t entry = table_.LowerBound(id);
      if (entry < table_.size() && table_.entry(entry).key == id) {
        matching.Set(entry);
      }
    }
    return matching;
  }

  const TableSegment& table_;
  const ProductColumns& columns_;
};

}  // namespace

absl::Status CheckFilter(const v1::Filter& filter, std::string_view field) {
  return Checker().Check(filter, std::string(field), 1);
}

ConditionTest::ConditionTest(const Condition& condition)
    : condition_(condition) {
  if (!condition.has_any_of()) return;
  for (const std::string& value : condition.any_of().values()) {
    texts_.insert(value);
    if (const auto number = ParseNumber(value)) numbers_.insert(*number);
  }
}

bool ConditionTest::operator()(const AttributeValue& value) const {
  switch (condition_.test_case()) {
    case Condition::kAnyOf:
      return std::visit([this](const auto& v) { return IsInSet(v); }, value);
    case Condition::kRange: {
      const auto* number = std::get_if<double>(&value);
      const v1::Filter::NumberRange& range = condition_.range();
      return number != nullptr && !std::isnan(*number) &&
             !(range.has_min() && *number < range.min()) &&
             !(range.has_max() && *number > range.max());
    }
    case Condition::kFlag: {
      const auto* flag = std::get_if<bool>(&value);
      return flag != nullptr && *flag == condition_.flag();
    }
    case Condition::kExists:
      return true;
    case Condition::TEST_NOT_SET:
      break;
  }
  return false;
}

bool ConditionTest::IsInSet(const std::vector<std::string_view>& list) const {
  return std::any_of(list.begin(), list.end(), [this](std::string_view text) {
    return texts_.contains(text);
  });
}

Bitmap MatchingRecords(const ProductSegment& segment,
                       const v1::Filter& filter) {
  return Matcher(segment).Match(filter);
}

std::string NumberText(double number) {
  constexpr double kLargestExact = 9007199254740992;  // 2^53
  char text[32];
  const bool whole =
      std::fabs(number) <= kLargestExact && number == std::floor(number);
  const auto [end, error] =
      whole ? std::to_chars(text, text + sizeof(text),
                            static_cast<int64_t>(number))
            : std::to_chars(text, text + sizeof(text), number);
  return std::string(text, end);
}

}  // namespace vitrine
