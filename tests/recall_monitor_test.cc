#include "server/recall_monitor.h"

#include <gtest/gtest.h>

#include "tests/test_util/search_fixture.h"

namespace vitrine {
namespace {

constexpr int kRows = 600;

class RecallMonitorTest : public SearchFixture {
 protected:
  std::shared_ptr<const Snapshot> OneGraph(int rows = kRows) {
    const GraphParams graph;
    EXPECT_OK(builder_.AddShard(DrawRows(rows, 1), &graph));
    return Publish();
  }
  Query Draw() {
    Query query;
    query.vector = DrawVector(3, &random_);
    query.params.min_score = -2;
    return query;
  }
  // Asks, and offers the answer.
  static SearchResult Ask(const std::shared_ptr<const Snapshot>& snapshot,
                          const Query& query, RecallMonitor* monitor) {
    auto result = Search(*snapshot, query.vector, query.params);
    EXPECT_OK(result.status());
    monitor->Offer(snapshot, query, *result);
    monitor->WaitUntilIdle();
    return *std::move(result);
  }
};

TEST_F(RecallMonitorTest, TellsWhatAnswersHeld) {
  RecallMonitor monitor(1);
  EXPECT_TRUE(monitor.found().empty());
  auto snapshot = OneGraph();
  const Query query = Draw();
  SearchResult result = Ask(snapshot, query, &monitor);
  ASSERT_EQ(monitor.found().size(), 1u);
  EXPECT_EQ(monitor.found()[0].queries, 1);
  EXPECT_EQ(monitor.found()[0].recall, 1);
  // An answer that lost half of its hits, so that the mean is of 1 and 1/2.
  result.hits.resize(5);
  monitor.Offer(snapshot, query, result);
  monitor.WaitUntilIdle();
  EXPECT_EQ(monitor.found()[0].queries, 2);
  EXPECT_NEAR(monitor.found()[0].recall, 0.75, 1e-9);
}

TEST_F(RecallMonitorTest, TellsFilteredAnswersApart) {
  RecallMonitor monitor(1);
  constexpr int kManyRows = 3000;  // Of few, all that pass are scanned.
  auto snapshot = OneGraph(kManyRows);
  Query query = Draw();
  auto rows = std::make_shared<RowFilter>();
  Bitmap passing(kManyRows);
  for (uint32_t row = 0; row < kManyRows; row += 3) passing.Set(row);
  rows->Add(std::move(passing));
  query.rows = rows;
  query.params.filter = rows.get();
  query.params.k = 2;
  query.params.ef = 4;
  const SearchResult result = Ask(snapshot, query, &monitor);
  ASSERT_EQ(result.plan, SearchResult::Plan::kFilteredWalk);
  ASSERT_EQ(monitor.found().size(), 1u);
  EXPECT_EQ(monitor.found()[0].to, 0.5);
  EXPECT_EQ(monitor.found()[0].from, 0.1);
}

TEST_F(RecallMonitorTest, LeavesScansOut) {
  RecallMonitor monitor(1);
  auto snapshot = OneGraph();
  Query query = Draw();
  query.params.exact = true;
  Ask(snapshot, query, &monitor);
  EXPECT_TRUE(monitor.found().empty());
}

// Products that were left out of the answer are none that it lacks. Their ids
// may be gone when the comparison is made.
TEST_F(RecallMonitorTest, LeavesOutWhatTheRequestDid) {
  RecallMonitor monitor(1);
  auto snapshot = OneGraph();
  Query query = Draw();
  const SearchResult all = Ask(snapshot, query, &monitor);
  auto ids = std::make_unique<std::vector<std::string>>(Ids(all));
  for (const std::string& id : *ids) query.params.excluded_products.insert(id);
  auto rest = Search(*snapshot, query.vector, query.params);
  ASSERT_OK(rest.status());
  monitor.Offer(snapshot, query, *rest);
  query.params.excluded_products.clear();
  ids.reset();
  monitor.WaitUntilIdle();
  EXPECT_EQ(monitor.found()[0].queries, 2);
  EXPECT_GE(monitor.found()[0].recall, 0.9);
}

TEST_F(RecallMonitorTest, OfNoShareComparesNothing) {
  RecallMonitor monitor(0);
  auto snapshot = OneGraph();
  Ask(snapshot, Draw(), &monitor);
  EXPECT_TRUE(monitor.found().empty());
}

}  // namespace
}  // namespace vitrine
