#include "common/index/graph_inserter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/test_util/graphs.h"
#include "tests/test_util/peak_memory.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/vectors.h"

namespace vitrine {
namespace {

constexpr uint32_t kRows = 600;

EncodedRows DrawCoded() {
  std::vector<uint16_t> vectors;
  for (const Row& row : DrawRows(kRows, 1))
    vectors.insert(vectors.end(), row.vector.begin(), row.vector.end());
  return EncodeRows(TestBlocks(), vectors);
}

TEST(RowComparer, MeasuresWhatCodesStandFor) {
  const EncodedRows coded = DrawCoded();
  const auto dim = static_cast<size_t>(TotalDim(TestBlocks()));
  const std::vector<uint32_t> others = {0, 5, 599, 17, 3};
  for (const GraphSpace space : {GraphSpace::kDot, GraphSpace::kL1}) {
    RowComparer comparer(space, coded);
    for (const uint32_t row : {17u, 0u}) {
      comparer.SetRow(row);
      std::vector<float> measured(others.size());
      comparer.Measure(others, measured.data());
      for (size_t o = 0; o < others.size(); ++o) {
        double right = 0;
        for (size_t i = 0; i < dim; ++i) {
          const double step = coded.ranges[i < 128 ? 0 : 1] / 127;
          const double x = step * (coded.codes[row * dim + i] - 128);
          const double y = step * (coded.codes[others[o] * dim + i] - 128);
          right += space == GraphSpace::kDot ? -x * y : std::abs(x - y);
        }
        EXPECT_NEAR(measured[o], right, 1e-4) << row << " " << others[o];
      }
    }
  }
}

// Rows are inserted by several threads at once.
TEST(Inserter, LinksEachRowOnceToRowsOfItsLevel) {
  const EncodedRows coded = DrawCoded();
  GraphParams params;
  params.m = 4;
  params.ef_construction = 40;
  params.threads = 4;
  ASSERT_OK_AND_ASSIGN(const Graph graph, BuildGraph(coded, params));
  ASSERT_OK_AND_ASSIGN(
      const GraphView view,
      GraphView::Open(kRows, graph.entry, graph.max_level, graph.level0_stride,
                      graph.upper_stride, graph.level0, graph.upper_start,
                      graph.upper));
  ASSERT_OK(view.CheckLinks(/*stop=*/{}));
  std::set<uint32_t> reached;
  for (uint32_t row = 0; row < kRows; ++row) {
    for (uint32_t level = 0; level <= view.LevelsOf(row); ++level) {
      const auto links = view.LinksOf(row, level);
      const std::set<uint32_t> different(links.begin(), links.end());
      EXPECT_EQ(different.size(), links.size()) << row;
      EXPECT_FALSE(different.contains(row));
      if (level > 0) continue;
      EXPECT_FALSE(links.empty()) << row;
      reached.insert(links.begin(), links.end());
    }
  }
  EXPECT_GE(reached.size(), kRows * 98 / 100);
}

// How many of the rows from `first` on a walk may come to.
size_t Reached(const Graph& graph, uint32_t first) {
  const auto rows = static_cast<uint32_t>(graph.upper_start.size() - 1);
  const auto view = GraphView::Open(
      rows, graph.entry, graph.max_level, graph.level0_stride,
      graph.upper_stride, graph.level0, graph.upper_start, graph.upper);
  std::vector<bool> met(rows);
  std::vector<uint32_t> next = {graph.entry};
  met[graph.entry] = true;
  while (!next.empty()) {
    const uint32_t row = next.back();
    next.pop_back();
    for (uint32_t level = 0; level <= view->LevelsOf(row); ++level) {
      for (const uint32_t link : view->LinksOf(row, level)) {
        if (!met[link]) next.push_back(link);
        met[link] = true;
      }
    }
  }
  return static_cast<size_t>(std::count(met.begin() + first, met.end(), true));
}

// A placeholder for a picture may stand for hundreds of products.
TEST(Inserter, ReachesAllCopiesOfAPicture) {
  std::vector<uint16_t> vectors;
  const std::vector<Row> drawn = DrawRows(kRows, 1);
  for (const Row& row : drawn)
    vectors.insert(vectors.end(), row.vector.begin(), row.vector.end());
  constexpr uint32_t kCopies = 300;
  for (uint32_t i = 0; i < kCopies; ++i) {
    vectors.insert(vectors.end(), drawn[0].vector.begin(),
                   drawn[0].vector.end());
  }
  const EncodedRows coded = EncodeRows(TestBlocks(), vectors);
  const GraphParams params;
  ASSERT_OK_AND_ASSIGN(const Graph built, BuildGraph(coded, params));
  EXPECT_EQ(Reached(built, kRows), kCopies);
  EXPECT_GE(Reached(built, 0), kRows + kCopies - 5);

  // Without a third of the others, and with more copies.
  ASSERT_OK_AND_ASSIGN(
      const GraphView view,
      GraphView::Open(kRows + kCopies, built.entry, built.max_level,
                      built.level0_stride, built.upper_stride, built.level0,
                      built.upper_start, built.upper));
  std::vector<uint16_t> less(vectors.begin() + vectors.size() / 9 * 2,
                             vectors.end());
  for (uint32_t i = 0; i < kCopies; ++i) {
    less.insert(less.end(), drawn[0].vector.begin(), drawn[0].vector.end());
  }
  GraphBase base = {&view, {}};
  for (uint32_t row = 0; row < kRows + kCopies; ++row) {
    base.rows.push_back(row < kRows / 3 ? GraphBase::kGone : row - kRows / 3);
  }
  const EncodedRows more = EncodeRows(TestBlocks(), less);
  ASSERT_OK_AND_ASSIGN(const Graph grown, BuildGraph(more, params, &base));
  EXPECT_EQ(Reached(grown, kRows * 2 / 3), 2 * kCopies);
  EXPECT_GE(Reached(grown, 0), kRows * 2 / 3 + 2 * kCopies - 5);
}

TEST(Inserter, TakesAnySmallGraph) {
  const EncodedRows coded = DrawCoded();
  for (const int m : {1, 2, 16}) {
    for (const uint32_t rows : {0u, 1u, 2u, 65u}) {
      EncodedRows few = DrawCoded();
      few.codes = few.codes.first(rows * coded.codes.size() / kRows);
      GraphParams params;
      params.m = m;
      params.ef_construction = 1;
      ASSERT_OK_AND_ASSIGN(const Graph graph, BuildGraph(few, params));
      EXPECT_EQ(graph.upper_start.size(), rows + 1);
      if (rows == 0) continue;
      ASSERT_OK_AND_ASSIGN(
          const GraphView view,
          GraphView::Open(rows, graph.entry, graph.max_level,
                          graph.level0_stride, graph.upper_stride, graph.level0,
                          graph.upper_start, graph.upper));
      EXPECT_OK(view.CheckLinks(/*stop=*/{}));
    }
  }
}

TEST(Inserter, TellsWhereMemoryEnds) {
  if (!testing::kCountsMemory) GTEST_SKIP() << "a sanitizer would end it";
  EncodedRows coded = DrawCoded();
  // None of them is read.
  coded.codes = {coded.codes.data(), size_t{1} << 46};
  EXPECT_STATUS(BuildGraph(coded, {}), absl::StatusCode::kResourceExhausted,
                "no memory");
}

}  // namespace
}  // namespace vitrine
