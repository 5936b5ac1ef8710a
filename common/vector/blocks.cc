#include "common/vector/blocks.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

double Length(const float* values, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += static_cast<double>(values[i]) * values[i];
  return std::sqrt(sum);
}

}  // namespace

int TotalDim(const std::vector<Block>& blocks) {
  int dim = 0;
  for (const Block& block : blocks) dim += block.dim;
  return dim;
}

void NormaliseBlocks(const std::vector<Block>& blocks, float* vector) {
  for (const Block& block : blocks) {
    const double length = Length(vector, block.dim);
    const double target = std::sqrt(static_cast<double>(block.weight));
    if (length > 0) {
      const double scale = target / length;
      for (int i = 0; i < block.dim; ++i) {
        vector[i] = static_cast<float>(vector[i] * scale);
      }
    } else {
      std::fill_n(vector, block.dim,
                  static_cast<float>(target / std::sqrt(block.dim)));
    }
    vector += block.dim;
  }
}

absl::StatusOr<std::vector<float>> CombineExamples(
    const std::vector<Block>& blocks,
    std::span<const WeightedVector> examples) {
  double total = 0;
  bool any_positive = false;
  for (size_t i = 0; i < examples.size(); ++i) {
    const float weight = examples[i].weight;
    if (!std::isfinite(weight)) {
      return MakeError(absl::StatusCode::kInvalidArgument,
                       v1::ERROR_REASON_INVALID_PARAMETER,
                       absl::StrCat("the weight of example ", i, " is ", weight,
                                    ": give a finite number"),
                       absl::StrCat("examples[", i, "].weight"));
    }
    any_positive |= weight > 0;
    total += std::fabs(weight);
  }
  if (!any_positive) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_EXAMPLES_CANCEL,
        "no example has a positive weight: say what the answer should be like",
        "examples");
  }
  // As most queries are, and what all below would come to.
  if (examples.size() == 1) {
    return std::vector<float>(examples[0].vector,
                              examples[0].vector + TotalDim(blocks));
  }
  std::vector<float> combined(TotalDim(blocks));
  size_t offset = 0;
  for (const Block& block : blocks) {
    for (int i = 0; i < block.dim; ++i) {
      double sum = 0;
      for (const WeightedVector& example : examples) {
        sum += static_cast<double>(example.weight) / total *
               example.vector[offset + i];
      }
      combined[offset + i] = static_cast<float>(sum);
    }
    const double length = Length(combined.data() + offset, block.dim);
    if (block.weight > 0 &&
        length < 1e-3 * std::sqrt(static_cast<double>(block.weight))) {
      return MakeError(
          absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_EXAMPLES_CANCEL,
          absl::StrCat("the examples cancel in block \"", block.name,
                       "\" (length ", length,
                       "): give fewer or smaller negative weights"),
          "examples", 1e-3);
    }
    offset += block.dim;
  }
  NormaliseBlocks(blocks, combined.data());
  return combined;
}

absl::Status CheckVector(const std::vector<Block>& blocks,
                         std::span<const float> values,
                         std::string_view field) {
  const int dim = TotalDim(blocks);
  if (values.size() != static_cast<size_t>(dim)) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     v1::ERROR_REASON_WRONG_DIMENSION,
                     absl::StrCat(ToAbsl(field), " has ", values.size(),
                                  " numbers, but vectors of this index have ",
                                  dim, "; embed with its model"),
                     field, dim);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return MakeError(absl::StatusCode::kInvalidArgument,
                       v1::ERROR_REASON_BAD_VECTOR,
                       absl::StrCat(ToAbsl(field), "[", i, "] is ", values[i],
                                    ": all numbers must be finite"),
                       field);
    }
  }
  const float* block_values = values.data();
  for (const Block& block : blocks) {
    const double length = Length(block_values, block.dim);
    if (length == 0 || !std::isfinite(length)) {
      return MakeError(
          absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_BAD_VECTOR,
          absl::StrCat("block \"", block.name, "\" of ", ToAbsl(field),
                       " has length ", length, ", so it has no direction"),
          field);
    }
    block_values += block.dim;
  }
  return absl::OkStatus();
}

}  // namespace vitrine
