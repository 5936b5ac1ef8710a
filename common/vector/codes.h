// Codes: a vector in one unsigned byte a number. Each block has one range r,
// and a number v becomes 128 + round(127 v / r); one beyond the range is cut to
// 1 … 255. The ranges are stored with the codes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/vector/block.h"
#include "common/vector/code_kernels.h"

namespace vitrine {

// Rows in codes, which lie elsewhere.
struct CodedRows {
  std::vector<Block> blocks;
  std::vector<float> ranges;       // One a block.
  std::span<const uint8_t> codes;  // n × TotalDim(blocks).
};

// What a range may be: the least and the largest number of float16.
inline constexpr float kLeastCodeRange = 5.9e-8f;
inline constexpr float kLargestCodeRange = 65504;

// The ranges for some rows: the largest number of each block, and 1 for a block
// of nothing but zeros.
class CodeRanges {
 public:
  explicit CodeRanges(const std::vector<Block>& blocks)
      : blocks_(blocks), largest_(blocks.size()) {}

  // TotalDim(blocks) float16 numbers, which are normalised by blocks.
  void Add(const uint16_t* row);
  std::vector<float> Get() const;

 private:
  const std::vector<Block> blocks_;
  std::vector<float> largest_;
};

// The codes of a row, TotalDim(blocks) bytes, none of them 0.
void EncodeRow(const std::vector<Block>& blocks, std::span<const float> ranges,
               const uint16_t* row, uint8_t* codes);

// The same of a float vector.
void EncodeVector(const std::vector<Block>& blocks,
                  std::span<const float> ranges, const float* vector,
                  uint8_t* codes);

// A query's dot product with rows of codes, an estimate of that with the rows.
// Immutable and thread-safe.
class DotCodeQuery {
 public:
  // `query` is normalised by blocks; emphasis, where there is any, has scaled
  // it.
  DotCodeQuery(const std::vector<Block>& blocks, std::span<const float> ranges,
               std::span<const float> query);

  // out[i] is that of x's row i.
  void Estimate(const CodeRows& x, float* out) const;
  // The standard deviation of an estimate, as rounding makes it: for rows that
  // are normalised by blocks.
  float error() const { return error_; }

 private:
  std::vector<int8_t> codes_;
  float scale_ = 0;
  int32_t offset_ = 0;  // What the rows' 128 add to every product.
  float error_ = 0;
};

// Σ_b scale_b Σ |q - x| over the numbers of block b, likewise.
class L1CodeQuery {
 public:
  L1CodeQuery(const std::vector<Block>& blocks, std::span<const float> ranges,
              std::span<const float> query, std::span<const float> scales);
  void Estimate(const CodeRows& x, float* out) const;
  float error() const { return error_; }

 private:
  std::vector<uint8_t> codes_;
  std::vector<size_t> dims_;
  std::vector<float> scales_;  // of a block's codes
  float error_ = 0;
};

}  // namespace vitrine
