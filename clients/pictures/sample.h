// Draws a sample catalogue in the layout of the Fashion Product Images set:
// styles.csv, one line a product, and images/<id>.jpg, for some products
// <id>_2.jpg and <id>_3.jpg as well.
#pragma once

#include <cstdint>
#include <filesystem>

#include "absl/status/statusor.h"

namespace vitrine {

struct SampleOptions {
  std::filesystem::path out;
  int64_t products = 1000;  // 1 … kMaxProducts
  uint64_t seed = 1;
  // The products have the ids first_id … first_id + products - 1, and each
  // depends on the seed and its id alone.
  int64_t first_id = 1;
  int threads = 0;  // 0: all cores
};

inline constexpr int64_t kMaxProducts = 1'000'000;
inline constexpr int64_t kMaxFirstId = 1'000'000'000'000;

struct SampleReport {
  int64_t products = 0;
  int64_t pictures = 0;
  int64_t drawn = 0;   // pictures that were not there yet
  uint64_t bytes = 0;  // of those that were drawn
  double seconds = 0;
};

// styles.csv is complete before the first picture, so that no reader meets a
// picture without a row; each file appears under its name when it is whole. A
// run that was stopped is taken up where it was, and a sample of the same seed
// and first id grows. INVALID_ARGUMENT for values out of range;
// FAILED_PRECONDITION where `out` holds anything else, or a sample drawn
// differently; RESOURCE_EXHAUSTED where the disk is full. Progress goes to
// standard error.
absl::StatusOr<SampleReport> WriteSample(const SampleOptions& options);

}  // namespace vitrine
