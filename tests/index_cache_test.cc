#include "server/index_cache.h"

#include <google/protobuf/util/message_differencer.h>

#include "tests/index_cache_fixture.h"
#include "tests/test_util/corrupt.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;
using IndexCacheTest = IndexCacheFixture;

TEST_F(IndexCacheTest, CopiesWhatServersRead) {
  EXPECT_TRUE(cache_->IsEmpty());
  ASSERT_OK(Update());
  EXPECT_FALSE(cache_->IsEmpty());
  ExpectHolds({index_->manifest()});
  EXPECT_EQ(Opened(), 1u);
  EXPECT_TRUE(MessageDifferencer::Equals(*ReadManifest(cache_->paths(), 1),
                                         index_->manifest()));
  // Those are left at the volume that no server opens.
  int left = 0;
  for (const IndexFile& file : IndexFilesOf(index_->manifest())) {
    if (!fs::exists(folder_ / file.path)) ++left;
  }
  EXPECT_EQ(left, 2);
}

TEST_F(IndexCacheTest, HoldsTheServedAndTheNextGenerationAlone) {
  ASSERT_OK(Update());
  const storage::Manifest served = index_->manifest();
  index_->Grow();
  ASSERT_OK(Update(&served));
  ExpectHolds({served, index_->manifest()});
  // One that was never served makes way for the one after it.
  index_->Grow();
  ASSERT_OK(Update(&served));
  ExpectHolds({served, index_->manifest()});
  ASSERT_OK(cache_->Keep(index_->manifest()));
  ExpectHolds({index_->manifest()});
  EXPECT_EQ(cache_->copies(), 3);
  ASSERT_OK(Update(&index_->manifest()));
  EXPECT_EQ(cache_->copies(), 3);
}

TEST_F(IndexCacheTest, TakesNothingThatIsDamagedAtItsSource) {
  ASSERT_OK(Update());
  const storage::Manifest served = index_->manifest();
  index_->Grow();
  Damage(NewestShard());
  const absl::Status damaged = Update(&served);
  EXPECT_STATUS(damaged, absl::StatusCode::kDataLoss,
                "generation 2 of " + index_->paths().root.string() +
                    " cannot be copied: ");
  EXPECT_STATUS(damaged, absl::StatusCode::kDataLoss,
                NewestShard().string() + " is damaged");
  EXPECT_STATUS(damaged, absl::StatusCode::kDataLoss,
                "--index=" + index_->paths().root.string() + " --repair");
  EXPECT_EQ(Opened(), 1u);
  EXPECT_EQ(Update(&served), damaged);
  Damage(NewestShard());
  UpdateUntilOk(&served);
  ExpectHolds({served, index_->manifest()});
}

TEST_F(IndexCacheTest, TakesAnOlderGenerationWhereTheNewestIsDamaged) {
  const storage::Manifest first = index_->manifest();
  index_->Grow();
  fs::remove(NewestShard());
  EXPECT_STATUS(Update(), absl::StatusCode::kDataLoss, NewestShard().string());
  EXPECT_EQ(Opened(), 1u);
  Damage(index_->paths().manifest(2));
  Open();
  EXPECT_STATUS(Update(), absl::StatusCode::kDataLoss, "000002.pb is damaged");
  EXPECT_EQ(Opened(), 1u);
}

TEST_F(IndexCacheTest, AnswersWhileTheSourceIsAwayAndGoesOnWhereItStopped) {
  const fs::path away = dir_ / "away";
  ASSERT_OK(Update());
  const storage::Manifest served = index_->manifest();
  index_->Grow();
  // It goes in the middle of the first file.
  bool gone = false;
  const absl::Status torn = Update(&served, false, [&] {
    if (!std::exchange(gone, true)) fs::rename(index_->paths().root, away);
    return false;
  });
  EXPECT_TRUE(gone);
  EXPECT_FALSE(torn.ok());
  EXPECT_EQ(Opened(), 1u);
  EXPECT_STATUS(Update(&served), absl::StatusCode::kNotFound,
                "the index is away, and answers are from the copy in " +
                    folder_.string() + ": cannot list ");
  Open();
  EXPECT_EQ(Opened(), 1u);
  fs::rename(away, index_->paths().root);
  ASSERT_OK(Update(&served));
  ExpectHolds({served, index_->manifest()});
}

TEST_F(IndexCacheTest, BeginsAnewWhereTheGenerationExpiresMeanwhile) {
  bool expired = false;
  ASSERT_OK(Update(nullptr, false, [&] {
    if (std::exchange(expired, true)) return false;
    // What only the generation names that is being copied goes.
    const fs::path shard = NewestShard();
    index_->Grow();
    fs::remove(index_->paths().manifest(1));
    fs::remove(shard);
    return false;
  }));
  EXPECT_TRUE(expired);
  ExpectHolds({index_->manifest()});
}

TEST_F(IndexCacheTest, CopiesWhatHasRottenAnew) {
  ASSERT_OK(Update());
  const IndexFile file = IndexFilesOf(index_->manifest())[1];
  Damage(folder_ / file.path);
  ASSERT_OK(Update(&index_->manifest()));
  EXPECT_FALSE(VerifyIndexFile(folder_ / file.path, file, {}).ok());
  ASSERT_OK(Update(&index_->manifest(), /*doubtful=*/true));
  ExpectHolds({index_->manifest()});
}

TEST_F(IndexCacheTest, TakesAnIndexThatWasBegunAnew) {
  index_->Grow();
  index_->Grow();
  ASSERT_OK(Update());
  const storage::Manifest served = index_->manifest();
  fs::remove_all(index_->paths().root);
  EXPECT_STATUS(Update(&served), absl::StatusCode::kNotFound, "is away");
  EXPECT_EQ(Opened(), 3u);
  // Its files have the same names, and its generation is an earlier one.
  index_ = std::make_unique<WholeIndex>(dir_ / "shared", /*seed=*/1000);
  ASSERT_OK(Update(&served));
  ExpectHolds({index_->manifest()});
}

TEST_F(IndexCacheTest, KeepsItsCopyUntilThatOfAnotherIndexIsWhole) {
  index_->manifest().set_index_id("one");
  index_->Grow();
  ASSERT_OK(Update());
  const storage::Manifest served = index_->manifest();
  BeginAnew("another");
  const fs::path away = dir_ / "away";
  int looks = 0;
  const auto stop = [&] {
    EXPECT_EQ(Opened(), 2u);
    if (++looks == 6) fs::rename(index_->paths().root, away);
    return false;
  };
  EXPECT_FALSE(Update(&served, false, stop).ok());
  ExpectSound(served);
  Open();
  ExpectSound(served);
  // What was copied of it before is not copied again.
  fs::rename(away, index_->paths().root);
  ASSERT_OK(Update(&served));
  ExpectHolds({index_->manifest()});
  EXPECT_EQ(cache_->copies(), 1);
  index_->Grow();
  ASSERT_OK(Update(&served));
  EXPECT_EQ(Opened(), 2u);
}

TEST_F(IndexCacheTest, TakesNoEarlierGenerationInThePlaceOfWhatItHas) {
  index_->Grow();
  ASSERT_OK(Update());
  const storage::Manifest served = index_->manifest();
  // Of the same index: what it has is damaged there, and what comes next.
  index_->Grow();
  Damage(NewestShard());
  Damage(index_->paths().manifest(2));
  EXPECT_STATUS(Update(&served), absl::StatusCode::kDataLoss, "generation 3");
  ExpectSound(served);
  EXPECT_EQ(Opened(), 2u);
  // Of another.
  BeginAnew("another");
  index_->Grow();
  Damage(NewestShard());
  Open();
  EXPECT_STATUS(Update(&served), absl::StatusCode::kDataLoss, "generation 2");
  ExpectSound(served);
  EXPECT_EQ(Opened(), 2u);
  // It is mended there.
  Open();
  Damage(NewestShard());
  ASSERT_OK(Update(&served));
  ExpectHolds({index_->manifest()});
}

TEST_F(IndexCacheTest, TakesAnotherIndexOfTheSameNumber) {
  ASSERT_OK(Update());
  ASSERT_OK(Update());
  const storage::Manifest served = index_->manifest();
  BeginAnew("another");
  ASSERT_OK(Update(&served));
  ExpectHolds({index_->manifest()});
}

TEST_F(IndexCacheTest, IsOfOneServerAndOneIndex) {
  EXPECT_STATUS(IndexCache::Open(index_->paths(), folder_, {}),
                absl::StatusCode::kFailedPrecondition,
                "another server has the cache " + folder_.string());
  ASSERT_OK(Update());
  cache_.reset();
  EXPECT_STATUS(IndexCache::Open({dir_ / "other"}, folder_, {}),
                absl::StatusCode::kFailedPrecondition,
                folder_.string() + " is the cache of another index than " +
                    (dir_ / "other").string());
  // However it is spelt.
  ASSERT_OK(IndexCache::Open({dir_ / "x/../shared/"}, folder_, {}));
  EXPECT_EQ(Opened(), 1u);
  EXPECT_NE(IndexCache::FolderOf("c", "a/index"),
            IndexCache::FolderOf("c", "b/index"));
  EXPECT_THAT(IndexCache::FolderOf("c", "a/index/").string(),
              HasSubstr("c/index-"));
}

}  // namespace
}  // namespace vitrine
