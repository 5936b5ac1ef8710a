#include "common/vector/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/test_util/vectors.h"

namespace vitrine {
namespace {

class KernelsTest : public testing::TestWithParam<size_t> {};

TEST_P(KernelsTest, EqualTheSumInDoublePrecision) {
  const size_t n = GetParam();
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> q(n), x(n);
  for (float& value : q) value = normal(random);
  for (float& value : x) value = normal(random);
  const std::vector<uint16_t> halves = ToHalves(x);
  double dot = 0, l1 = 0;
  for (size_t i = 0; i < n; ++i) {
    dot += static_cast<double>(q[i]) * FloatFromHalf(halves[i]);
    l1 += std::fabs(static_cast<double>(q[i]) - FloatFromHalf(halves[i]));
  }
  const double tolerance = 1e-5 * static_cast<double>(n);
  EXPECT_NEAR(DotHalf(q.data(), halves.data(), n), dot, tolerance);
  EXPECT_NEAR(DotHalfPortable(q.data(), halves.data(), n), dot, tolerance);
  EXPECT_NEAR(L1Half(q.data(), halves.data(), n), l1, tolerance);
  EXPECT_NEAR(L1HalfPortable(q.data(), halves.data(), n), l1, tolerance);
}

INSTANTIATE_TEST_SUITE_P(Sizes, KernelsTest,
                         testing::Values(64, 128, 384, 512, 1024));

}  // namespace
}  // namespace vitrine
