#include "common/index/comparer.h"

#include <algorithm>
#include <cmath>

#include "common/vector/kernels.h"

namespace vitrine {

Comparer::Comparer(const std::vector<Block>& blocks,
                   std::span<const float> query, Metric metric,
                   const std::vector<float>& emphasis)
    : blocks_(blocks),
      plain_(query),
      metric_(metric),
      scaled_(query.begin(), query.end()) {
  double total = 0;
  for (size_t b = 0; b < blocks.size(); ++b) {
    total += (emphasis.empty() ? 1.0 : emphasis[b]) * blocks[b].weight;
  }
  size_t offset = 0;
  for (size_t b = 0; b < blocks.size(); ++b) {
    scale_.push_back(
        static_cast<float>((emphasis.empty() ? 1.0 : emphasis[b]) / total));
    for (int i = 0; i < blocks[b].dim; ++i) scaled_[offset++] *= scale_[b];
  }
}

// Its order is that of cosine and Euclidean.
float Comparer::DotDistance(const uint16_t* row) const {
  return 1 - DotHalf(scaled_.data(), row, scaled_.size());
}

float Comparer::L1Distance(const uint16_t* row) const {
  float sum = 0;
  const float* q = plain_.data();
  for (size_t b = 0; b < blocks_.size(); ++b) {
    sum += scale_[b] * L1Half(q, row, static_cast<size_t>(blocks_[b].dim));
    q += blocks_[b].dim;
    row += blocks_[b].dim;
  }
  return sum;
}

float Comparer::DistanceOf(float order) const {
  return metric_ == Metric::kEuclidean ? std::sqrt(std::max(0.0f, 2 * order))
                                       : order;
}

float Comparer::ScoreOf(float order) const {
  if (metric_ == Metric::kCosine) return std::clamp(1 - order, 0.0f, 1.0f);
  return 1 / (1 + std::max(0.0f, DistanceOf(order)));
}

std::vector<float> Comparer::BlockCosines(const uint16_t* row) const {
  std::vector<float> cosines;
  size_t offset = 0;
  for (const Block& block : blocks_) {
    const float dot = DotHalf(plain_.data() + offset, row + offset,
                              static_cast<size_t>(block.dim));
    cosines.push_back(
        block.weight > 0 ? std::clamp(dot / block.weight, -1.0f, 1.0f) : 0);
    offset += static_cast<size_t>(block.dim);
  }
  return cosines;
}

RowDistances::RowDistances(const Comparer& comparer, const Shard& shard)
    : comparer_(comparer), shard_(shard) {
  if (shard.code_ranges().size() != comparer.blocks_.size()) return;
  if (SharesOrderOfDot(comparer.metric_)) {
    dot_.emplace(comparer.blocks_, shard.code_ranges(), comparer.scaled_);
  } else {
    l1_.emplace(comparer.blocks_, shard.code_ranges(), comparer.plain_,
                comparer.scale_);
  }
}

void RowDistances::operator()(const uint32_t* rows, size_t count,
                              float* out) const {
  const CodeRows codes = {shard_.codes().data(),
                          static_cast<size_t>(shard_.dim()), rows, count};
  if (dot_) {
    dot_->Estimate(codes, out);
    for (size_t i = 0; i < count; ++i) out[i] = -out[i];
  } else if (l1_) {
    l1_->Estimate(codes, out);
  } else {
    for (size_t i = 0; i < count; ++i) {
      out[i] = comparer_.Order(shard_.vector(rows[i]));
    }
  }
}

}  // namespace vitrine
