#include "common/index/shard.h"

#include <algorithm>
#include <random>

#include "tests/test_util/corrupt.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/vectors.h"

namespace vitrine {
namespace {

constexpr int kDim = 192;

class ShardTest : public testing::Test {
 protected:
  TempDir dir_;
  std::filesystem::path path_ = dir_.path() / "shard";
};

TEST_F(ShardTest, GivesBackRowsInTheOrderOfTheirKeys) {
  std::vector<Row> rows = DrawRows(50, 1);
  std::mt19937 random(5);
  rows.push_back(MakeRow("p00007", "another.jpg", DrawVector(1, &random)));
  std::vector<Row> shuffled = rows;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(2));
  ASSERT_OK_AND_ASSIGN(auto ref, WriteShard(path_, kDim, shuffled, nullptr));
  ASSERT_OK_AND_ASSIGN(auto shard, Shard::Open(path_, ref, kDim));
  ASSERT_EQ(shard->rows(), 51u);
  EXPECT_EQ(shard->graph(), nullptr);
  const auto [first, last] = shard->RowsOf("p00007");
  ASSERT_EQ(last - first, 2u);
  EXPECT_EQ(shard->key(first).image_key, "another.jpg");
  EXPECT_EQ(shard->key(first + 1).image_key, "p00007.jpg");
  EXPECT_TRUE(std::equal(rows[50].vector.begin(), rows[50].vector.end(),
                         shard->vector(first)));
  EXPECT_EQ(Sha256ToHex(shard->key(first).sha256), ToHex(rows[50].sha256));
  EXPECT_EQ(shard->RowsOf("p00007x").first, shard->RowsOf("p00007x").second);
}

TEST_F(ShardTest, RefusesRowsThatMakeNoShard) {
  EXPECT_STATUS(WriteShard(path_, kDim, {}, nullptr),
                absl::StatusCode::kInvalidArgument, "0 rows");
  std::vector<Row> rows = DrawRows(2, 1);
  rows.push_back(rows[0]);
  EXPECT_STATUS(WriteShard(path_, kDim, rows, nullptr),
                absl::StatusCode::kInvalidArgument, "occurs twice");
  rows.pop_back();
  rows[1].vector.pop_back();
  EXPECT_STATUS(WriteShard(path_, kDim, rows, nullptr),
                absl::StatusCode::kInvalidArgument,
                "191 numbers instead of 192");
}

TEST_F(ShardTest, RejectsAnotherDimension) {
  ASSERT_OK_AND_ASSIGN(auto ref,
                       WriteShard(path_, kDim, DrawRows(3, 1), nullptr));
  EXPECT_STATUS(Shard::Open(path_, ref, 256),
                absl::StatusCode::kFailedPrecondition,
                "vectors of 192 numbers instead of 256");
}

TEST_F(ShardTest, RejectsAFlippedBitInEverySection) {
  const GraphParams graph;
  ASSERT_OK_AND_ASSIGN(auto ref,
                       WriteShard(path_, kDim, DrawRows(100, 1), &graph));
  ASSERT_OK(Shard::Open(path_, ref, kDim));
  for (uint64_t offset = 3; offset < ref.bytes(); offset += 499) {
    FlipBit(path_, offset, 5);
    EXPECT_STATUS(Shard::Open(path_, ref, kDim), absl::StatusCode::kDataLoss,
                  path_.string());
    FlipBit(path_, offset, 5);
  }
}

// A file whose checksums hold but whose graph does not: what only our own
// mistake or an attacker would write.
TEST(GraphView, RejectsLinksOutOfBounds) {
  const std::vector<Row> rows = DrawRows(200, 1);
  std::vector<uint16_t> vectors;
  for (const Row& row : rows)
    vectors.insert(vectors.end(), row.vector.begin(), row.vector.end());
  ASSERT_OK_AND_ASSIGN(const Graph graph, BuildGraph(vectors, kDim, {}));
  auto open = [](const Graph& g, uint32_t n = 200) {
    return GraphView::Open(n, g.entry, g.max_level, g.level0_stride,
                           g.upper_stride, g.level0, g.upper_start, g.upper);
  };
  EXPECT_OK(open(graph));
  EXPECT_STATUS(open(graph, 199), absl::StatusCode::kDataLoss, "wrong size");
  Graph broken = graph;
  broken.level0[5 * broken.level0_stride + 1] = 200;
  EXPECT_STATUS(open(broken), absl::StatusCode::kDataLoss,
                "links row 5 to row 200");
  broken = graph;
  broken.level0[5 * broken.level0_stride] = broken.level0_stride;
  EXPECT_STATUS(open(broken), absl::StatusCode::kDataLoss,
                "too many links at row 5");
  broken = graph;
  broken.max_level += 1;
  EXPECT_STATUS(open(broken), absl::StatusCode::kDataLoss,
                "not entered at its top");
  broken = graph;
  ASSERT_FALSE(broken.upper.empty());
  broken.upper[0] = 1;
  for (uint32_t row = 0; row < 200; ++row) {
    if (graph.upper_start[row + 1] == graph.upper_start[row])
      broken.upper[1] = row;
  }
  EXPECT_STATUS(open(broken), absl::StatusCode::kDataLoss, "on level 1");
  broken = graph;
  broken.entry = 200;
  EXPECT_STATUS(open(broken), absl::StatusCode::kDataLoss, "wrong size");
}

}  // namespace
}  // namespace vitrine
