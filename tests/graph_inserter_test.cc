#include "common/index/graph_inserter.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/test_util/graphs.h"
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

}  // namespace
}  // namespace vitrine
