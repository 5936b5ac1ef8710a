// One query against rows: exactly, or as their codes estimate it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "common/index/search.h"
#include "common/vector/blocks.h"
#include "common/vector/codes.h"

namespace vitrine {

// Whether a metric orders rows as the dot product does.
inline bool SharesOrderOfDot(Metric metric) {
  return metric != Metric::kManhattan;
}

// The distance of one query to stored rows, emphasis included. Immutable; what
// it is made of must outlive it.
class Comparer {
 public:
  Comparer(const std::vector<Block>& blocks, std::span<const float> query,
           Metric metric, const std::vector<float>& emphasis);

  // By what the answer is ordered: 1 - similarity, or the sum of differences;
  // what rounding makes less than 0 is 0, as it is told. A row with what are no
  // numbers, which a damaged file may hold, comes last.
  float Order(const uint16_t* row) const {
    const float order =
        SharesOrderOfDot(metric_) ? DotDistance(row) : L1Distance(row);
    if (std::isnan(order)) return std::numeric_limits<float>::infinity();
    return std::max(order, 0.0f);
  }
  float DistanceOf(float order) const;
  float ScoreOf(float order) const;
  std::vector<float> BlockCosines(const uint16_t* row) const;

 private:
  friend class RowDistances;
  float DotDistance(const uint16_t* row) const;
  float L1Distance(const uint16_t* row) const;

  const std::vector<Block>& blocks_;
  std::span<const float> plain_;
  Metric metric_;
  std::vector<float> scaled_;
  std::vector<float> scale_;  // of each block
};

// The same to rows of one shard, some at once, by codes where the shard has
// them. A distance is an order, or an estimate of one, less a constant.
class RowDistances {
 public:
  RowDistances(const Comparer& comparer, const Shard& shard);

  // Whether these are estimates.
  bool coded() const { return dot_ || l1_; }
  // Their standard deviation; 0 where they are exact.
  float error() const { return dot_ ? dot_->error() : l1_ ? l1_->error() : 0; }
  void operator()(const uint32_t* rows, size_t count, float* out) const;
  // What is added to a distance to make it an order.
  float constant() const { return dot_ ? 1 : 0; }

 private:
  const Comparer& comparer_;
  const Shard& shard_;
  std::optional<DotCodeQuery> dot_;
  std::optional<L1CodeQuery> l1_;
};

}  // namespace vitrine
