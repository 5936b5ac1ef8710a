#include "common/index/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>

#include "common/vector/half.h"
#include "common/vector/kernels.h"
#include "tests/hnswlib_graph.h"
#include "tests/test_util/graphs.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/vectors.h"

namespace vitrine {
namespace {

constexpr size_t kDim = 192;
constexpr uint32_t kRows = 3000;

std::vector<uint16_t> DrawVectors(uint32_t rows) {
  std::vector<uint16_t> vectors;
  for (const Row& row : DrawRows(static_cast<int>(rows), 1))
    vectors.insert(vectors.end(), row.vector.begin(), row.vector.end());
  return vectors;
}

absl::StatusOr<GraphView> Unchecked(const Graph& graph, uint32_t rows) {
  return GraphView::Open(rows, graph.entry, graph.max_level,
                         graph.level0_stride, graph.upper_stride, graph.level0,
                         graph.upper_start, graph.upper);
}

absl::StatusOr<GraphView> ViewOf(const Graph& graph, uint32_t rows) {
  VITRINE_ASSIGN_OR_RETURN(const GraphView view, Unchecked(graph, rows));
  VITRINE_RETURN_IF_ERROR(view.CheckLinks(/*stop=*/{}));
  return view;
}

// The distances of one row each, for a walk.
auto OneByOne(std::function<float(uint32_t row)> distance) {
  return [distance = std::move(distance)](const uint32_t* rows, size_t count,
                                          float* out) {
    std::transform(rows, rows + count, out, distance);
  };
}

TEST(GraphView, StepsOverRowsThatAreNotAccepted) {
  const std::vector<uint16_t> vectors = DrawVectors(kRows);
  ASSERT_OK_AND_ASSIGN(const Graph graph,
                       BuildGraph(EncodeRows(TestBlocks(), vectors), {}));
  ASSERT_OK_AND_ASSIGN(const GraphView view, ViewOf(graph, kRows));
  auto accept = [](uint32_t row) { return row % 5 == 0; };
  std::mt19937 random(5);
  int64_t found = 0, stepping = 0, passing = 0;
  for (int q = 0; q < 50; ++q) {
    const std::vector<float> query = DrawVector(q, &random);
    auto distance = [&](uint32_t row) {
      return -DotHalf(query.data(), vectors.data() + row * kDim, kDim);
    };
    std::vector<std::pair<float, uint32_t>> exact;
    for (uint32_t row = 0; row < kRows; row += 5) {
      exact.push_back({distance(row), row});
    }
    std::sort(exact.begin(), exact.end());
    const auto distances = OneByOne(distance);
    const GraphView::Walked walked =
        view.Search(distances, accept, {.ef = 40, .two_hops = true});
    ASSERT_EQ(walked.found.size(), 40u);
    for (size_t i = 0; i < 10; ++i) {
      found += std::count_if(
          walked.found.begin(), walked.found.end(),
          [&](const auto& one) { return one.row == exact[i].second; });
    }
    for (const auto& one : walked.found) EXPECT_TRUE(accept(one.row));
    stepping += walked.distances;
    passing += view.Search(distances, accept, {.ef = 40}).distances;
  }
  EXPECT_GE(found, 490);
  EXPECT_LT(stepping, passing);
}

TEST(GraphView, FindsWhatLiesWithinItsBoundForLess) {
  const std::vector<uint16_t> vectors = DrawVectors(kRows);
  ASSERT_OK_AND_ASSIGN(const Graph graph,
                       BuildGraph(EncodeRows(TestBlocks(), vectors), {}));
  ASSERT_OK_AND_ASSIGN(const GraphView view, ViewOf(graph, kRows));
  auto any = [](uint32_t) { return true; };
  std::mt19937 random(5);
  size_t within = 0, missed = 0;
  int64_t bounded_distances = 0, unbounded_distances = 0;
  for (int q = 0; q < 50; ++q) {
    const std::vector<float> query = DrawVector(q, &random);
    const auto distances = OneByOne([&](uint32_t row) {
      return -DotHalf(query.data(), vectors.data() + row * kDim, kDim);
    });
    const GraphView::Walked whole = view.Search(distances, any, {.ef = 64});
    ASSERT_EQ(whole.found.size(), 64u);
    unbounded_distances += whole.distances;
    // From none to all of the 64 lie within.
    const size_t wanted = static_cast<size_t>(q) * 64 / 50;
    const float bound = whole.found[wanted].distance;
    const GraphView::Walked bounded =
        view.Search(distances, any, {.ef = 64, .bound = bound, .least = 16});
    bounded_distances += bounded.distances;
    EXPECT_FALSE(bounded.gave_up);
    EXPECT_TRUE(bounded.bounded);
    EXPECT_GE(bounded.found.size(), 16u);
    EXPECT_LE(bounded.found.size(), std::max<size_t>(16, wanted + 1));
    for (size_t i = 0; i < wanted; ++i) {
      ++within;
      missed += std::none_of(
          bounded.found.begin(), bounded.found.end(),
          [&](const auto& one) { return one.row == whole.found[i].row; });
    }
    for (size_t i = 1; i < bounded.found.size(); ++i) {
      EXPECT_LE(bounded.found[i - 1].distance, bounded.found[i].distance);
    }
  }
  EXPECT_LE(missed, within / 50);
  EXPECT_LT(bounded_distances, unbounded_distances * 3 / 4);
}

TEST(GraphView, FindsTheLeastThatItMayWhateverItsBound) {
  const std::vector<uint16_t> vectors = DrawVectors(kRows);
  ASSERT_OK_AND_ASSIGN(const Graph graph,
                       BuildGraph(EncodeRows(TestBlocks(), vectors), {}));
  ASSERT_OK_AND_ASSIGN(const GraphView view, ViewOf(graph, kRows));
  std::mt19937 random(6);
  const std::vector<float> query = DrawVector(3, &random);
  const auto distances = OneByOne([&](uint32_t row) {
    return -DotHalf(query.data(), vectors.data() + row * kDim, kDim);
  });
  auto any = [](uint32_t) { return true; };
  const auto rows_of = [](const GraphView::Walked& walked) {
    std::vector<uint32_t> rows;
    for (const auto& one : walked.found) rows.push_back(one.row);
    return rows;
  };
  // Nothing lies within: the walk is one that keeps the least.
  EXPECT_EQ(
      rows_of(view.Search(distances, any,
                          {.ef = 64,
                           .bound = -std::numeric_limits<float>::infinity(),
                           .least = 16})),
      rows_of(view.Search(distances, any, {.ef = 16})));
  // All lies within, and nothing is left out for it.
  EXPECT_FALSE(
      view.Search(distances, any, {.ef = 64, .bound = 1, .least = 16}).bounded);
  EXPECT_EQ(
      rows_of(view.Search(distances, any, {.ef = 64, .bound = 1, .least = 16})),
      rows_of(view.Search(distances, any, {.ef = 64})));
}

TEST(GraphView, GivesUpAfterSoManyDistances) {
  const std::vector<uint16_t> vectors = DrawVectors(kRows);
  ASSERT_OK_AND_ASSIGN(const Graph graph,
                       BuildGraph(EncodeRows(TestBlocks(), vectors), {}));
  ASSERT_OK_AND_ASSIGN(const GraphView view, ViewOf(graph, kRows));
  int64_t asked = 0;
  const auto distances = OneByOne([&](uint32_t row) {
    ++asked;
    return static_cast<float>(row);
  });
  auto all = [](uint32_t) { return true; };
  const GraphView::Walked cut =
      view.Search(distances, all, {.ef = 40, .most_distances = 50});
  EXPECT_TRUE(cut.gave_up);
  EXPECT_LE(asked, 50);
  asked = 0;
  const GraphView::Walked whole = view.Search(distances, all, {.ef = 40});
  EXPECT_FALSE(whole.gave_up);
  EXPECT_EQ(asked, whole.distances);
}

// A file whose checksums hold but whose graph does not: what only our own
// mistake or an attacker would write.
TEST(GraphView, RejectsLinksOutOfBounds) {
  ASSERT_OK_AND_ASSIGN(
      const Graph graph,
      BuildGraph(EncodeRows(TestBlocks(), DrawVectors(200)), {}));
  EXPECT_OK(ViewOf(graph, 200));
  EXPECT_STATUS(ViewOf(graph, 199), absl::StatusCode::kDataLoss, "wrong size");
  Graph broken = graph;
  broken.level0[5 * broken.level0_stride + 1] = 200;
  EXPECT_STATUS(ViewOf(broken, 200), absl::StatusCode::kDataLoss,
                "links row 5 to row 200");
  broken = graph;
  broken.level0[5 * broken.level0_stride] = broken.level0_stride;
  EXPECT_STATUS(ViewOf(broken, 200), absl::StatusCode::kDataLoss,
                "too many links at row 5");
  broken = graph;
  broken.max_level += 1;
  EXPECT_STATUS(ViewOf(broken, 200), absl::StatusCode::kDataLoss,
                "not entered at its top");
  broken = graph;
  ASSERT_FALSE(broken.upper.empty());
  broken.upper[0] = 1;
  for (uint32_t row = 0; row < 200; ++row) {
    if (graph.upper_start[row + 1] == graph.upper_start[row])
      broken.upper[1] = row;
  }
  EXPECT_STATUS(ViewOf(broken, 200), absl::StatusCode::kDataLoss, "on level 1");
  broken = graph;
  broken.entry = 200;
  EXPECT_STATUS(ViewOf(broken, 200), absl::StatusCode::kDataLoss, "wrong size");
}

// As a file that is not verified yet may hold them.
TEST(GraphView, WalksPastLinksOutOfBounds) {
  ASSERT_OK_AND_ASSIGN(
      const Graph graph,
      BuildGraph(EncodeRows(TestBlocks(), DrawVectors(1000)), {}));
  ASSERT_GT(graph.max_level, 0u);
  std::mt19937 random(3);
  int checked = 0;
  for (int i = 0; i < 200; ++i) {
    Graph broken = graph;
    const uint32_t odds = 2 + random() % 200;
    auto break_some = [&](std::vector<uint32_t>* numbers) {
      for (uint32_t& number : *numbers) {
        if (random() % odds == 0) number = random() >> random() % 32;
      }
    };
    break_some(&broken.level0);
    break_some(&broken.upper);
    const uint32_t last = broken.upper_start.back();
    break_some(&broken.upper_start);
    broken.upper_start.back() = last;
    const auto view = Unchecked(broken, 1000);
    if (!view.ok()) continue;  // It has no top to be entered at.
    ++checked;
    EXPECT_STATUS(view->CheckLinks(/*stop=*/{}), absl::StatusCode::kDataLoss,
                  "its graph ");
    for (const bool two_hops : {false, true}) {
      const GraphView::Walked walked = view->Search(
          OneByOne([](uint32_t row) { return static_cast<float>(row); }),
          [&](uint32_t row) {
            EXPECT_LT(row, 1000u);
            return row % 3 == 0;
          },
          {.ef = 30, .two_hops = two_hops});
      for (const auto& one : walked.found) EXPECT_LT(one.row, 1000u);
    }
  }
  EXPECT_GT(checked, 50);
}

// Where every link leads is right only if all distances, choices and levels
// were.
TEST(BuildGraph, LinksRowsAsHnswlibDoes) {
  std::vector<uint16_t> vectors = DrawVectors(kRows);
  // A third of them are copies of the first.
  for (size_t row = 0; row < kRows; row += 3)
    std::copy_n(vectors.begin(), kDim, vectors.begin() + row * kDim);
  const EncodedRows coded = EncodeRows(TestBlocks(), vectors);
  for (const GraphSpace space : {GraphSpace::kDot, GraphSpace::kL1}) {
    for (const int m : {5, 16}) {
      GraphParams params;
      params.space = space;
      params.m = m;
      params.ef_construction = 60;
      ASSERT_OK_AND_ASSIGN(const Graph graph, BuildGraph(coded, params));
      const Graph expected = BuildWithHnswlib(coded, params);
      ASSERT_GE(graph.max_level, 2u);
      EXPECT_EQ(graph.entry, expected.entry);
      EXPECT_EQ(graph.max_level, expected.max_level);
      EXPECT_EQ(graph.level0_stride, expected.level0_stride);
      EXPECT_EQ(graph.upper_stride, expected.upper_stride);
      EXPECT_TRUE(graph.level0 == expected.level0);
      EXPECT_TRUE(graph.upper_start == expected.upper_start);
      EXPECT_TRUE(graph.upper == expected.upper);
    }
  }
}

TEST(GraphView, WalksAsHnswlibOnTheSameGraph) {
  const std::vector<uint16_t> vectors = DrawVectors(kRows);
  const EncodedRows coded = EncodeRows(TestBlocks(), vectors);
  std::mt19937 random(5);
  std::vector<float> queries;
  for (int q = 0; q < 50; ++q) {
    const std::vector<float> query = DrawVector(q, &random);
    queries.insert(queries.end(), query.begin(), query.end());
  }
  constexpr int kEf = 20;
  for (const GraphSpace space : {GraphSpace::kDot, GraphSpace::kL1}) {
    GraphParams params;
    params.space = space;
    ASSERT_OK_AND_ASSIGN(const Graph graph, BuildGraph(coded, params));
    ASSERT_OK_AND_ASSIGN(const GraphView view, ViewOf(graph, kRows));
    const auto expected = SearchWithHnswlib(coded, params, queries, kEf, kEf);
    ASSERT_EQ(expected.size(), 50u);
    for (size_t q = 0; q < expected.size(); ++q) {
      std::vector<uint8_t> query(kDim);
      EncodeVector(TestBlocks(), coded.ranges, queries.data() + q * kDim,
                   query.data());
      const auto distances = OneByOne([&](uint32_t row) {
        double sum = 0;
        for (size_t i = 0; i < kDim; ++i) {
          const double step = coded.ranges[i < 128 ? 0 : 1] / 127;
          const double x = step * (coded.codes[row * kDim + i] - 128),
                       y = step * (query[i] - 128);
          sum += space == GraphSpace::kDot ? -x * y : std::fabs(x - y);
        }
        return static_cast<float>(sum);
      });
      std::vector<uint32_t> found;
      for (const GraphView::Candidate& candidate :
           view.Search(distances, [](uint32_t) { return true; }, {.ef = kEf})
               .found) {
        found.push_back(candidate.row);
      }
      EXPECT_EQ(found, expected[q]) << "query " << q;
    }
  }
}

// The share of the exact nearest rows that a walk with ef 50 finds, over rows
// near those of the graph.
double RecallOf(const Graph& graph, const CodedRows& coded) {
  const auto rows = static_cast<uint32_t>(coded.codes.size() / kDim);
  const auto view = ViewOf(graph, rows);
  EXPECT_OK(view.status());
  std::mt19937 random(9);
  size_t right = 0;
  constexpr int kQueries = 100;
  constexpr size_t kNearest = 10;
  for (int q = 0; q < kQueries; ++q) {
    const std::vector<float> query = DrawVector(q, &random);
    const DotCodeQuery coded_query(TestBlocks(), coded.ranges, query);
    const auto distance = [&](uint32_t row) {
      float dot = 0;
      const uint32_t one[] = {row};
      coded_query.Estimate({coded.codes.data(), kDim, one, 1}, &dot);
      return -dot;
    };
    std::vector<std::pair<float, uint32_t>> all;
    for (uint32_t row = 0; row < rows; ++row) {
      all.emplace_back(distance(row), row);
    }
    std::sort(all.begin(), all.end());
    const auto walked = view->Search(OneByOne(distance),
                                     [](uint32_t) { return true; }, {.ef = 50});
    for (size_t i = 0; i < kNearest; ++i) {
      for (size_t j = 0; j < kNearest; ++j) {
        right += walked.found[i].row == all[j].second ? 1 : 0;
      }
    }
  }
  return static_cast<double>(right) / (kQueries * kNearest);
}

// The vectors of some of `all`, by number.
std::vector<uint16_t> Pick(const std::vector<uint16_t>& all,
                           const std::vector<uint32_t>& rows) {
  std::vector<uint16_t> picked;
  for (const uint32_t row : rows) {
    picked.insert(picked.end(), all.begin() + row * kDim,
                  all.begin() + (row + 1) * kDim);
  }
  return picked;
}

TEST(BuildGraph, GrowsAGraphAsWellAsItBuildsOne) {
  const std::vector<uint16_t> vectors = DrawVectors(kRows);
  std::mt19937 random(3);
  std::vector<uint32_t> shuffled(kRows);
  std::iota(shuffled.begin(), shuffled.end(), 0);
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  // The base has 2,000 rows, of which every `gone`th is not there any more; the
  // new graph has them in another order, and 1,000 others.
  for (const uint32_t gone : {0u, 20u, 5u}) {
    const std::vector<uint32_t> old(shuffled.begin(), shuffled.begin() + 2000);
    const EncodedRows old_coded = EncodeRows(TestBlocks(), Pick(vectors, old));
    ASSERT_OK_AND_ASSIGN(const Graph old_graph, BuildGraph(old_coded, {}));
    ASSERT_OK_AND_ASSIGN(const GraphView old_view, ViewOf(old_graph, 2000));
    GraphBase base;
    base.graph = &old_view;
    base.rows.assign(2000, GraphBase::kGone);
    std::vector<uint32_t> rows;
    for (uint32_t row = 0; row < kRows; ++row) {
      const auto at = static_cast<uint32_t>(
          std::find(old.begin(), old.end(), row) - old.begin());
      if (at < 2000) {
        if (gone != 0 && at % gone == 0) continue;
        base.rows[at] = static_cast<uint32_t>(rows.size());
      }
      rows.push_back(row);
    }
    const EncodedRows coded = EncodeRows(TestBlocks(), Pick(vectors, rows));
    ASSERT_OK_AND_ASSIGN(const Graph grown, BuildGraph(coded, {}, &base));
    ASSERT_OK_AND_ASSIGN(const Graph built, BuildGraph(coded, {}));
    EXPECT_EQ(grown.level0.size(), built.level0.size());
    const double recall = RecallOf(grown, coded);
    EXPECT_GE(recall, RecallOf(built, coded) - 0.005) << gone;
    EXPECT_GE(recall, 0.98) << gone;
  }
}

TEST(BuildGraph, GrowsFromLittleAndFromNothing) {
  const std::vector<uint16_t> vectors = DrawVectors(300);
  const EncodedRows coded = EncodeRows(TestBlocks(), vectors);
  ASSERT_OK_AND_ASSIGN(
      const Graph one,
      BuildGraph(EncodeRows(TestBlocks(), Pick(vectors, {7})), {}));
  ASSERT_OK_AND_ASSIGN(const GraphView one_view, ViewOf(one, 1));
  ASSERT_OK_AND_ASSIGN(
      const Graph many,
      BuildGraph(EncodeRows(TestBlocks(), Pick(vectors, {1, 2, 3})), {}));
  ASSERT_OK_AND_ASSIGN(const GraphView many_view, ViewOf(many, 3));
  const GraphBase bases[] = {
      {&one_view, {7}},
      {&one_view, {GraphBase::kGone}},
      {&many_view, {GraphBase::kGone, GraphBase::kGone, GraphBase::kGone}},
      {&many_view, {1, GraphBase::kGone, GraphBase::kGone}}};
  for (const GraphBase& base : bases) {
    ASSERT_OK_AND_ASSIGN(const Graph grown, BuildGraph(coded, {}, &base));
    EXPECT_GE(RecallOf(grown, coded), 0.98);
  }
  // All of it is gone, and nothing comes.
  const GraphBase base = {&one_view, {GraphBase::kGone}};
  ASSERT_OK_AND_ASSIGN(
      const Graph nothing,
      BuildGraph(EncodeRows(TestBlocks(), std::vector<uint16_t>()), {}, &base));
  EXPECT_TRUE(nothing.level0.empty());
}

TEST(BuildGraph, EndsEarlyWhereItHasTo) {
  const EncodedRows coded = EncodeRows(TestBlocks(), DrawVectors(500));
  GraphParams params;
  int asked = 0;
  params.stop = [&asked] { return ++asked > 2; };
  EXPECT_STATUS(BuildGraph(coded, params), absl::StatusCode::kCancelled,
                "stopped");
}

}  // namespace
}  // namespace vitrine
