#include "clients/eval/distance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "common/vector/half.h"
#include "common/vector/kernels.h"

namespace vitrine::eval {
namespace {

// The distance of (1, 2, −2) and (3, 2, 6), of lengths 3 and 7.
double Between(Metric metric) {
  const Rows rows(metric, {1, 2, -2, 3, 2, 6}, 3);
  std::vector<float> out(2);
  rows.DistancesOf(0, out.data());
  EXPECT_NEAR(out[0], 0, 1e-6);  // A row is at no distance of itself.
  return out[1];
}

TEST(Rows, MeasureByEachFormula) {
  // Dot product 3 + 4 − 12 = −5; differences 2, 0, 8; sums 4, 4, 4.
  EXPECT_NEAR(Between(Metric::kCosine), 1 + 5 / 21.0, 1e-6);
  EXPECT_NEAR(Between(Metric::kEuclidean), std::sqrt(68), 1e-6);
  EXPECT_NEAR(Between(Metric::kManhattan), 10, 1e-6);
  EXPECT_NEAR(Between(Metric::kChebyshev), 8, 1e-6);
  EXPECT_NEAR(Between(Metric::kBrayCurtis), 10 / 12.0, 1e-6);
}

TEST(Rows, TakeAnyVectorForAQuery) {
  const Rows rows(Metric::kCosine, {2, 0, 0, 3}, 2);
  std::vector<float> out(2);
  const float query[] = {5, 5};
  rows.DistancesOf(query, out.data());
  EXPECT_NEAR(out[0], 1 - std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(out[1], 1 - std::sqrt(0.5), 1e-6);
}

TEST(Rows, PutAZeroVectorFarAway) {
  const Rows rows(Metric::kCosine, {0, 0, 3, 4}, 2);
  std::vector<float> out(2);
  rows.DistancesOf(1, out.data());
  EXPECT_EQ(out[0], 1);
}

// Longer than the lanes of the loop, and no multiple of them.
TEST(Rows, SumEveryNumberOnce) {
  std::vector<float> values(2 * 77, 0.0F);
  for (int i = 0; i < 77; ++i) values[77 + i] = static_cast<float>(i);
  const Rows rows(Metric::kManhattan, values, 77);
  std::vector<float> out(2);
  rows.DistancesOf(0, out.data());
  EXPECT_EQ(out[1], 76 * 77 / 2);
  const Rows largest(Metric::kChebyshev, values, 77);
  largest.DistancesOf(0, out.data());
  EXPECT_EQ(out[1], 76);
}

// The metrics that are served give what the kernels of the server give.
TEST(Rows, AgreeWithTheKernelsThatServe) {
  constexpr int kDim = 128;
  std::vector<float> values(2 * kDim);
  for (int i = 0; i < 2 * kDim; ++i) values[i] = std::sin(i * 0.7F + i / 50);
  for (int row = 0; row < 2; ++row) {
    double square = 0;
    for (int i = 0; i < kDim; ++i)
      square += std::pow(values[row * kDim + i], 2);
    for (int i = 0; i < kDim; ++i) {
      values[row * kDim + i] /= static_cast<float>(std::sqrt(square));
    }
  }
  std::vector<uint16_t> halves(kDim);
  HalvesFromFloats(&values[kDim], kDim, halves.data());
  std::vector<float> out(2);
  Rows(Metric::kCosine, values, kDim).DistancesOf(0, out.data());
  EXPECT_NEAR(1 - out[1], DotHalf(values.data(), halves.data(), kDim), 5e-4);
  // As it lies in an index it is the kernel's number itself.
  std::vector<float> stored = values;
  FloatsFromHalves(halves.data(), kDim, &stored[kDim]);
  Rows(Metric::kCosine, stored, kDim, /*served=*/true)
      .DistancesOf(values.data(), out.data());
  EXPECT_EQ(out[1], 1 - DotHalf(values.data(), halves.data(), kDim));
  Rows(Metric::kManhattan, values, kDim).DistancesOf(0, out.data());
  EXPECT_NEAR(out[1], L1Half(values.data(), halves.data(), kDim), 2e-2);
}

TEST(ParseMetric, KnowsTheFiveAndNamesThemOtherwise) {
  for (const char* name :
       {"cosine", "euclidean", "manhattan", "chebyshev", "braycurtis"}) {
    const auto metric = ParseMetric(name);
    ASSERT_TRUE(metric.ok()) << metric.status();
    EXPECT_EQ(MetricName(*metric), name);
  }
  const auto unknown = ParseMetric("hamming");
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(unknown.status().message()).find("'hamming'"),
            std::string::npos);
  EXPECT_NE(std::string(unknown.status().message()).find("braycurtis"),
            std::string::npos);
}

TEST(ScoreOf, IsTheServers) {
  EXPECT_DOUBLE_EQ(ScoreOf(Metric::kCosine, 0.25), 0.75);
  EXPECT_DOUBLE_EQ(ScoreOf(Metric::kCosine, 1.5), 0);
  EXPECT_DOUBLE_EQ(ScoreOf(Metric::kManhattan, 3), 0.25);
}

}  // namespace
}  // namespace vitrine::eval
