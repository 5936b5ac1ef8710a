#include "common/vector/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace vitrine {
namespace {

TEST(Half, EveryHalfSurvivesTheRoundTrip) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const float value = FloatFromHalf(static_cast<uint16_t>(half));
    if (std::isnan(value)) continue;
    EXPECT_EQ(HalfFromFloat(value), half);
  }
}

TEST(Half, HandWorkedValues) {
  EXPECT_EQ(HalfFromFloat(1.0f), 0x3c00);
  EXPECT_EQ(HalfFromFloat(-2.0f), 0xc000);
  EXPECT_EQ(HalfFromFloat(65504.0f), 0x7bff);
  EXPECT_EQ(HalfFromFloat(65520.0f), 0x7c00);
  EXPECT_EQ(HalfFromFloat(0x1p-24f), 0x0001);
  EXPECT_EQ(HalfFromFloat(0x1p-26f), 0x0000);
  EXPECT_EQ(FloatFromHalf(0x3555), 0.333251953125f);
}

TEST(Half, TiesGoToEven) {
  EXPECT_EQ(HalfFromFloat(1.0f + 0x1p-11f), 0x3c00);
  EXPECT_EQ(HalfFromFloat(1.0f + 3 * 0x1p-11f), 0x3c02);
}

TEST(Half, ArraysEqualSingleConversions) {
  std::vector<float> values;
  for (int i = -500; i < 503; ++i)
    values.push_back(static_cast<float>(i) * 1.2345e-3f);
  std::vector<uint16_t> halves(values.size());
  HalvesFromFloats(values.data(), values.size(), halves.data());
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(halves[i], HalfFromFloat(values[i]));
}

TEST(Half, InfinityAndNanStay) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(FloatFromHalf(HalfFromFloat(-infinity)), -infinity);
  EXPECT_TRUE(std::isnan(FloatFromHalf(HalfFromFloat(std::nanf("")))));
}

}  // namespace
}  // namespace vitrine
