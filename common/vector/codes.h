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

// Rows in codes.
struct CodedRows {
  std::vector<Block> blocks;
  std::vector<float> ranges;   // One a block.
  std::vector<uint8_t> codes;  // n × TotalDim(blocks).
};

// What a range may be: the least and the largest number of float16.
inline constexpr float kLeastCodeRange = 5.9e-8f;
inline constexpr float kLargestCodeRange = 65504;

// Codes n × TotalDim(blocks) float16 rows, which are normalised by blocks, with
// the largest number of each block as its range. A block of nothing but zeros
// has the range 1.
CodedRows EncodeRows(const std::vector<Block>& blocks,
                     std::span<const uint16_t> vectors);
// The same for rows that lie apart, TotalDim(blocks) numbers each.
CodedRows EncodeRows(const std::vector<Block>& blocks,
                     std::span<const uint16_t* const> rows);

// The codes of one more vector, TotalDim(blocks) bytes.
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
