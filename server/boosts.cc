#include "server/boosts.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "server/query.h"

namespace vitrine {
namespace {

// The limits that search.proto names.
constexpr int kMaxBoosts = 32;
constexpr float kLeastFactor = 0.1f;
constexpr float kMostFactor = 10;
// So many attributes are told where one is not known.
constexpr size_t kToldAttributes = 20;

const v1::Filter::FilterList* ListOf(const v1::Filter& filter) {
  switch (filter.kind_case()) {
    case v1::Filter::kAll:
      return &filter.all();
    case v1::Filter::kAny:
      return &filter.any();
    case v1::Filter::kNone:
      return &filter.none();
    default:
      return nullptr;
  }
}

void CollectAttributes(const v1::Filter& filter, std::set<std::string>* names) {
  if (filter.has_condition()) names->insert(filter.condition().attribute());
  const v1::Filter::FilterList* const list = ListOf(filter);
  if (list == nullptr) return;
  for (const v1::Filter& one : list->filters()) CollectAttributes(one, names);
}

// The value of a hit's attribute, as a product's record has it.
std::optional<AttributeValue> ValueOf(const v1::Hit& hit,
                                      const std::string& attribute) {
  if (attribute == "product_id") return hit.product_id();
  if (attribute == "category") {
    if (hit.category().empty()) return std::nullopt;
    return hit.category();
  }
  const auto found = hit.attributes().find(attribute);
  if (found == hit.attributes().end()) return std::nullopt;
  const v1::AttributeValue& value = found->second;
  switch (value.kind_case()) {
    case v1::AttributeValue::kText:
      return value.text();
    case v1::AttributeValue::kNumber:
      return value.number();
    case v1::AttributeValue::kFlag:
      return value.flag();
    case v1::AttributeValue::kList:
      return std::vector<std::string_view>(value.list().values().begin(),
                                           value.list().values().end());
    case v1::AttributeValue::KIND_NOT_SET:
      break;
  }
  return std::nullopt;
}

}  // namespace

absl::Status CheckBoosts(const BoostList& boosts) {
  VITRINE_RETURN_IF_ERROR(CheckCount("boosts", boosts.size(), 0, kMaxBoosts));
  for (int i = 0; i < boosts.size(); ++i) {
    const std::string field = absl::StrCat("boosts[", i, "]");
    VITRINE_RETURN_IF_ERROR(CheckFilter(boosts[i].filter(), field + ".filter"));
    VITRINE_RETURN_IF_ERROR(CheckRange(field + ".factor", boosts[i].factor(),
                                       kLeastFactor, kMostFactor));
  }
  return absl::OkStatus();
}

absl::Status CheckAttributes(const BoostList& boosts,
                             const DiversityList& diversity,
                             const std::vector<std::string_view>& attributes) {
  if (attributes.empty()) return absl::OkStatus();
  auto check = [&](const std::string& name, const std::string& field) {
    if (name == "product_id" || name == "category" ||
        std::find(attributes.begin(), attributes.end(), name) !=
            attributes.end())
      return absl::OkStatus();
    std::vector<std::string> told;
    for (std::string_view attribute : attributes) {
      if (told.size() == kToldAttributes) {
        told.emplace_back("...");
        break;
      }
      told.emplace_back(attribute);
    }
    return MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
        absl::StrCat(field, " names the attribute '", name,
                     "', which no product has; right is category, product_id "
                     "or one of ",
                     absl::StrJoin(told, ", ")),
        field);
  };
  for (int i = 0; i < boosts.size(); ++i) {
    std::set<std::string> names;
    CollectAttributes(boosts[i].filter(), &names);
    for (const std::string& name : names)
      VITRINE_RETURN_IF_ERROR(
          check(name, absl::StrCat("boosts[", i, "].filter")));
  }
  for (int i = 0; i < diversity.size(); ++i) {
    VITRINE_RETURN_IF_ERROR(
        check(diversity[i].attribute(),
              absl::StrCat("diversity[", i, "].attribute")));
  }
  return absl::OkStatus();
}

Boosts::Boosts(const BoostList& boosts) {
  for (const v1::Boost& boost : boosts)
    factors_.push_back({NodeOf(boost.filter()), boost.factor()});
}

Boosts::Node Boosts::NodeOf(const v1::Filter& filter) {
  Node node{&filter, nullptr, {}};
  if (filter.has_condition())
    node.test = std::make_unique<const ConditionTest>(filter.condition());
  if (const v1::Filter::FilterList* const list = ListOf(filter)) {
    for (const v1::Filter& one : list->filters())
      node.nodes.push_back(NodeOf(one));
  }
  return node;
}

bool Boosts::Matches(const Node& node, const v1::Hit& hit) {
  auto matches = [&hit](const Node& one) { return Matches(one, hit); };
  switch (node.filter->kind_case()) {
    case v1::Filter::kCondition: {
      const v1::Filter::Condition& condition = node.filter->condition();
      const auto value = ValueOf(hit, condition.attribute());
      if (condition.has_exists())
        return value.has_value() == condition.exists();
      return value && (*node.test)(*value);
    }
    case v1::Filter::kAll:
      return std::all_of(node.nodes.begin(), node.nodes.end(), matches);
    case v1::Filter::kAny:
      return std::any_of(node.nodes.begin(), node.nodes.end(), matches);
    case v1::Filter::kNone:
      return std::none_of(node.nodes.begin(), node.nodes.end(), matches);
    case v1::Filter::KIND_NOT_SET:
      break;
  }
  return false;
}

float Boosts::FactorOf(const v1::Hit& hit) const {
  float product = 1;
  for (const Factor& one : factors_) {
    if (Matches(one.filter, hit)) product *= one.factor;
  }
  return std::clamp(product, kLeastFactor, kMostFactor);
}

}  // namespace vitrine
