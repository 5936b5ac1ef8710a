#include "common/index/search.h"

#include <cmath>
#include <map>
#include <numeric>

#include "tests/test_util/search_fixture.h"

namespace vitrine {
namespace {

constexpr int kRows = 3000;

class SearchTest : public SearchFixture {};

TEST_F(SearchTest, AStoredVectorFindsItselfFirst) {
  const std::vector<Row> rows = DrawRows(500, 1);
  ASSERT_OK(builder_.AddShard(rows));
  auto snapshot = Publish();
  for (const Metric metric :
       {Metric::kCosine, Metric::kEuclidean, Metric::kManhattan}) {
    for (size_t i = 0; i < rows.size(); i += 37) {
      std::vector<float> query(192);
      FloatsFromHalves(rows[i].vector.data(), 192, query.data());
      ASSERT_OK_AND_ASSIGN(
          const SearchResult result,
          Search(*snapshot, query, {.k = 3, .metric = metric}));
      EXPECT_EQ(result.hits[0].key().product_id, rows[i].product_id);
      EXPECT_GT(result.hits[0].score,
                metric == Metric::kEuclidean ? 0.97f : 0.998f);
      EXPECT_LE(result.hits[0].score, 1.0f);
      EXPECT_EQ(result.plan, SearchResult::Plan::kExactScan);
    }
  }
}

// Against the formulas of each metric, computed in double precision.
TEST_F(SearchTest, ScoresAreThoseOfTheFormulas) {
  const std::vector<Row> rows = DrawRows(60, 1);
  ASSERT_OK(builder_.AddShard(rows));
  auto snapshot = Publish();
  const std::vector<float> query = DrawVector(1, &random_);
  const std::vector<float> emphasis = {0.5f, 3.0f};
  for (const Metric metric :
       {Metric::kCosine, Metric::kEuclidean, Metric::kManhattan}) {
    SearchParams params = {
        .k = 60, .min_score = -1, .metric = metric, .emphasis = emphasis};
    ASSERT_OK_AND_ASSIGN(const SearchResult result,
                         Search(*snapshot, query, params));
    ASSERT_EQ(result.hits.size(), 60u);
    float before = INFINITY;
    for (const SearchHit& hit : result.hits) {
      std::vector<float> row(192);
      FloatsFromHalves(hit.shard->vector(hit.row), 192, row.data());
      double dot[2] = {}, l1[2] = {};
      for (size_t i = 0; i < 192; ++i) {
        dot[i >= 128] += static_cast<double>(query[i]) * row[i];
        l1[i >= 128] += std::fabs(static_cast<double>(query[i]) - row[i]);
      }
      const double total = 0.5 * 0.8 + 3 * 0.2;
      const double sim = (0.5 * dot[0] + 3 * dot[1]) / total;
      double distance = 1 - sim, score = std::max(0.0, sim);
      if (metric == Metric::kEuclidean) distance = std::sqrt(2 - 2 * sim);
      if (metric == Metric::kManhattan)
        distance = (0.5 * l1[0] + 3 * l1[1]) / total;
      if (metric != Metric::kCosine) score = 1 / (1 + distance);
      EXPECT_NEAR(hit.distance, distance, 1e-4);
      EXPECT_NEAR(hit.score, score, 1e-4);
      EXPECT_NEAR(hit.block_cosines[0], dot[0] / 0.8, 1e-4);
      EXPECT_NEAR(hit.block_cosines[1], dot[1] / 0.2, 1e-4);
      EXPECT_LE(hit.score, before);
      before = hit.score;
    }
  }
}

TEST_F(SearchTest, TheSamePictureScoresOneUnderAnyEmphasis) {
  const std::vector<Row> rows = DrawRows(60, 1);
  ASSERT_OK(builder_.AddShard(rows));
  auto snapshot = Publish();
  std::vector<float> query(192);
  FloatsFromHalves(rows[9].vector.data(), 192, query.data());
  for (const std::vector<float>& emphasis :
       {std::vector{0.0f, 1.0f}, {1.0f, 0.0f}, {2.0f, 7.0f}}) {
    ASSERT_OK_AND_ASSIGN(
        const SearchResult result,
        Search(*snapshot, query, {.k = 1, .emphasis = emphasis}));
    EXPECT_NEAR(result.hits[0].score, 1.0f, 2e-3);
  }
}

TEST_F(SearchTest, TheGraphFindsWhatTheScanFinds) {
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(DrawRows(kRows, 1), &graph));
  auto snapshot = Publish();
  size_t found = 0;
  for (int q = 0; q < 100; ++q) {
    const std::vector<float> query = DrawVector(q % 120, &random_);
    ASSERT_OK_AND_ASSIGN(const SearchResult walked,
                         Search(*snapshot, query, {}));
    ASSERT_OK_AND_ASSIGN(const SearchResult scanned,
                         Search(*snapshot, query, {.exact = true}));
    EXPECT_EQ(walked.plan, SearchResult::Plan::kGraphWalk);
    EXPECT_EQ(walked.ef, kDefaultEf);
    EXPECT_LT(walked.rows_visited, scanned.rows_visited);
    EXPECT_EQ(scanned.rows_visited, kRows);
    const std::vector<std::string> exact = Ids(scanned);
    for (const std::string& id : Ids(walked)) {
      found += static_cast<size_t>(std::count(exact.begin(), exact.end(), id));
    }
  }
  EXPECT_GE(found, 990u);
}

// What was found in one graph bounds the walks through the others: together
// they cost less than each alone, and find as much.
TEST_F(SearchTest, OneGraphSparesWorkInTheOthers) {
  const std::vector<Row> rows = DrawRows(kRows, 1);
  const GraphParams graph;
  std::vector<std::unique_ptr<IndexBuilder>> alone;
  for (size_t begin = 0; begin < rows.size();) {
    // 1/2, 1/4, 1/8 of the rows and the rest.
    const size_t n = alone.size() == 3 ? rows.size() - begin
                                       : rows.size() >> (alone.size() + 1);
    const std::vector<Row> part(
        rows.begin() + static_cast<ptrdiff_t>(begin),
        rows.begin() + static_cast<ptrdiff_t>(begin + n));
    ASSERT_OK(builder_.AddShard(part, &graph));
    alone.push_back(std::make_unique<IndexBuilder>(
        dir_.path() / std::to_string(alone.size()), TestBlocks()));
    ASSERT_OK(alone.back()->AddShard(part, &graph));
    ASSERT_OK(alone.back()->Publish());
    begin += n;
  }
  auto snapshot = Publish();
  ASSERT_EQ(snapshot->shards().size(), 4u);
  std::vector<std::shared_ptr<const Snapshot>> parts;
  std::string degraded;
  for (const auto& builder : alone) {
    ASSERT_OK_AND_ASSIGN(
        parts.emplace_back(),
        Snapshot::OpenNewest(builder->paths(), nullptr, &degraded));
  }
  size_t found = 0;
  int64_t together = 0, apart = 0;
  for (int q = 0; q < 100; ++q) {
    const std::vector<float> query = DrawVector(q % 120, &random_);
    ASSERT_OK_AND_ASSIGN(const SearchResult walked,
                         Search(*snapshot, query, {}));
    ASSERT_OK_AND_ASSIGN(const SearchResult scanned,
                         Search(*snapshot, query, {.exact = true}));
    EXPECT_EQ(walked.hits.size(), 10u);
    EXPECT_EQ(walked.plan, SearchResult::Plan::kGraphWalk);
    together += walked.rows_visited;
    for (const auto& part : parts) {
      ASSERT_OK_AND_ASSIGN(const SearchResult one, Search(*part, query, {}));
      apart += one.rows_visited;
    }
    const std::vector<std::string> exact = Ids(scanned);
    for (const std::string& id : Ids(walked)) {
      found += static_cast<size_t>(std::count(exact.begin(), exact.end(), id));
    }
  }
  EXPECT_GE(found, 990u);
  EXPECT_LT(together, apart * 9 / 10);
}

TEST_F(SearchTest, DeadRowsAreNeverFoundAndNeverMissed) {
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(DrawRows(kRows, 1), &graph));
  std::vector<uint32_t> dead;
  for (uint32_t row = 0; row < kRows; ++row) {
    if (row % 10 != 0) dead.push_back(row);
  }
  ASSERT_OK(builder_.DeleteRows(0, dead));
  auto snapshot = Publish();
  size_t found = 0;
  for (int q = 0; q < 30; ++q) {
    const std::vector<float> query = DrawVector(q % 120, &random_);
    ASSERT_OK_AND_ASSIGN(const SearchResult walked,
                         Search(*snapshot, query, {}));
    ASSERT_OK_AND_ASSIGN(const SearchResult scanned,
                         Search(*snapshot, query, {.exact = true}));
    EXPECT_EQ(walked.hits.size(), 10u);
    const std::vector<std::string> exact = Ids(scanned);
    for (const SearchHit& hit : walked.hits) {
      EXPECT_EQ(hit.row % 10, 0u);
      found += static_cast<size_t>(
          std::count(exact.begin(), exact.end(), hit.key().product_id));
    }
  }
  EXPECT_GE(found, 297u);
}

TEST_F(SearchTest, GroupsByProductAndWidensUntilKProductsStand) {
  // One product with 200 pictures nearer to the query than all others.
  std::vector<Row> rows = DrawRows(300, 1);
  const std::vector<float> query = DrawVector(3, &random_);
  for (int i = 0; i < 200; ++i) {
    rows.push_back(MakeRow("many", std::to_string(i), query));
  }
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(rows, &graph));
  auto snapshot = Publish();
  ASSERT_OK_AND_ASSIGN(const SearchResult grouped,
                       Search(*snapshot, query, {.k = 20}));
  const std::vector<std::string> ids = Ids(grouped);
  ASSERT_EQ(ids.size(), 20u);
  EXPECT_EQ(ids[0], "many");
  EXPECT_EQ(std::count(ids.begin(), ids.end(), "many"), 1);
  EXPECT_EQ(grouped.hits[0].key().image_key, "0");
  ASSERT_OK_AND_ASSIGN(
      const SearchResult pictures,
      Search(*snapshot, query, {.k = 20, .group_by_product = false}));
  const std::vector<std::string> picture_ids = Ids(pictures);
  EXPECT_EQ(std::count(picture_ids.begin(), picture_ids.end(), "many"), 20);
}

// The nearest rows of one shard are all of product "a": the next product of
// that shard must not be lost to a farther one of another shard.
TEST_F(SearchTest, AProductOfManyPicturesHidesNoOtherOfItsShard) {
  const std::vector<float> query = DrawVector(1, &random_);
  std::vector<std::vector<float>> vectors;
  for (int i = 0; i < 12; ++i) vectors.push_back(DrawVector(1, &random_));
  auto similarity = [&query](const std::vector<float>& vector) {
    return std::inner_product(vector.begin(), vector.end(), query.begin(),
                              0.0f);
  };
  std::sort(vectors.begin(), vectors.end(), [&](const auto& x, const auto& y) {
    return similarity(x) > similarity(y);
  });
  std::vector<Row> rows;
  for (int i = 0; i < 10; ++i) {
    rows.push_back(MakeRow("a", std::to_string(i), vectors[i]));
  }
  rows.push_back(MakeRow("b", "0", vectors[10]));
  const std::vector<Row> other = {MakeRow("c", "0", vectors[11])};
  const GraphParams graph;
  for (const GraphParams* params :
       {&graph, static_cast<const GraphParams*>(nullptr)}) {
    IndexBuilder builder(dir_.path() / (params ? "graph" : "flat"),
                         TestBlocks());
    ASSERT_OK(builder.AddShard(rows, params));
    ASSERT_OK(builder.AddShard(other));
    ASSERT_OK(builder.Publish());
    std::string degraded;
    ASSERT_OK_AND_ASSIGN(
        auto snapshot,
        Snapshot::OpenNewest(builder.paths(), nullptr, &degraded));
    ASSERT_OK_AND_ASSIGN(const SearchResult result,
                         Search(*snapshot, query, {.k = 2}));
    EXPECT_THAT(Ids(result), testing::ElementsAre("a", "b"));
    // An excluded product takes their place as well.
    SearchParams params_without = {.k = 1};
    params_without.excluded_products.insert("a");
    ASSERT_OK_AND_ASSIGN(const SearchResult without,
                         Search(*snapshot, query, params_without));
    EXPECT_THAT(Ids(without), testing::ElementsAre("b"));
  }
}

TEST_F(SearchTest, HitsDoNotDependOnHowRowsAreSplitIntoShards) {
  std::vector<Row> rows = DrawRows(400, 1);
  // Products of four pictures, all of one of the 17 clusters.
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].product_id = "p" + std::to_string(i % 17 + 17 * (i / 68));
  }
  ASSERT_OK(builder_.AddShard(rows));
  auto whole = Publish();
  IndexBuilder split(dir_.path() / "split", TestBlocks());
  for (size_t begin = 0; begin < rows.size();) {
    const size_t end = std::min(rows.size(), begin + 3 + 2 * begin);
    ASSERT_OK(split.AddShard({rows.begin() + static_cast<ptrdiff_t>(begin),
                              rows.begin() + static_cast<ptrdiff_t>(end)}));
    begin = end;
  }
  ASSERT_OK(split.Publish());
  std::string degraded;
  ASSERT_OK_AND_ASSIGN(auto parts,
                       Snapshot::OpenNewest(split.paths(), nullptr, &degraded));
  ASSERT_GT(parts->shards().size(), 3u);
  for (int q = 0; q < 60; ++q) {
    const std::vector<float> query = DrawVector(q % 17, &random_);
    for (const int k : {1, 2, 5, 40}) {
      for (const bool group : {true, false}) {
        const SearchParams params = {.k = k, .group_by_product = group};
        ASSERT_OK_AND_ASSIGN(const SearchResult one,
                             Search(*whole, query, params));
        ASSERT_OK_AND_ASSIGN(const SearchResult many,
                             Search(*parts, query, params));
        EXPECT_EQ(Ids(one), Ids(many)) << "query " << q << ", k " << k;
      }
    }
  }
}

TEST_F(SearchTest, ExcludesAndPages) {
  const std::vector<Row> rows = DrawRows(100, 1);
  ASSERT_OK(builder_.AddShard({rows.begin(), rows.begin() + 40}));
  ASSERT_OK(builder_.AddShard({rows.begin() + 40, rows.end()}));
  auto snapshot = Publish();
  const std::vector<float> query = DrawVector(1, &random_);
  ASSERT_OK_AND_ASSIGN(const SearchResult all,
                       Search(*snapshot, query, {.k = 100}));
  std::vector<std::string> expected = Ids(all);
  ASSERT_EQ(expected.size(), 100u);
  SearchParams params = {.k = 5, .offset = 3};
  params.excluded_products.insert(expected[0]);
  params.excluded_products.insert(expected[4]);
  ASSERT_OK_AND_ASSIGN(const SearchResult page,
                       Search(*snapshot, query, params));
  EXPECT_THAT(Ids(page),
              testing::ElementsAre(expected[5], expected[6], expected[7],
                                   expected[8], expected[9]));
  ASSERT_OK_AND_ASSIGN(const SearchResult beyond,
                       Search(*snapshot, query, {.k = 50, .offset = 90}));
  EXPECT_EQ(beyond.hits.size(), 10u);
}

TEST_F(SearchTest, TiesGoByProductId) {
  const std::vector<float> same = DrawVector(1, &random_);
  ASSERT_OK(
      builder_.AddShard({MakeRow("c", "x", same), MakeRow("a", "x", same)}));
  ASSERT_OK(
      builder_.AddShard({MakeRow("b", "x", same), MakeRow("d", "x", same)}));
  auto snapshot = Publish();
  ASSERT_OK_AND_ASSIGN(const SearchResult result,
                       Search(*snapshot, same, {.k = 3}));
  EXPECT_THAT(Ids(result), testing::ElementsAre("a", "b", "c"));
}

TEST_F(SearchTest, AGraphOfDeadRowsHoldsNothing) {
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(DrawRows(200, 1), &graph));
  std::vector<uint32_t> all(200);
  std::iota(all.begin(), all.end(), 0);
  ASSERT_OK(builder_.DeleteRows(0, all));
  auto snapshot = Publish();
  const std::vector<float> query = DrawVector(1, &random_);
  for (const Metric metric : {Metric::kCosine, Metric::kManhattan}) {
    ASSERT_OK_AND_ASSIGN(const SearchResult result,
                         Search(*snapshot, query, {.metric = metric}));
    EXPECT_TRUE(result.hits.empty());
  }
}

TEST_F(SearchTest, MinScoreCutsTheTail) {
  ASSERT_OK(builder_.AddShard(DrawRows(200, 1)));
  auto snapshot = Publish();
  const std::vector<float> query = DrawVector(1, &random_);
  ASSERT_OK_AND_ASSIGN(const SearchResult result,
                       Search(*snapshot, query, {.k = 200, .min_score = 0.5f}));
  EXPECT_GT(result.hits.size(), 0u);
  EXPECT_LT(result.hits.size(), 200u);
  for (const SearchHit& hit : result.hits) EXPECT_GE(hit.score, 0.5f);
}

// Neighbours under one metric may be far apart under another: no graph of the
// one leads to those of the other.
TEST_F(SearchTest, AMetricThatTheGraphWasNotBuiltForIsScanned) {
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(DrawRows(kRows, 1), &graph));
  auto snapshot = Publish();
  for (int q = 0; q < 30; ++q) {
    const std::vector<float> query = DrawVector(q, &random_);
    SearchParams params = {.metric = Metric::kManhattan};
    ASSERT_OK_AND_ASSIGN(const SearchResult found,
                         Search(*snapshot, query, params));
    EXPECT_EQ(found.plan, SearchResult::Plan::kExactScan);
    params.exact = true;
    ASSERT_OK_AND_ASSIGN(const SearchResult scanned,
                         Search(*snapshot, query, params));
    EXPECT_EQ(Ids(found), Ids(scanned));
  }
}

TEST_F(SearchTest, AnEmptyIndexHasNoHits) {
  auto snapshot = Publish();
  ASSERT_OK_AND_ASSIGN(const SearchResult result,
                       Search(*snapshot, DrawVector(1, &random_), {}));
  EXPECT_TRUE(result.hits.empty());
}

TEST_F(SearchTest, RefusesParametersOutOfRange) {
  auto snapshot = Publish();
  const std::vector<float> query = DrawVector(1, &random_);
  auto message = [&](const SearchParams& params) {
    return std::string(Search(*snapshot, query, params).status().message());
  };
  EXPECT_EQ(message({.k = 0}), "k is 0: give 1 to 1000");
  EXPECT_EQ(message({.k = 100'000}), "k is 100000: give 1 to 1000");
  EXPECT_EQ(message({.k = 10, .offset = 995}), "offset is 995: give 0 to 990");
  EXPECT_EQ(message({.ef = 5000}), "ef is 5000: give 1 to 4096");
  EXPECT_EQ(message({.emphasis = {1, -1}}), "emphasis is -1: give 0 to 1e+06");
  EXPECT_THAT(message({.emphasis = {0, 0}}),
              testing::HasSubstr("every block's emphasis is 0"));
  EXPECT_STATUS(Search(*snapshot, std::span(query).first(64), {}),
                absl::StatusCode::kFailedPrecondition,
                "the query has 64 numbers");
}

// Walks, scans by codes and exactly, filters and an emphasis, some of them
// alike, over a graph and a flat shard with dead rows.
TEST_F(SearchTest, ABatchAnswersAsEachQueryAlone) {
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(DrawRows(2000, 1), &graph));
  std::vector<Row> fresh = DrawRows(300, 2);
  for (Row& row : fresh) row.product_id += "-fresh";
  ASSERT_OK(builder_.AddShard(std::move(fresh)));
  ASSERT_OK(builder_.DeleteRows(1, {3, 4, 5, 250}));
  auto snapshot = Publish();
  RowFilter third;
  for (const LiveShard& live : snapshot->shards()) {
    Bitmap rows(live.shard->rows());
    for (uint32_t row = 0; row < rows.size(); row += 3) {
      if (live.IsLive(row)) rows.Set(row);
    }
    third.Add(std::move(rows));
  }
  const SearchParams kinds[] = {{},
                                {.exact = true},
                                {.scan = true},
                                {.scan = true, .emphasis = {1, 4}},
                                {.k = 50, .filter = &third},
                                {.k = 900, .min_score = -2},
                                {.metric = Metric::kManhattan},
                                {.k = 0}};
  std::vector<std::vector<float>> vectors;
  for (int q = 0; q < 40; ++q) vectors.push_back(DrawVector(q, &random_));
  std::vector<SearchQuery> batch;
  for (size_t q = 0; q < vectors.size(); ++q)
    batch.push_back({vectors[q], &kinds[q % std::size(kinds)]});
  const auto together = SearchBatch(*snapshot, batch);
  ASSERT_EQ(together.size(), batch.size());
  for (size_t q = 0; q < batch.size(); ++q) {
    const auto alone = Search(*snapshot, batch[q].vector, *batch[q].params);
    ASSERT_EQ(together[q].status(), alone.status()) << q;
    if (!alone.ok()) continue;
    EXPECT_EQ(Ids(*together[q]), Ids(*alone)) << q;
    EXPECT_EQ(together[q]->plan, alone->plan) << q;
    EXPECT_EQ(together[q]->rows_visited, alone->rows_visited) << q;
    for (size_t i = 0; i < alone->hits.size(); ++i)
      EXPECT_EQ(together[q]->hits[i].score, alone->hits[i].score);
  }
}

}  // namespace
}  // namespace vitrine
