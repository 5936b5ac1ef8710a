#include "common/index/search_plan.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/test_util/search_fixture.h"

namespace vitrine {
namespace {

constexpr int kRows = 3000;

TEST(PlanFilteredWalk, ScansWhereFewRowsPass) {
  EXPECT_FALSE(PlanFilteredWalk(64, 0, 1'000'000));
  EXPECT_FALSE(PlanFilteredWalk(64, 10'000, 1'000'000));
  EXPECT_FALSE(PlanFilteredWalk(64, 1000, 1000));
  EXPECT_FALSE(PlanFilteredWalk(4096, 100'000, 1'000'000));
}

TEST(PlanFilteredWalk, StepsOverRowsThatFailWhereMostDo) {
  const auto few = PlanFilteredWalk(64, 100'000, 1'000'000);
  ASSERT_TRUE(few);
  EXPECT_TRUE(few->two_hops);
  EXPECT_EQ(few->ef, 64);
  const auto many = PlanFilteredWalk(64, 500'000, 1'000'000);
  ASSERT_TRUE(many);
  EXPECT_FALSE(many->two_hops);
}

TEST(PlanFilteredWalk, GivesUpBeforeItCostsMoreThanHalfAScan) {
  for (uint32_t matching : {15'000u, 100'000u, 900'000u}) {
    const auto walk = PlanFilteredWalk(64, matching, 1'000'000);
    ASSERT_TRUE(walk) << matching;
    EXPECT_LE(walk->most_distances, matching / 2);
    EXPECT_GE(walk->most_distances, 64 * 16);
    EXPECT_LT(walk->most_until_full, walk->most_distances);
  }
}

// What a search does of it.
class FilteredSearchTest : public SearchFixture {};

TEST_F(FilteredSearchTest, AFilterReturnsKOrAllThatMatch) {
  const std::vector<Row> rows = DrawRows(kRows, 1);
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(rows, &graph));
  auto snapshot = Publish();
  const RowFilter few = FilterById(
      *snapshot, [](std::string_view id) { return id.ends_with("77"); });
  const std::vector<float> query = DrawVector(1, &random_);
  ASSERT_OK_AND_ASSIGN(
      const SearchResult result,
      Search(*snapshot, query, {.k = 100, .min_score = -2, .filter = &few}));
  EXPECT_EQ(result.hits.size(), 30u);
  EXPECT_EQ(result.plan, SearchResult::Plan::kFilteredScan);
  for (const std::string& id : Ids(result)) EXPECT_TRUE(id.ends_with("77"));
}

TEST_F(FilteredSearchTest, AFilterThatManyRowsPassIsWalked) {
  const std::vector<Row> rows = DrawRows(kRows, 1);
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(rows, &graph));
  auto snapshot = Publish();
  const RowFilter most = FilterById(
      *snapshot, [](std::string_view id) { return id.back() > '0'; });
  size_t found = 0;
  for (int q = 0; q < 50; ++q) {
    const std::vector<float> query = DrawVector(q, &random_);
    ASSERT_OK_AND_ASSIGN(const SearchResult walked,
                         Search(*snapshot, query, {.filter = &most}));
    EXPECT_EQ(walked.plan, SearchResult::Plan::kFilteredWalk);
    EXPECT_LT(walked.rows_visited, static_cast<int64_t>(most.matching));
    ASSERT_OK_AND_ASSIGN(
        const SearchResult scanned,
        Search(*snapshot, query, {.exact = true, .filter = &most}));
    const std::vector<std::string> exact = Ids(scanned);
    ASSERT_EQ(walked.hits.size(), 10u);
    for (const std::string& id : Ids(walked)) {
      EXPECT_GT(id.back(), '0');
      found += static_cast<size_t>(std::count(exact.begin(), exact.end(), id));
    }
  }
  EXPECT_GE(found, 490u);
}

// The rows that pass lie as far from the query as rows can.
TEST_F(FilteredSearchTest, AWalkThatGoesAstrayEndsInAScan) {
  const std::vector<Row> rows = DrawRows(kRows, 1);
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(rows, &graph));
  auto snapshot = Publish();
  const std::vector<float> query = DrawVector(1, &random_);
  ASSERT_OK_AND_ASSIGN(const SearchResult near,
                       Search(*snapshot, query, {.k = 150, .exact = true}));
  const std::vector<std::string> nearest = Ids(near);
  const std::set<std::string, std::less<>> barred(nearest.begin(),
                                                  nearest.end());
  const RowFilter far = FilterById(*snapshot, [&barred](std::string_view id) {
    return !barred.contains(id);
  });
  ASSERT_OK_AND_ASSIGN(
      const SearchResult found,
      Search(*snapshot, query, {.min_score = -2, .filter = &far}));
  ASSERT_OK_AND_ASSIGN(
      const SearchResult exact,
      Search(*snapshot, query,
             {.min_score = -2, .exact = true, .filter = &far}));
  EXPECT_EQ(found.plan, SearchResult::Plan::kFilteredScan);
  EXPECT_EQ(found.ef, 0);
  // What was walked in vain comes on top of all rows that pass.
  EXPECT_GT(found.rows_visited, static_cast<int64_t>(far.matching));
  EXPECT_EQ(Ids(found), Ids(exact));
}

// The farther half of all rows passes, of which a walk meets none at first.
TEST_F(FilteredSearchTest, AWalkThatFindsNothingAtFirstEndsSoon) {
  const std::vector<Row> rows = DrawRows(kRows, 1);
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(rows, &graph));
  auto snapshot = Publish();
  const std::vector<float> query = DrawVector(1, &random_);
  ASSERT_OK_AND_ASSIGN(
      const SearchResult near,
      Search(*snapshot, query,
             {.k = 1000, .min_score = -2, .exact = true, .ef = 0}));
  const std::vector<std::string> nearest = Ids(near);
  const std::set<std::string, std::less<>> barred(nearest.begin(),
                                                  nearest.end());
  const RowFilter far = FilterById(
      *snapshot, [&](std::string_view id) { return !barred.contains(id); });
  ASSERT_OK_AND_ASSIGN(
      const SearchResult found,
      Search(*snapshot, query, {.min_score = -2, .ef = 16, .filter = &far}));
  EXPECT_EQ(found.plan, SearchResult::Plan::kFilteredScan);
  const auto plan =
      PlanFilteredWalk(16, static_cast<uint32_t>(far.matching), kRows);
  ASSERT_TRUE(plan);
  const auto in_vain = found.rows_visited - static_cast<int64_t>(far.matching);
  EXPECT_GT(in_vain, 0);
  // One more step than it may.
  EXPECT_LE(in_vain, plan->most_until_full + 33);
  EXPECT_LT(plan->most_until_full, plan->most_distances / 2);
}

TEST_F(FilteredSearchTest, RowsThatFailAFilterAreSteppedOver) {
  constexpr int kMany = 6000;
  const std::vector<Row> rows = DrawRows(kMany, 1);
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(rows, &graph));
  auto snapshot = Publish();
  RowFilter few;
  Bitmap passing(kMany);
  for (uint32_t row = 0; row < kMany; row += 7) passing.Set(row);
  few.Add(std::move(passing));
  size_t found = 0;
  int walked = 0;
  for (int q = 0; q < 50; ++q) {
    const std::vector<float> query = DrawVector(q, &random_);
    ASSERT_OK_AND_ASSIGN(
        const SearchResult near,
        Search(*snapshot, query, {.k = 2, .ef = 4, .filter = &few}));
    ASSERT_OK_AND_ASSIGN(
        const SearchResult exact,
        Search(*snapshot, query, {.k = 2, .exact = true, .filter = &few}));
    walked += near.plan == SearchResult::Plan::kFilteredWalk ? 1 : 0;
    ASSERT_EQ(near.hits.size(), 2u);
    for (const SearchHit& hit : near.hits) EXPECT_EQ(hit.row % 7, 0u);
    const std::vector<std::string> right = Ids(exact);
    for (const std::string& id : Ids(near)) {
      found += static_cast<size_t>(std::count(right.begin(), right.end(), id));
    }
  }
  EXPECT_GT(walked, 40);
  EXPECT_GE(found, 80u);
}

}  // namespace
}  // namespace vitrine
