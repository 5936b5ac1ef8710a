#include "clients/eval/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace vitrine::eval {
namespace {

TEST(MeansOverGroups, CountsEachQueryOnce) {
  // Columns (1, 0, 0, 1) and (2, 4, 6, 8); the groups have three rows and one.
  const std::vector<double> values = {1, 2, 0, 4, 0, 6, 1, 8};
  const std::vector<int> groups = {7, 7, 7, 3};
  const auto means = MeansOverGroups(values, 2, groups);
  ASSERT_EQ(means.size(), 2u);
  EXPECT_DOUBLE_EQ(means[0].value, 0.5);
  EXPECT_DOUBLE_EQ(means[1].value, 5);
}

// Two groups of one row, 0 and 1: a resample is 0, 0.5 or 1 with chances of
// 1/4, 1/2, 1/4, so that the 2.5 % and 97.5 % quantiles are 0 and 1.
TEST(MeansOverGroups, DrawsGroupsWithReplacement) {
  const std::vector<double> values = {0, 1};
  const std::vector<int> groups = {0, 1};
  const auto means = MeansOverGroups(values, 1, groups);
  EXPECT_EQ(means[0].low, 0);
  EXPECT_EQ(means[0].high, 1);
}

// 100 groups of one row, half of them 1: the mean of a resample has the
// standard error √(0.25 / 100) = 0.05, so that the interval is 0.5 ± 0.098.
TEST(MeansOverGroups, HasTheWidthOfTheStandardError) {
  std::vector<double> values;
  std::vector<int> groups;
  for (int i = 0; i < 100; ++i) {
    values.push_back(i % 2);
    groups.push_back(i);
  }
  const auto means = MeansOverGroups(values, 1, groups);
  EXPECT_NEAR(means[0].low, 0.402, 0.02);
  EXPECT_NEAR(means[0].high, 0.598, 0.02);
}

// The same rows as 4 groups of 25 alike are worth 4 rows, not 100.
TEST(MeansOverGroups, IsWiderWhereASendersQueriesAreAlike) {
  std::vector<double> values;
  std::vector<int> apart, together;
  for (int i = 0; i < 100; ++i) {
    values.push_back(i / 25 % 2);
    apart.push_back(i);
    together.push_back(i / 25);
  }
  const auto narrow = MeansOverGroups(values, 1, apart);
  const auto wide = MeansOverGroups(values, 1, together);
  EXPECT_EQ(narrow[0].value, wide[0].value);
  EXPECT_GT(wide[0].high - wide[0].low, 2 * (narrow[0].high - narrow[0].low));
}

TEST(MeansOverGroups, IsTheSameForTheSameSeed) {
  const std::vector<double> values = {0, 1, 0.5, 0.2};
  const std::vector<int> groups = {0, 1, 2, 3};
  const auto one = MeansOverGroups(values, 1, groups, 5);
  const auto again = MeansOverGroups(values, 1, groups, 5);
  EXPECT_EQ(one[0].low, again[0].low);
  EXPECT_EQ(one[0].high, again[0].high);
}

TEST(MeansOverGroups, KnowsNoIntervalOfOneGroup) {
  const std::vector<double> values = {0, 1};
  const std::vector<int> groups = {4, 4};
  const auto means = MeansOverGroups(values, 1, groups);
  EXPECT_EQ(means[0].value, 0.5);
  EXPECT_TRUE(std::isnan(means[0].low));
  EXPECT_TRUE(std::isnan(MeansOverGroups({}, 1, {})[0].value));
}

}  // namespace
}  // namespace vitrine::eval
