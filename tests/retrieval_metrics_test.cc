#include "clients/eval/retrieval_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace vitrine::eval {
namespace {

// Right, wrong, right, right, wrong; the gallery has 4 that are right.
const std::vector<uint8_t> kRight = {1, 0, 1, 1, 0};
constexpr int64_t kRelevant = 4;

TEST(PrecisionAt, IsTheShareOfRightAnswers) {
  EXPECT_DOUBLE_EQ(PrecisionAt(kRight, 1), 1);
  EXPECT_DOUBLE_EQ(PrecisionAt(kRight, 2), 1 / 2.0);
  EXPECT_DOUBLE_EQ(PrecisionAt(kRight, 5), 3 / 5.0);
}

TEST(PrecisionAt, CountsLackingAnswersAsWrong) {
  EXPECT_DOUBLE_EQ(PrecisionAt(kRight, 10), 3 / 10.0);
  EXPECT_DOUBLE_EQ(PrecisionAt({}, 10), 0);
}

TEST(RecallAt, IsTheShareOfTheRelevant) {
  EXPECT_DOUBLE_EQ(RecallAt(kRight, kRelevant, 3), 2 / 4.0);
  EXPECT_DOUBLE_EQ(RecallAt(kRight, kRelevant, 20), 3 / 4.0);
}

TEST(AveragePrecisionAt, DividesByTheRelevantWhereTheyAreFew) {
  // Precisions at the right ranks: 1/1, 2/3, 3/4; over min(5, 4) = 4.
  EXPECT_DOUBLE_EQ(AveragePrecisionAt(kRight, kRelevant, 5),
                   (1 + 2 / 3.0 + 3 / 4.0) / 4);
}

TEST(AveragePrecisionAt, DividesByKWhereTheRelevantAreMany) {
  // The first three: 1/1 and 2/3; over min(3, 4) = 3.
  EXPECT_DOUBLE_EQ(AveragePrecisionAt(kRight, kRelevant, 3), (1 + 2 / 3.0) / 3);
}

TEST(AveragePrecisionAt, IsOneForTheBestOrder) {
  const std::vector<uint8_t> best = {1, 1, 0, 0};
  EXPECT_DOUBLE_EQ(AveragePrecisionAt(best, 2, 4), 1);
  EXPECT_DOUBLE_EQ(AveragePrecisionAt(best, 2, 10), 1);
}

TEST(NdcgAt, DiscountsByTheLogarithmOfTheRank) {
  // Gains 1/log2(2), 1/log2(4), 1/log2(5) at ranks 0, 2, 3; the best order of
  // four among five has them at ranks 0 to 3.
  const double gain = 1 + 1 / 2.0 + 1 / std::log2(5);
  const double best = 1 + 1 / std::log2(3) + 1 / 2.0 + 1 / std::log2(5);
  EXPECT_DOUBLE_EQ(NdcgAt(kRight, kRelevant, 5), gain / best);
  // Of the first three, the best order has three: (1 + 0.5) / 2.1309 = 0.7039.
  EXPECT_NEAR(NdcgAt(kRight, kRelevant, 3), 0.7039, 5e-5);
}

TEST(RelevanceScoreAt, WeighsRanksLinearly) {
  // Weights 5, 4, 3, 2, 1 with the sum 15; right are 5, 3 and 2.
  EXPECT_DOUBLE_EQ(RelevanceScoreAt(kRight, 5), 10 / 15.0);
  // Weights 10, 9, 8, 7, … with the sum 55; right are 10, 8 and 7.
  EXPECT_DOUBLE_EQ(RelevanceScoreAt(kRight, 10), 25 / 55.0);
}

TEST(MeasureAt, IsZeroWhereNothingIsRelevant) {
  const std::vector<uint8_t> wrong = {0, 0, 0};
  for (Measure measure : kMeasures) {
    EXPECT_EQ(MeasureAt(measure, wrong, 0, 10), 0) << MeasureName(measure);
  }
}

TEST(MeasureAt, IsOneForAPerfectAnswer) {
  const std::vector<uint8_t> right(10, 1);
  for (Measure measure : kMeasures) {
    EXPECT_DOUBLE_EQ(MeasureAt(measure, right, 10, 10), 1)
        << MeasureName(measure);
  }
}

}  // namespace
}  // namespace vitrine::eval
