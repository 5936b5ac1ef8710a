#include "common/index/snapshot.h"

#include "tests/test_util/corrupt.h"
#include "tests/test_util/index_builder.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/vectors.h"

namespace vitrine {
namespace {

class SnapshotTest : public testing::Test {
 protected:
  std::shared_ptr<const Snapshot> OpenNewest(
      const Snapshot* previous = nullptr) {
    auto snapshot =
        Snapshot::OpenNewest(builder_.paths(), previous, &degraded_);
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    return snapshot.ok() ? *snapshot : nullptr;
  }

  TempDir dir_;
  IndexBuilder builder_{dir_.path() / "index", TestBlocks()};
  std::string degraded_;
};

TEST_F(SnapshotTest, ShowsRowsProductsAndPictures) {
  const std::vector<Row> rows = DrawRows(20, 1);
  ASSERT_OK(builder_.AddShard(rows));
  ASSERT_OK(builder_.PutProductsOf(rows, "Dress"));
  ASSERT_OK(builder_.AddPictures({{rows[3].sha256, "a jpeg"}}));
  ASSERT_OK(builder_.DeleteRows(0, {4}));
  ASSERT_OK(builder_.Publish());
  auto snapshot = OpenNewest();
  ASSERT_NE(snapshot, nullptr);
  EXPECT_EQ(snapshot->generation(), 1u);
  EXPECT_EQ(snapshot->images(), 19u);
  EXPECT_EQ(snapshot->dim(), 192);
  EXPECT_EQ(snapshot->FindProduct("p00003")->title(), "Title of p00003");
  EXPECT_STATUS(snapshot->FindProduct("nobody"), absl::StatusCode::kNotFound,
                "no product \"nobody\" in generation 1");
  const std::string sha(rows[3].sha256.begin(), rows[3].sha256.end());
  EXPECT_EQ(snapshot->FindThumbnail(sha), "a jpeg");
  EXPECT_EQ(snapshot->FindThumbnail(std::string(32, 'x')), "");
  int live = 0;
  snapshot->ForEachRowOf("p00003", [&](const Shard&, uint32_t) { ++live; });
  snapshot->ForEachRowOf("p00004", [&](const Shard&, uint32_t) { ++live; });
  EXPECT_EQ(live, 1);
}

TEST_F(SnapshotTest, SharesFilesWithTheGenerationBefore) {
  ASSERT_OK(builder_.AddShard(DrawRows(20, 1)));
  ASSERT_OK(builder_.Publish());
  auto first = OpenNewest();
  ASSERT_OK(builder_.AddShard(
      {MakeRow("q", "q.jpg", std::vector<float>(192, 0.1f))}));
  ASSERT_OK(builder_.DeleteRows(0, {0, 1}));
  ASSERT_OK(builder_.Publish());
  auto second = OpenNewest(first.get());
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(first->shards()[0].shard, second->shards()[0].shard);
  EXPECT_EQ(first->images(), 20u);
  EXPECT_EQ(second->images(), 19u);
}

TEST_F(SnapshotTest, SharesNothingWithAnIndexThatWasBegunAnew) {
  ASSERT_OK(builder_.AddShard(DrawRows(20, 1)));
  ASSERT_OK(builder_.Publish());
  auto first = OpenNewest();
  std::filesystem::remove_all(builder_.paths().root);
  IndexBuilder anew(builder_.paths().root, TestBlocks());
  ASSERT_OK(anew.AddShard(DrawRows(30, 2)));
  ASSERT_OK(anew.Publish());
  ASSERT_EQ(anew.set().shards(0).file().name(),
            builder_.set().shards(0).file().name());
  auto second = OpenNewest(first.get());
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->images(), 30u);
}

TEST_F(SnapshotTest, KeepsToTheNewestGenerationThatVerifies) {
  ASSERT_OK(builder_.AddShard(DrawRows(20, 1)));
  ASSERT_OK(builder_.Publish());
  ASSERT_OK(builder_.AddShard(
      {MakeRow("q", "q.jpg", std::vector<float>(192, 0.1f))}));
  ASSERT_OK(builder_.Publish());
  FlipBit(builder_.paths().shards() / builder_.set().shards(1).file().name(),
          100);
  auto snapshot = OpenNewest();
  ASSERT_NE(snapshot, nullptr);
  EXPECT_EQ(snapshot->generation(), 1u);
  EXPECT_THAT(degraded_, testing::HasSubstr("generation 2 does not open"));
  EXPECT_THAT(degraded_,
              testing::HasSubstr(builder_.set().shards(1).file().name()));
}

TEST_F(SnapshotTest, SaysWhatIsWrongWhenNothingOpens) {
  EXPECT_STATUS(
      Snapshot::OpenNewest({dir_.path() / "nowhere"}, nullptr, &degraded_),
      absl::StatusCode::kNotFound, "there is no index in");
  ASSERT_OK(builder_.AddShard(DrawRows(20, 1)));
  ASSERT_OK(builder_.Publish());
  std::filesystem::remove(builder_.paths().shards() /
                          builder_.set().shards(0).file().name());
  EXPECT_STATUS(Snapshot::OpenNewest(builder_.paths(), nullptr, &degraded_),
                absl::StatusCode::kDataLoss, "is missing");
}

TEST_F(SnapshotTest, RejectsBlocksThatAreNotThoseOfItsCodes) {
  const GraphParams graph;
  ASSERT_OK(builder_.AddShard(DrawRows(20, 1), &graph));
  storage::BlockSpec* shape = builder_.set().mutable_blocks(0);
  shape->set_dim(64);
  storage::BlockSpec* third = builder_.set().add_blocks();
  third->set_name("pattern");
  third->set_dim(64);
  EXPECT_STATUS(Snapshot::Open(builder_.paths(), builder_.manifest(), nullptr),
                absl::StatusCode::kDataLoss, "codes of 2 blocks instead of 3");
  shape->set_dim(100);
  EXPECT_STATUS(Snapshot::Open(builder_.paths(), builder_.manifest(), nullptr),
                absl::StatusCode::kDataLoss, "block shape of 100 numbers");
}

TEST(VerificationOf, GoesByTheSizeOfWhatIsNewUnlessItIsTold) {
  constexpr uint64_t kLimit = 2'000'000'000;
  EXPECT_EQ(VerificationOf(VerifyMode::kAuto, kLimit - 1), Verification::kAll);
  EXPECT_EQ(VerificationOf(VerifyMode::kAuto, kLimit),
            Verification::kStructure);
  EXPECT_EQ(VerificationOf(VerifyMode::kAlways, 10 * kLimit),
            Verification::kAll);
  EXPECT_EQ(VerificationOf(VerifyMode::kBackground, 1),
            Verification::kStructure);
}

}  // namespace
}  // namespace vitrine
