#include "common/vector/codes.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/vector/blocks.h"
#include "common/vector/half.h"

namespace vitrine {
namespace {

uint8_t CodeOf(float value, float steps_per_unit) {
  const float code = std::nearbyint(value * steps_per_unit);
  return static_cast<uint8_t>(
      kCodeZero + static_cast<int>(std::clamp(code, -kCodeSteps, kCodeSteps)));
}

// Calls visit(block, numbers) with each run of kBlockMultiple numbers of a row.
template <typename Visit>
void ForEachRun(const std::vector<Block>& blocks, const uint16_t* row,
                const Visit& visit) {
  std::array<float, kBlockMultiple> numbers;
  for (size_t b = 0; b < blocks.size(); ++b) {
    for (int i = 0; i < blocks[b].dim; i += kBlockMultiple) {
      FloatsFromHalves(row, numbers.size(), numbers.data());
      visit(b, numbers);
      row += numbers.size();
    }
  }
}

}  // namespace

// Were some few numbers cut off, they would be those that rows of one kind have
// in common: their nearest neighbours.
void CodeRanges::Add(const uint16_t* row) {
  ForEachRun(blocks_, row, [this](size_t b, const auto& numbers) {
    float largest = largest_[b];
    for (const float number : numbers) {
      largest = std::max(largest, std::fabs(number));
    }
    largest_[b] = largest;
  });
}

std::vector<float> CodeRanges::Get() const {
  std::vector<float> ranges = largest_;
  for (float& range : ranges) {
    if (!(range >= kLeastCodeRange)) range = 1;
  }
  return ranges;
}

void EncodeRow(const std::vector<Block>& blocks, std::span<const float> ranges,
               const uint16_t* row, uint8_t* codes) {
  ForEachRun(blocks, row, [&](size_t b, const auto& numbers) {
    const float steps = kCodeSteps / ranges[b];
    for (const float number : numbers) *codes++ = CodeOf(number, steps);
  });
}

void EncodeVector(const std::vector<Block>& blocks,
                  std::span<const float> ranges, const float* vector,
                  uint8_t* codes) {
  for (size_t b = 0; b < blocks.size(); ++b) {
    const float steps = kCodeSteps / ranges[b];
    for (int i = 0; i < blocks[b].dim; ++i) *codes++ = CodeOf(*vector++, steps);
  }
}

DotCodeQuery::DotCodeQuery(const std::vector<Block>& blocks,
                           std::span<const float> ranges,
                           std::span<const float> query) {
  // What a step of a code is worth is multiplied into the query, so that one
  // sum over all blocks serves. Rounding errs by the twelfth of a squared step:
  // of the rows' codes times the query's numbers, and the other way round.
  std::vector<float> weighed(query.begin(), query.end());
  float of_rows = 0, row_codes = 0;
  size_t at = 0;
  for (size_t b = 0; b < blocks.size(); ++b) {
    const float step = ranges[b] / kCodeSteps;
    for (int i = 0; i < blocks[b].dim; ++i) {
      weighed[at] *= step;
      of_rows += weighed[at] * weighed[at];
      ++at;
    }
    row_codes += blocks[b].weight / (step * step);
  }
  float largest = 0;
  for (float value : weighed) largest = std::max(largest, std::fabs(value));
  if (!(largest > 0)) largest = 1;
  codes_.reserve(weighed.size());
  int32_t sum = 0;
  for (float value : weighed) {
    codes_.push_back(
        static_cast<int8_t>(std::nearbyint(value * (kCodeSteps / largest))));
    sum += codes_.back();
  }
  scale_ = largest / kCodeSteps;
  error_ = std::sqrt((of_rows + scale_ * scale_ * row_codes) / 12);
  offset_ = kCodeZero * sum;
}

void DotCodeQuery::Estimate(const CodeRows& x, float* out) const {
  constexpr size_t kChunk = 64;
  int32_t sums[kChunk];
  for (size_t begin = 0; begin < x.count; begin += kChunk) {
    const size_t count = std::min(kChunk, x.count - begin);
    DotCodes(codes_.data(), codes_.size(),
             {x.codes, x.stride, x.rows + begin, count}, sums);
    for (size_t i = 0; i < count; ++i) {
      out[begin + i] = scale_ * static_cast<float>(sums[i] - offset_);
    }
  }
}

L1CodeQuery::L1CodeQuery(const std::vector<Block>& blocks,
                         std::span<const float> ranges,
                         std::span<const float> query,
                         std::span<const float> scales)
    : codes_(query.size()) {
  EncodeVector(blocks, ranges, query.data(), codes_.data());
  for (size_t b = 0; b < blocks.size(); ++b) {
    dims_.push_back(static_cast<size_t>(blocks[b].dim));
    scales_.push_back(scales[b] * ranges[b] / kCodeSteps);
    // Both sides of each difference are rounded.
    error_ += scales_[b] * scales_[b] * static_cast<float>(dims_[b]) / 6;
  }
  error_ = std::sqrt(error_);
}

void L1CodeQuery::Estimate(const CodeRows& x, float* out) const {
  constexpr size_t kChunk = 64;
  int32_t sums[kChunk];
  for (size_t begin = 0; begin < x.count; begin += kChunk) {
    const size_t count = std::min(kChunk, x.count - begin);
    std::fill_n(out + begin, count, 0.0f);
    size_t first = 0;
    for (size_t b = 0; b < dims_.size(); ++b) {
      L1Codes(codes_.data() + first, dims_[b],
              {x.codes + first, x.stride, x.rows + begin, count}, sums);
      for (size_t i = 0; i < count; ++i) {
        out[begin + i] += scales_[b] * static_cast<float>(sums[i]);
      }
      first += dims_[b];
    }
  }
}

}  // namespace vitrine
