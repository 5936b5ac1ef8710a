#include "clients/eval/distance.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/vector/half.h"
#include "common/vector/kernels.h"

namespace vitrine::eval {
namespace {

constexpr std::pair<Metric, std::string_view> kNames[] = {
    {Metric::kCosine, "cosine"},
    {Metric::kEuclidean, "euclidean"},
    {Metric::kManhattan, "manhattan"},
    {Metric::kChebyshev, "chebyshev"},
    {Metric::kBrayCurtis, "braycurtis"}};

// As many sums side by side as the compiler keeps in registers.
constexpr int kLanes = 16;

// Joins term(a_i, b_i) over i; `join` is a sum or a maximum, from 0.
template <typename Term, typename Join>
float Over(const float* a, const float* b, int n, Term term, Join join) {
  float lanes[kLanes] = {};
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int j = 0; j < kLanes; ++j) {
      lanes[j] = join(lanes[j], term(a[i + j], b[i + j]));
    }
  }
  float all = 0;
  for (; i < n; ++i) all = join(all, term(a[i], b[i]));
  for (float lane : lanes) all = join(all, lane);
  return all;
}

constexpr auto kAdd = [](float x, float y) { return x + y; };
constexpr auto kLarger = [](float x, float y) { return x > y ? x : y; };
constexpr auto kProduct = [](float a, float b) { return a * b; };
constexpr auto kSquare = [](float a, float b) { return (a - b) * (a - b); };
constexpr auto kApart = [](float a, float b) { return std::fabs(a - b); };
constexpr auto kTogether = [](float a, float b) { return std::fabs(a + b); };

void MakeUnit(float* vector, int dim) {
  double square = 0;
  for (int i = 0; i < dim; ++i) {
    square += static_cast<double>(vector[i]) * vector[i];
  }
  if (square == 0) return;
  const double scale = 1 / std::sqrt(square);
  for (int i = 0; i < dim; ++i) {
    vector[i] = static_cast<float>(vector[i] * scale);
  }
}

float Distance(Metric metric, const float* a, const float* b, int n) {
  switch (metric) {
    case Metric::kCosine:
      return 1 - Over(a, b, n, kProduct, kAdd);
    case Metric::kEuclidean:
      return std::sqrt(Over(a, b, n, kSquare, kAdd));
    case Metric::kManhattan:
      return Over(a, b, n, kApart, kAdd);
    case Metric::kChebyshev:
      return Over(a, b, n, kApart, kLarger);
    case Metric::kBrayCurtis: {
      const float apart = Over(a, b, n, kApart, kAdd);
      return apart == 0 ? 0 : apart / Over(a, b, n, kTogether, kAdd);
    }
  }
  return 0;
}

}  // namespace

absl::StatusOr<Metric> ParseMetric(std::string_view name) {
  std::string known;
  for (const auto& [metric, its_name] : kNames) {
    if (its_name == name) return metric;
    absl::StrAppend(&known, known.empty() ? "" : ", ", std::string(its_name));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--metric: '", std::string(name),
                   "' is no metric here; use one or more of ", known));
}

std::string_view MetricName(Metric metric) {
  for (const auto& [its, name] : kNames) {
    if (its == metric) return name;
  }
  return {};
}

double ScoreOf(Metric metric, double distance) {
  return metric == Metric::kCosine ? std::max(0.0, 1 - distance)
                                   : 1 / (1 + distance);
}

Rows::Rows(Metric metric, std::vector<float> values, int dim, bool served)
    : metric_(metric),
      values_(std::move(values)),
      dim_(dim),
      n_(static_cast<int>(values_.size()) / dim) {
  if (metric_ != Metric::kCosine) return;
  if (served) {
    halves_.resize(values_.size());
    HalvesFromFloats(values_.data(), values_.size(), halves_.data());
    return;
  }
  for (int row = 0; row < n_; ++row) {
    MakeUnit(&values_[static_cast<size_t>(row) * dim_], dim_);
  }
}

void Rows::DistancesOf(int query, float* out) const {
  Fill(&values_[static_cast<size_t>(query) * dim_], out);
}

void Rows::DistancesOf(const float* vector, float* out) const {
  std::vector<float> query(vector, vector + dim_);
  if (metric_ == Metric::kCosine && halves_.empty()) {
    MakeUnit(query.data(), dim_);
  }
  Fill(query.data(), out);
}

void Rows::Fill(const float* vector, float* out) const {
  for (int row = 0; row < n_; ++row) {
    const size_t at = static_cast<size_t>(row) * dim_;
    // As the index orders: what rounding makes less than 0 is 0.
    out[row] = halves_.empty()
                   ? Distance(metric_, vector, &values_[at], dim_)
                   : std::max(0.0f, 1 - DotHalf(vector, &halves_[at], dim_));
  }
}

}  // namespace vitrine::eval
