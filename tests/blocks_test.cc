#include "common/vector/blocks.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/test_util/status_matchers.h"
#include "tests/test_util/vectors.h"

namespace vitrine {
namespace {

float Dot(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0f);
}

TEST(Blocks, ADotProductIsTheWeightedMeanOfTheCosines) {
  std::mt19937 random(1);
  const std::vector<float> a = DrawVector(1, &random),
                           b = DrawVector(2, &random);
  const std::span<const float> x(a), y(b);
  const float shape = Dot(x.first(128), y.first(128)) / 0.8f;
  const float colour = Dot(x.subspan(128), y.subspan(128)) / 0.2f;
  EXPECT_LE(std::fabs(shape), 1.0f);
  EXPECT_NEAR(Dot(x, y), 0.8f * shape + 0.2f * colour, 1e-6);
  EXPECT_NEAR(Dot(x, x), 1.0f, 1e-6);
}

TEST(Blocks, AZeroBlockStillEqualsItself) {
  std::vector<float> vector(192);
  vector[0] = 3;
  NormaliseBlocks(TestBlocks(), vector.data());
  EXPECT_NEAR(Dot(vector, vector), 1.0f, 1e-6);
}

TEST(CombineExamples, OneExampleIsItself) {
  std::mt19937 random(1);
  const std::vector<float> a = DrawVector(1, &random);
  const WeightedVector example = {a.data(), 0.25f};
  ASSERT_OK_AND_ASSIGN(const std::vector<float> combined,
                       CombineExamples(TestBlocks(), std::span(&example, 1)));
  EXPECT_NEAR(Dot(a, combined), 1.0f, 1e-6);
}

TEST(CombineExamples, ANegativeExamplePushesAway) {
  std::mt19937 random(1);
  const std::vector<float> a = DrawVector(1, &random),
                           b = DrawVector(2, &random);
  const WeightedVector examples[] = {{a.data(), 1}, {b.data(), -0.5f}};
  ASSERT_OK_AND_ASSIGN(const std::vector<float> combined,
                       CombineExamples(TestBlocks(), examples));
  EXPECT_LT(Dot(b, combined), Dot(b, a));
  EXPECT_NEAR(Dot(combined, combined), 1.0f, 1e-6);
}

TEST(CombineExamples, RefusesExamplesThatCancel) {
  std::mt19937 random(1);
  const std::vector<float> a = DrawVector(1, &random);
  const WeightedVector examples[] = {{a.data(), 1}, {a.data(), -1}};
  EXPECT_STATUS(CombineExamples(TestBlocks(), examples),
                absl::StatusCode::kInvalidArgument,
                "the examples cancel in block \"shape\"");
}

TEST(CombineExamples, RefusesWithoutAPositiveWeight) {
  std::mt19937 random(1);
  const std::vector<float> a = DrawVector(1, &random);
  const WeightedVector zero = {a.data(), 0};
  EXPECT_STATUS(CombineExamples(TestBlocks(), std::span(&zero, 1)),
                absl::StatusCode::kInvalidArgument,
                "no example has a positive weight");
  const WeightedVector nan = {a.data(), std::nanf("")};
  EXPECT_STATUS(CombineExamples(TestBlocks(), std::span(&nan, 1)),
                absl::StatusCode::kInvalidArgument,
                "the weight of example 0 is nan");
}

TEST(CheckVector, SaysWhatIsWrong) {
  std::vector<float> vector(192, 1.0f);
  EXPECT_OK(CheckVector(TestBlocks(), vector, "v"));
  EXPECT_STATUS(CheckVector(TestBlocks(), std::span(vector).first(100), "v"),
                absl::StatusCode::kFailedPrecondition,
                "v has 100 numbers, but");
  vector[5] = std::numeric_limits<float>::infinity();
  EXPECT_STATUS(CheckVector(TestBlocks(), vector, "v"),
                absl::StatusCode::kInvalidArgument, "v[5] is inf");
  vector[5] = 0;
  std::fill(vector.begin() + 128, vector.end(), 0.0f);
  EXPECT_STATUS(CheckVector(TestBlocks(), vector, "v"),
                absl::StatusCode::kInvalidArgument,
                "block \"colour\" of v has length 0");
}

}  // namespace
}  // namespace vitrine
