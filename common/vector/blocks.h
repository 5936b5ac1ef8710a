// The arithmetic of blocks: a vector is some blocks, each of unit length times
// the square root of its weight, so that a dot product of two vectors is the
// weighted mean of their blocks' cosines.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/vector/block.h"

namespace vitrine {

// The sum of the blocks' dims.
int TotalDim(const std::vector<Block>& blocks);

// Scales each block of `vector` (TotalDim numbers) to length √weight. A block
// of length zero becomes a constant one of that length, so that a picture
// always equals itself.
void NormaliseBlocks(const std::vector<Block>& blocks, float* vector);

// One example of a query: `vector` is normalised by blocks.
struct WeightedVector {
  const float* vector = nullptr;
  float weight = 1;
};

// Per block, the weighted sum of the examples, made √weight long again.
// INVALID_ARGUMENT where no weight is positive, where one is not finite, or
// where the examples cancel: the sum of a block, relative to √w_b Σ|weight|, is
// shorter than 1e-3.
absl::StatusOr<std::vector<float>> CombineExamples(
    const std::vector<Block>& blocks, std::span<const WeightedVector> examples);

// INVALID_ARGUMENT unless `values` has TotalDim finite numbers and no block of
// zero length. `field` names it in the error.
absl::Status CheckVector(const std::vector<Block>& blocks,
                         std::span<const float> values, std::string_view field);

}  // namespace vitrine
