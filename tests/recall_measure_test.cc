#include "common/index/recall_measure.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/index/recall.h"
#include "tests/test_util/search_fixture.h"

namespace vitrine {
namespace {

class MeasureRecallTest : public SearchFixture {
 protected:
  // An index of one graph, measured.
  std::shared_ptr<const Snapshot> Measured(int rows) {
    const GraphParams graph;
    EXPECT_OK(builder_.AddShard(DrawRows(rows, 1), &graph));
    EXPECT_OK(MeasureRecall(builder_.paths(), builder_.set(), 2, {},
                            builder_.set().mutable_shards(0)));
    return Publish();
  }

  // The mean recall of searches near the rows' clusters.
  static double Ask(const Snapshot& snapshot, const SearchParams& params,
                    int clusters, SearchResult::RecallBasis basis) {
    std::mt19937 random(77);
    double sum = 0;
    constexpr int kQueries = 200;
    for (int q = 0; q < kQueries; ++q) {
      const auto query = DrawVector(q % clusters, &random);
      SearchParams exact = params;
      exact.exact = true;
      const auto found = Search(snapshot, query, params);
      const auto right = Search(snapshot, query, exact);
      EXPECT_OK(found.status());
      EXPECT_OK(right.status());
      EXPECT_EQ(found->recall_basis, basis);
      if (found->recall_basis == SearchResult::RecallBasis::kMeasured) {
        EXPECT_GE(found->recall, params.min_recall);
      }
      sum += RecallOf(*right, *found, params.k);
    }
    return sum / kQueries;
  }
};

TEST_F(MeasureRecallTest, WhatIsPromisedIsKept) {
  constexpr int kRows = 8000;
  auto snapshot = Measured(kRows);
  const storage::Shard& shard = snapshot->set().shards(0);
  ASSERT_GT(shard.recall_size(), 0);
  for (const storage::RecallCurve& curve : shard.recall()) {
    EXPECT_GE(curve.queries(), 1000u);
    EXPECT_EQ(curve.ef_size(), curve.recall_size());
    for (float recall : curve.recall()) EXPECT_LT(recall, 1);
  }
  using Basis = SearchResult::RecallBasis;
  for (double promise : {0.9, 0.98}) {
    SearchParams params;
    params.min_score = -2;
    params.min_recall = promise;
    EXPECT_GE(Ask(*snapshot, params, kRows / 25, Basis::kMeasured), promise);
    params.emphasis = {1, 1.5F};
    EXPECT_GE(Ask(*snapshot, params, kRows / 25, Basis::kMeasured), promise);
  }
}

// Each graph is then walked as far as its own curve asks for, whatever the
// other has found.
TEST_F(MeasureRecallTest, WhatIsPromisedIsKeptOverSeveralGraphs) {
  constexpr int kRows = 6000;
  const GraphParams graph;
  std::vector<Row> rows = DrawRows(kRows, 1);
  const std::vector<Row> few(rows.end() - kRows / 4, rows.end());
  rows.resize(rows.size() - few.size());
  IndexBuilder alone[] = {{dir_.path() / "many", TestBlocks()},
                          {dir_.path() / "few", TestBlocks()}};
  std::shared_ptr<const Snapshot> parts[2];
  for (int s = 0; s < 2; ++s) {
    for (IndexBuilder* builder : {&builder_, &alone[s]}) {
      ASSERT_OK(builder->AddShard(s == 0 ? rows : few, &graph));
    }
    storage::Shard* shard = builder_.set().mutable_shards(s);
    ASSERT_OK(MeasureRecall(builder_.paths(), builder_.set(), 2, {}, shard));
    *alone[s].set().mutable_shards(0)->mutable_recall() = shard->recall();
    ASSERT_OK(alone[s].Publish());
    std::string degraded;
    ASSERT_OK_AND_ASSIGN(
        parts[s], Snapshot::OpenNewest(alone[s].paths(), nullptr, &degraded));
  }
  const auto snapshot = Publish();
  using Basis = SearchResult::RecallBasis;
  for (double promise : {0.9, 0.98}) {
    SearchParams params;
    params.min_score = -2;
    params.min_recall = promise;
    EXPECT_GE(Ask(*snapshot, params, kRows / 25, Basis::kMeasured), promise);
    SearchParams freely = params;
    freely.min_recall = 0;
    int64_t promised = 0, apart = 0, free = 0;
    for (int q = 0; q < 50; ++q) {
      const auto query = DrawVector(q, &random_);
      ASSERT_OK_AND_ASSIGN(const SearchResult found,
                           Search(*snapshot, query, params));
      promised += found.rows_visited;
      for (const auto& part : parts) {
        ASSERT_OK_AND_ASSIGN(const SearchResult one,
                             Search(*part, query, params));
        apart += one.rows_visited;
      }
      freely.ef = found.ef;
      ASSERT_OK_AND_ASSIGN(const SearchResult told,
                           Search(*snapshot, query, freely));
      free += told.rows_visited;
      // A walk that was cut short is told as one that keeps as few.
      EXPECT_EQ(told.recall_basis, Basis::kMeasured);
      EXPECT_GT(told.recall, 0.5);
      EXPECT_LT(told.recall, 1);
    }
    EXPECT_EQ(promised, apart);
    EXPECT_NE(promised, free);
  }
}

// The hits are then looked for farther away than without.
TEST_F(MeasureRecallTest, WhatIsPromisedIsKeptWhereTheNearestAreExcluded) {
  constexpr int kRows = 8000;
  auto snapshot = Measured(kRows);
  std::mt19937 random(5);
  for (int excluded : {1, 30, 90, 300}) {
    double sum = 0;
    constexpr int kQueries = 100;
    for (int q = 0; q < kQueries; ++q) {
      const auto query = DrawVector(q, &random);
      const auto near = Search(*snapshot, query,
                               {.k = excluded, .min_score = -2, .scan = true});
      ASSERT_OK(near.status());
      SearchParams params;
      params.min_score = -2;
      for (const SearchHit& hit : near->hits)
        params.excluded_products.insert(hit.key().product_id);
      SearchParams exact = params;
      exact.exact = true;
      params.min_recall = 0.95;
      const auto found = Search(*snapshot, query, params);
      const auto right = Search(*snapshot, query, exact);
      ASSERT_OK(found.status());
      ASSERT_OK(right.status());
      ASSERT_EQ(found->hits.size(), 10u);
      sum += RecallOf(*right, *found, params.k);
    }
    EXPECT_GE(sum / kQueries, 0.95) << excluded;
  }
}

TEST_F(MeasureRecallTest, WhatCannotBePromisedIsScanned) {
  auto snapshot = Measured(3000);
  using Basis = SearchResult::RecallBasis;
  SearchParams params;
  params.min_score = -2;
  params.min_recall = 1;
  EXPECT_EQ(Ask(*snapshot, params, 120, Basis::kScanned), 1);
  // A filter and an emphasis at once.
  RowFilter most;
  Bitmap passing(3000);
  for (uint32_t row = 0; row < 2900; ++row) passing.Set(row);
  most.Add(std::move(passing));
  params.min_recall = 0.5;
  params.emphasis = {1, 3};
  params.filter = &most;
  EXPECT_EQ(Ask(*snapshot, params, 120, Basis::kScanned), 1);
  // Unless nothing is to be kept.
  params.min_recall = 0;
  Ask(*snapshot, params, 120, Basis::kUnmeasured);
}

TEST_F(MeasureRecallTest, WalksKeepWhatIsRightForTheGraphUnlessTold) {
  struct Case {
    std::vector<std::pair<uint32_t, float>> measured;  // Recall by ef.
    int ef;
  };
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(DrawRows(3000, 1), &graph));
  storage::Shard* shard = builder_.set().mutable_shards(0);
  for (const Case& c :
       {Case{{}, kDefaultEf}, Case{{{16, 0.99f}, {64, 0.999f}}, kDefaultEf},
        Case{{{64, 0.9f}, {128, 0.985f}, {256, 0.99f}}, 128},
        Case{{{64, 0.5f}, {1024, 0.99f}}, kMostDefaultEf}}) {
    shard->clear_recall();
    if (!c.measured.empty()) {
      storage::RecallCurve* curve = shard->add_recall();
      curve->set_k(10);
      curve->set_passing(1);
      curve->set_queries(1000);
      for (const auto& [ef, recall] : c.measured) {
        curve->add_ef(ef);
        curve->add_recall(recall);
      }
    }
    const auto snapshot = Publish();
    const auto query = DrawVector(1, &random_);
    ASSERT_OK_AND_ASSIGN(const SearchResult found,
                         Search(*snapshot, query, {.k = 10}));
    EXPECT_EQ(found.ef, c.ef);
    ASSERT_OK_AND_ASSIGN(const SearchResult told,
                         Search(*snapshot, query, {.k = 10, .ef = 40}));
    EXPECT_EQ(told.ef, 40);
  }
}

TEST_F(MeasureRecallTest, ARecallOutOfRangeIsRefused) {
  auto snapshot = Measured(100);
  for (double wrong : {-0.1, 1.1, std::nan("")}) {
    SearchParams params;
    params.min_recall = wrong;
    const auto result = Search(*snapshot, DrawVector(1, &random_), params);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace vitrine
