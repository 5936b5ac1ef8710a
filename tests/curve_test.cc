#include "benchmarks/curve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace vitrine {
namespace {

TEST(RecallOf, CountsRowsOfTheTruthAlone) {
  const std::vector<std::vector<uint32_t>> truth = {{1, 2}, {3, 4}};
  const std::vector<std::vector<uint32_t>> answers = {{2, 9}, {4, 3}};
  EXPECT_EQ(RecallOf<uint32_t>(truth, answers), 0.75);
  EXPECT_EQ(RecallOf<uint32_t>(truth, truth), 1);
}

TEST(RecallOf, WeighsQueriesByWhatThereIsToFind) {
  const std::vector<std::vector<std::string>> truth = {{"a", "b", "c"}, {"d"}};
  const std::vector<std::vector<std::string>> answers = {{"a", "b", "c"}, {}};
  EXPECT_EQ(RecallOf<std::string>(truth, answers), 0.75);
}

TEST(RateAt, LiesBetweenTheStepsAroundTheRecall) {
  const Curve curve{
      "",
      {{10, 0.90, {5000}}, {20, 0.98, {1600, 400, 900}}, {40, 1.00, {100}}}};
  // Halfway from 900, the median, to 100 by their logarithms.
  EXPECT_NEAR(*curve.RateAt(0.99), 300, 1e-9);
  EXPECT_NEAR(*curve.RateAt(0.98), 900, 1e-9);
  EXPECT_NEAR(*curve.RateAt(0.94), std::sqrt(5000.0 * 900), 1e-9);
}

TEST(RateAt, IsNothingWhereTheCurveDoesNotCrossTheRecall) {
  const Curve low{"", {{10, 0.90, {5000}}, {20, 0.98, {900}}}};
  EXPECT_FALSE(low.RateAt(0.99).has_value());
  // How fast it would be with less effort is not known.
  const Curve high{"", {{10, 0.995, {5000}}, {20, 0.999, {900}}}};
  EXPECT_FALSE(high.RateAt(0.99).has_value());
  EXPECT_FALSE(Curve().RateAt(0.99).has_value());
}

}  // namespace
}  // namespace vitrine
