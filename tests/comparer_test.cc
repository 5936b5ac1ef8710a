#include "common/index/comparer.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/vectors.h"

namespace vitrine {
namespace {

constexpr int kRows = 300;

class ComparerTest : public testing::Test {
 protected:
  std::shared_ptr<const Shard> MakeShard(const GraphParams* graph) {
    const auto path = folder_.path() / (graph != nullptr ? "graph" : "flat");
    auto ref = WriteShard(path, TestBlocks(), DrawRows(kRows, 1), graph);
    EXPECT_OK(ref);
    auto shard = Shard::Open(path, *ref, 192);
    EXPECT_OK(shard);
    return *shard;
  }

  TempDir folder_;
  std::mt19937 random_{3};
};

TEST_F(ComparerTest, ComparesExactlyWhereAShardHasNoCodes) {
  const std::vector<float> query = DrawVector(1, &random_);
  const auto shard = MakeShard(nullptr);
  std::vector<uint32_t> rows(kRows);
  std::iota(rows.rbegin(), rows.rend(), 0);
  std::vector<float> got(kRows);
  for (const Metric metric : {Metric::kCosine, Metric::kManhattan}) {
    const std::vector<float> emphasis = {1, 3};
    const Comparer comparer(TestBlocks(), query, metric, emphasis);
    const RowDistances distances(comparer, *shard);
    EXPECT_FALSE(distances.coded());
    EXPECT_EQ(distances.error(), 0);
    distances(rows.data(), rows.size(), got.data());
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(got[i], comparer.Order(shard->vector(rows[i])));
    }
  }
}

TEST_F(ComparerTest, EstimatesDifferencesWithinTheirError) {
  const std::vector<float> query = DrawVector(1, &random_);
  const GraphParams graph;
  const auto shard = MakeShard(&graph);
  std::vector<uint32_t> rows(kRows);
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<float> got(kRows);
  for (const Metric metric : {Metric::kEuclidean, Metric::kManhattan}) {
    for (const std::vector<float>& emphasis :
         {std::vector<float>{}, {2.0f, 0.5f}, {0.0f, 1.0f}}) {
      const Comparer comparer(TestBlocks(), query, metric, emphasis);
      const RowDistances distances(comparer, *shard);
      ASSERT_TRUE(distances.coded());
      distances(rows.data(), rows.size(), got.data());
      for (uint32_t row = 1; row < kRows; ++row) {
        EXPECT_NEAR(got[row] - got[0],
                    comparer.Order(shard->vector(row)) -
                        comparer.Order(shard->vector(0)),
                    7 * distances.error());
      }
    }
  }
}

}  // namespace
}  // namespace vitrine
