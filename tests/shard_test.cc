#include "common/index/shard.h"

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "tests/test_util/corrupt.h"
#include "tests/test_util/peak_memory.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/vectors.h"

namespace vitrine {
namespace {

constexpr int kDim = 192;

class ShardTest : public ::testing::Test {
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
  ASSERT_OK_AND_ASSIGN(auto ref,
                       WriteShard(path_, TestBlocks(), shuffled, nullptr));
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
  EXPECT_STATUS(WriteShard(path_, TestBlocks(), std::vector<Row>(), nullptr),
                absl::StatusCode::kInvalidArgument, "0 rows");
  std::vector<Row> rows = DrawRows(2, 1);
  rows.push_back(rows[0]);
  EXPECT_STATUS(WriteShard(path_, TestBlocks(), rows, nullptr),
                absl::StatusCode::kInvalidArgument, "occurs twice");
  rows.pop_back();
  rows[1].vector.pop_back();
  EXPECT_STATUS(WriteShard(path_, TestBlocks(), rows, nullptr),
                absl::StatusCode::kInvalidArgument,
                "191 numbers instead of 192");
}

TEST_F(ShardTest, RejectsAnotherDimension) {
  ASSERT_OK_AND_ASSIGN(
      auto ref, WriteShard(path_, TestBlocks(), DrawRows(3, 1), nullptr));
  EXPECT_STATUS(Shard::Open(path_, ref, 256),
                absl::StatusCode::kFailedPrecondition,
                "vectors of 192 numbers instead of 256");
}

TEST_F(ShardTest, RejectsAFlippedBitInEverySection) {
  const GraphParams graph;
  ASSERT_OK_AND_ASSIGN(
      auto ref, WriteShard(path_, TestBlocks(), DrawRows(100, 1), &graph));
  ASSERT_OK(Shard::Open(path_, ref, kDim));
  for (uint64_t offset = 3; offset < ref.bytes(); offset += 499) {
    FlipBit(path_, offset, 5);
    EXPECT_STATUS(Shard::Open(path_, ref, kDim), absl::StatusCode::kDataLoss,
                  path_.string());
    FlipBit(path_, offset, 5);
  }
}

// Vectors and codes stay in files. Of a row, memory has where it lies, and its
// links.
TEST_F(ShardTest, AGraphIsBuiltOfCodesWhereTheyLie) {
  constexpr uint32_t kRows = 20'000;
  const std::vector<Block> blocks = {{"shape", 512, 1.0f}};
  const std::vector<Row> drawn = DrawRows(200, 1);
  std::vector<uint16_t> wide;
  while (wide.size() < 512 + kRows) {
    const std::vector<uint16_t>& some = drawn[wide.size() % 200].vector;
    wide.insert(wide.end(), some.begin(), some.end());
  }
  const std::string digest(32, 'x');
  std::vector<std::string> ids;
  for (uint32_t i = 0; i < kRows; ++i) ids.push_back(absl::StrCat("p", i));
  std::vector<RowView> rows;
  for (uint32_t i = 0; i < kRows; ++i) {
    rows.push_back({{ids[i], "a.jpg", digest}, &wide[i]});
  }
  double most = 0;
  GraphParams graph;
  graph.ef_construction = 16;  // A good graph is not asked for.
  graph.stop = [&most] {
    most = std::max(most, testing::AnonymousMegabytes());
    return false;
  };
  testing::PeakMegabytes();  // Gives back what is free.
  const double before = testing::AnonymousMegabytes();
  ASSERT_OK(WriteShard(path_, blocks, std::move(rows), &graph).status());
  if (!testing::kCountsMemory) GTEST_SKIP() << "a sanitizer has memory too";
  ASSERT_GT(most, before);
  EXPECT_LE((most - before) * 1e6 / kRows, 250);
}

}  // namespace
}  // namespace vitrine
