// Distances between vectors, for comparing metrics; the server's own are those
// of common/vector/kernels.h. docs/evaluation.md gives the formulas. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace vitrine::eval {

enum class Metric {
  kCosine,      // 1 − a·b / (|a| |b|); 1 where one of them is 0
  kEuclidean,   // √Σ (a − b)²
  kManhattan,   // Σ |a − b|
  kChebyshev,   // max |a − b|
  kBrayCurtis,  // Σ |a − b| / Σ |a + b|; 0 where a = b
};

// "cosine", "euclidean", "manhattan", "chebyshev", "braycurtis".
absl::StatusOr<Metric> ParseMetric(std::string_view name);
std::string_view MetricName(Metric metric);

// What a distance is shown as, as the server does: max(0, 1 − d) for cosine,
// else 1 / (1 + d).
double ScoreOf(Metric metric, double distance);

// Rows that queries are measured against. Const methods are thread-safe.
class Rows {
 public:
  // `values` is n × dim, row-major. With `served` they are unit vectors in half
  // precision, as they lie in an index, and cosine is what the index's own
  // kernel makes of them: a·b; dim is then a multiple of 64.
  Rows(Metric metric, std::vector<float> values, int dim, bool served = false);

  int n() const { return n_; }
  // The distances of row `query` to all rows, its own among them: n numbers.
  void DistancesOf(int query, float* out) const;
  // The same for any vector of dim numbers.
  void DistancesOf(const float* vector, float* out) const;

 private:
  void Fill(const float* vector, float* out) const;

  Metric metric_;
  std::vector<float> values_;     // Of unit length for cosine.
  std::vector<uint16_t> halves_;  // The same, where the kernel wants them.
  int dim_;
  int n_;
};

}  // namespace vitrine::eval
