// The products that a request wants sooner or later than their similarity has
// them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/index/filter.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

using BoostList = google::protobuf::RepeatedPtrField<v1::Boost>;
using DiversityList = google::protobuf::RepeatedPtrField<v1::Diversity>;

// INVALID_ARGUMENT for too many boosts, a filter without meaning, or a factor
// out of its range.
absl::Status CheckBoosts(const BoostList& boosts);

// INVALID_ARGUMENT where a boost or a limit names an attribute that no product
// has: it would do nothing. `attributes` are those that products have; where
// there are none, none is refused.
absl::Status CheckAttributes(const BoostList& boosts,
                             const DiversityList& diversity,
                             const std::vector<std::string_view>& attributes);

// Not thread-safe; the list must outlive it.
class Boosts {
 public:
  explicit Boosts(const BoostList& boosts);

  // The product of the factors of all that match a hit, which has its
  // attributes, within their range.
  float FactorOf(const v1::Hit& hit) const;

 private:
  // A filter with its tests made ready.
  struct Node {
    const v1::Filter* filter;
    std::unique_ptr<const ConditionTest> test;  // Of a condition.
    std::vector<Node> nodes;                    // Of a list.
  };
  struct Factor {
    Node filter;
    float factor;
  };

  static Node NodeOf(const v1::Filter& filter);
  static bool Matches(const Node& node, const v1::Hit& hit);

  std::vector<Factor> factors_;
};

}  // namespace vitrine
