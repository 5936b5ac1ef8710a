// A store that serves from a local copy of its index, which goes away, rots or
// is begun anew.
#include <filesystem>

#include "common/index/manifest.h"
#include "server/index_cache.h"
#include "tests/process.h"
#include "tests/snapshot_store_fixture.h"
#include "tests/test_util/corrupt.h"

namespace vitrine {
namespace {

class CachedStoreTest : public SnapshotStoreTest {
 protected:
  CachedStoreTest() {
    auto cache = IndexCache::Open(index_.paths(), folder_, {});
    EXPECT_OK(cache);
    cache_ = *std::move(cache);
  }
  // As a server does that ends and starts again.
  void Restart() {
    store_.reset();
    times_ready_ = 0;
    Start();
  }

  // The same, of which nothing stays in memory.
  void RestartProcess() {
    store_.reset();
    cache_.reset();
    auto cache = IndexCache::Open(served_, folder_, {});
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
    Start();
  }

  const std::filesystem::path folder_ = index_.dir().path() / "cache";
  const std::filesystem::path away_ = index_.dir().path() / "away";
};

TEST_F(CachedStoreTest, ServesItsCopyWhileTheIndexIsAway) {
  Start();
  EXPECT_TRUE(log_.Await("not ready: the index " +
                         index_.paths().root.string() + " is being copied to " +
                         folder_.string()));
  EXPECT_TRUE(log_.Await("not ready: no generation has been published in " +
                         index_.paths().manifests().string()));
  ASSERT_OK(Add("a"));
  AwaitGeneration(1);
  std::filesystem::rename(index_.paths().root, away_);
  ASSERT_TRUE(log_.Await("degraded: the index is away, and answers are from "));
  EXPECT_THAT(store_->degraded(), ::testing::HasSubstr("cannot list "));
  Restart();
  // At once, and all of it from the copy.
  EXPECT_EQ(Generation(), 1u);
  EXPECT_EQ(times_ready_, 1);
  EXPECT_TRUE(testing::Eventually([&] { return !store_->degraded().empty(); },
                                  std::chrono::seconds(10)));
  std::filesystem::rename(away_, index_.paths().root);
  ASSERT_OK(Add("b"));
  AwaitGeneration(2);
  EXPECT_TRUE(log_.Await("no longer degraded"));
  EXPECT_EQ(store_->degraded(), "");
  EXPECT_OK((*store_->Take())->snapshot().FindProduct("b"));
}

TEST_F(CachedStoreTest, HasOnlyWhatItServesOnceItServesIt) {
  ASSERT_OK(Add("a"));
  await_cache_ = true;
  Start();
  EXPECT_EQ(Generation(), 1u);
  for (uint64_t generation = 2; generation <= 5; ++generation) {
    ASSERT_OK(Add("p" + std::to_string(generation)));
    AwaitGeneration(generation);
  }
  EXPECT_TRUE(testing::Eventually(
      [&] {
        const auto generations = ListGenerations(IndexPaths{folder_});
        return generations.ok() && *generations == std::vector<uint64_t>{5};
      },
      std::chrono::seconds(10)));
}

TEST_F(CachedStoreTest, MendsACopyThatHasRotten) {
  ASSERT_OK(Add("a"));
  await_cache_ = true;
  Start();
  ASSERT_EQ(Generation(), 1u);
  FlipBit(IndexPaths{folder_}.shards() /
              index_.builder().set().shards(0).file().name(),
          100);
  Restart();
  ASSERT_TRUE(log_.Await("it is copied anew from the index"));
  AwaitGeneration(1);
  EXPECT_EQ(store_->degraded(), "");
}

TEST_F(CachedStoreTest, KeepsTheOldGenerationWhereTheNewOneIsDamaged) {
  ASSERT_OK(Add("a"));
  Start();
  AwaitGeneration(1);
  ASSERT_OK(index_.builder().AddShard({MakeRow("b", "b.jpg", Draw())}));
  const auto shard =
      index_.paths().shards() / index_.builder().set().shards(1).file().name();
  FlipBit(shard, 100);
  ASSERT_OK(index_.builder().Publish());
  ASSERT_TRUE(log_.Await("degraded: generation 2 of "));
  EXPECT_EQ(Generation(), 1u);
  EXPECT_THAT(store_->degraded(), ::testing::HasSubstr(shard.string()));
  FlipBit(shard, 100);
  AwaitGeneration(2);
  EXPECT_TRUE(log_.Await("no longer degraded"));
}

TEST_F(CachedStoreTest, TakesAnIndexThatWasBegunAnew) {
  ASSERT_OK(Add("a"));
  Start();
  AwaitGeneration(1);
  std::filesystem::remove_all(index_.paths().root);
  ASSERT_TRUE(log_.Await("degraded: "));
  // Under the same number.
  const IndexPaths fresh{index_.dir().path() / "fresh"};
  index_.builder() = IndexBuilder(fresh.root, TestBlocks());
  index_.UseModel("a bundle");
  ASSERT_OK(Add("z"));
  std::filesystem::rename(fresh.root, index_.dir().path() / "index");
  EXPECT_TRUE(testing::Eventually(
      [&] { return (*store_->Take())->snapshot().FindProduct("z").ok(); },
      std::chrono::seconds(10)));
  EXPECT_FALSE((*store_->Take())->snapshot().FindProduct("a").ok());
}

TEST_F(CachedStoreTest, TakesAnotherIndexOfTheSameNumber) {
  ASSERT_OK(Add("a"));
  await_cache_ = true;
  Start();
  ASSERT_EQ(Generation(), 1u);
  BeginAnew("another");
  ASSERT_OK(Add("z"));
  SwapIn();
  AwaitProduct("z");
  EXPECT_EQ(Generation(), 1u);
  EXPECT_FALSE(Finds("a"));
  EXPECT_EQ(store_->degraded(), "");
}

TEST_F(CachedStoreTest, ServesItsCopyWhereAnotherIndexIsNotWhole) {
  index_.builder().manifest().set_index_id("one");
  ASSERT_OK(Add("a"));
  ASSERT_OK(Add("b"));
  await_cache_ = true;
  Start();
  ASSERT_EQ(Generation(), 2u);
  // As rsync brings it, or a disk that has failed. Its first generation is
  // whole, and empty.
  BeginAnew("another");
  ASSERT_OK(index_.builder().Publish());
  for (const char* product : {"x", "y", "z"}) ASSERT_OK(Add(product));
  const auto cut = index_.dir().path() / "cut";
  std::filesystem::rename(fresh_.products(), cut);
  std::filesystem::create_directory(fresh_.products());
  for (const auto& entry : std::filesystem::directory_iterator(cut)) {
    const auto path = fresh_.products() / entry.path().filename();
    std::filesystem::copy_file(entry.path(), path);
    std::filesystem::resize_file(path, entry.file_size() / 2);
  }
  SwapIn();
  ASSERT_TRUE(log_.Await("degraded: generation 4 of "));
  EXPECT_TRUE(Finds("a"));
  EXPECT_TRUE(Finds("b"));
  EXPECT_NE(store_->degraded(), "");
  // So it does after its end, without the index.
  std::filesystem::rename(served_.root, away_);
  RestartProcess();
  EXPECT_EQ(Generation(), 2u);
  EXPECT_TRUE(Finds("b"));
  std::filesystem::rename(away_, served_.root);
  std::filesystem::remove_all(served_.products());
  std::filesystem::rename(cut, served_.products());
  AwaitProduct("z");
  EXPECT_EQ(Generation(), 4u);
  EXPECT_FALSE(Finds("a"));
  EXPECT_EQ(store_->degraded(), "");
  RestartProcess();
  EXPECT_TRUE(Finds("z"));
}

}  // namespace
}  // namespace vitrine
