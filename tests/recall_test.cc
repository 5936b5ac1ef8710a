#include "common/index/recall.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/test_util/search_fixture.h"

namespace vitrine {
namespace {

storage::RecallCurve Curve(int k, double passing, int block, double tilt,
                           const std::vector<std::pair<int, float>>& steps) {
  storage::RecallCurve curve;
  curve.set_k(static_cast<uint32_t>(k));
  curve.set_passing(static_cast<float>(passing));
  curve.set_block(static_cast<uint32_t>(block));
  curve.set_tilt(static_cast<float>(tilt));
  for (const auto& [ef, recall] : steps) {
    curve.add_ef(static_cast<uint32_t>(ef));
    curve.add_recall(recall);
  }
  return curve;
}

RecallCurves SomeCurves() {
  RecallCurves curves;
  *curves.Add() = Curve(10, 1, 0, 0, {{16, 0.9F}, {32, 0.95F}, {64, 0.99F}});
  *curves.Add() = Curve(100, 1, 0, 0, {{128, 0.95F}, {256, 0.98F}});
  *curves.Add() = Curve(10, 0.5, 0, 0, {{16, 0.8F}, {32, 0.96F}, {64, 0.98F}});
  *curves.Add() = Curve(10, 1, 1, 0.5, {{32, 0.7F}, {128, 0.95F}});
  return curves;
}

TEST(EfForRecall, IsTheLeastThatKeepsIt) {
  const RecallCurves curves = SomeCurves();
  EXPECT_EQ(EfForRecall(curves, {}, 10, 0.9), 16);
  EXPECT_EQ(EfForRecall(curves, {}, 10, 0.91), 32);
  EXPECT_EQ(EfForRecall(curves, {}, 1, 0.99), 64);
  EXPECT_EQ(EfForRecall(curves, {}, 10, 0.995), std::nullopt);
}

TEST(EfForRecall, MoreProductsGoByTheCurveOfMore) {
  const RecallCurves curves = SomeCurves();
  EXPECT_EQ(EfForRecall(curves, {}, 11, 0.9), 128);
  EXPECT_EQ(EfForRecall(curves, {}, 100, 0.96), 256);
  EXPECT_EQ(EfForRecall(curves, {}, 101, 0.9), std::nullopt);
}

TEST(EfForRecall, BetweenTwoKindsTheWorseCounts) {
  const RecallCurves curves = SomeCurves();
  EXPECT_EQ(EfForRecall(curves, {0.7, 0, 0}, 10, 0.9), 32);
  EXPECT_EQ(EfForRecall(curves, {0.5, 0, 0}, 10, 0.98), 64);
  EXPECT_EQ(EfForRecall(curves, {1, 1, 0.2}, 10, 0.9), 128);
}

TEST(EfForRecall, AKindThatWasNotMeasuredHasNone) {
  const RecallCurves curves = SomeCurves();
  EXPECT_EQ(EfForRecall(curves, {0.4, 0, 0}, 10, 0.5), std::nullopt);
  EXPECT_EQ(EfForRecall(curves, {1, 1, 0.6}, 10, 0.5), std::nullopt);
  EXPECT_EQ(EfForRecall(curves, {1, 0, 0.2}, 10, 0.5), std::nullopt);
  EXPECT_EQ(EfForRecall(curves, {0.7, 1, 0.2}, 10, 0.5), std::nullopt);
  EXPECT_EQ(EfForRecall({}, {}, 10, 0.5), std::nullopt);
}

TEST(RecallOfEf, IsThatOfTheLastStepNotBeyondIt) {
  const RecallCurves curves = SomeCurves();
  EXPECT_EQ(RecallOfEf(curves, {}, 10, 15), std::nullopt);
  EXPECT_FLOAT_EQ(static_cast<float>(*RecallOfEf(curves, {}, 10, 63)), 0.95F);
  EXPECT_FLOAT_EQ(static_cast<float>(*RecallOfEf(curves, {}, 10, 4096)), 0.99F);
  EXPECT_FLOAT_EQ(static_cast<float>(*RecallOfEf(curves, {0.9, 0, 0}, 10, 64)),
                  0.98F);
}

// A curve of more steps than recalls can only come from a damaged manifest.
TEST(RecallOfEf, StepsWithoutARecallAreNotRead) {
  RecallCurves curves;
  *curves.Add() = Curve(10, 1, 0, 0, {{16, 0.9F}});
  curves.Mutable(0)->add_ef(32);
  EXPECT_FLOAT_EQ(static_cast<float>(*RecallOfEf(curves, {}, 10, 64)), 0.9F);
}

TEST(KindOfEmphasis, IsTheShiftThatMadeIt) {
  const std::vector<Block> blocks = {
      {"shape", 128, 0.7F}, {"colour", 64, 0.2F}, {"print", 64, 0.1F}};
  for (int block : {0, 1, 2}) {
    for (double tilt : {0.01, 0.5, 1.0}) {
      const auto kind =
          KindOfEmphasis(blocks, EmphasisOfKind(blocks, block, tilt));
      ASSERT_TRUE(kind);
      EXPECT_EQ(kind->block, block);
      EXPECT_NEAR(kind->tilt, tilt, 1e-3);
      EXPECT_EQ(kind->passing, 1);
    }
  }
  EXPECT_EQ(KindOfEmphasis(blocks, {})->tilt, 0);
  EXPECT_EQ(KindOfEmphasis(blocks, {3, 3, 3})->tilt, 0);
  // To two blocks at once, and by different factors.
  EXPECT_FALSE(KindOfEmphasis(blocks, {1, 4, 0.5}));
}

TEST(KindOfEmphasis, WithTwoBlocksEveryEmphasisIsOne) {
  for (float emphasis : {0.0F, 0.3F, 1.0F, 2.0F, 1000.0F}) {
    const auto kind = KindOfEmphasis(TestBlocks(), {1, emphasis});
    ASSERT_TRUE(kind) << emphasis;
    EXPECT_EQ(kind->block, emphasis > 1 ? 1 : 0);
    EXPECT_LE(kind->tilt, 1 + 1e-6);
  }
}

// By hand: 3 recalls of 1 and one more of 0 have the mean 3/4 and the variance
// 3/16.
TEST(LowerBound, CountsOneMiss) {
  EXPECT_NEAR(LowerBound({1, 1, 1}), 0.75 - 1.645 * std::sqrt(3.0 / 64), 1e-9);
  EXPECT_EQ(LowerBound({0}), 0);
  const std::vector<double> many(1000, 1.0);
  EXPECT_GT(LowerBound(many), 0.997);
  EXPECT_LT(LowerBound(many), 0.998);
}

// No measuring writes such a manifest.
TEST(EfForRecall, StepsThatCannotBeAreNotTaken) {
  RecallCurves curves;
  *curves.Add() = Curve(10, 1, 0, 0, {{16, 0.5F}, {24, -1.0F}, {32, 2.0F}});
  curves.Mutable(0)->add_ef(2'000'000'000);
  curves.Mutable(0)->add_recall(0.95F);
  curves.Mutable(0)->add_ef(UINT32_MAX);
  curves.Mutable(0)->add_recall(0.96F);
  EXPECT_EQ(EfForRecall(curves, {}, 10, 0.9), std::nullopt);
  EXPECT_EQ(EfForRecall(curves, {}, 10, 0.5), 16);
  EXPECT_FLOAT_EQ(static_cast<float>(*RecallOfEf(curves, {}, 10, 4096)), 0.5F);
}

}  // namespace
}  // namespace vitrine
