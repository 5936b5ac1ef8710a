#include "indexer/sources/directory_watcher.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "tests/watcher_fixture.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using testing::kPatienceMs;
using testing::Paths;

class DirectoryWatcherTest : public testing::WatcherFixture {};

TEST_F(DirectoryWatcherTest, TellsOfAClosedFile) {
  Watch();
  Write("1.jpg");
  Drain();
  EXPECT_EQ(closed_, Paths{"1.jpg"});
  EXPECT_EQ(found_, Paths{});
  EXPECT_EQ(gone_, Paths{});
}

TEST_F(DirectoryWatcherTest, AFileThatIsBeingWrittenWaitsUntilItIsClosed) {
  Watch();
  const int fd = ::open((root_ / "1.jpg").c_str(), O_CREAT | O_WRONLY, 0644);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::write(fd, "half", 4), 4);
  Drain();
  EXPECT_EQ(closed_, Paths{});
  EXPECT_EQ(found_, Paths{});
  ASSERT_EQ(::write(fd, "whole", 5), 5);
  ::close(fd);
  Drain();
  EXPECT_EQ(closed_, Paths{"1.jpg"});
}

TEST_F(DirectoryWatcherTest, TellsOfMovesAndDeletions) {
  Write("old.jpg");
  Write("deleted.jpg");
  testing::WriteAll(dir_ / "outside.jpg", "x");
  Write("out.jpg");
  Watch();
  fs::rename(root_ / "old.jpg", root_ / "new.jpg");
  fs::remove(root_ / "deleted.jpg");
  fs::rename(dir_ / "outside.jpg", root_ / "in.jpg");
  fs::rename(root_ / "out.jpg", dir_ / "out.jpg");
  Drain();
  EXPECT_EQ(closed_, (Paths{"new.jpg", "in.jpg"}));
  EXPECT_EQ(gone_, (Paths{"old.jpg", "deleted.jpg", "out.jpg"}));
}

TEST_F(DirectoryWatcherTest, TellsOnlyTheEndOfAStory) {
  Watch();
  Write("brief.jpg");
  fs::remove(root_ / "brief.jpg");
  Write("again.jpg");
  fs::remove(root_ / "again.jpg");
  Write("again.jpg");
  auto batch = watcher_->Next(kPatienceMs);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->closed, std::vector<std::string>{"again.jpg"});
  EXPECT_EQ(batch->gone, std::vector<std::string>{"brief.jpg"});
}

TEST_F(DirectoryWatcherTest, WatchesNewFolders) {
  Watch();
  Write("a/b/c/1.jpg");
  Drain();
  // Written before or after its folder was watched, it is told of.
  Paths told = closed_;
  told.insert(found_.begin(), found_.end());
  EXPECT_EQ(told, Paths{"a/b/c/1.jpg"});
  Write("a/b/2.jpg");
  Drain();
  EXPECT_EQ(closed_, Paths{"a/b/2.jpg"});
  EXPECT_EQ(watcher_->watched_folders(), 4u);
}

TEST_F(DirectoryWatcherTest, FollowsAFolderThatIsMovedIn) {
  fs::create_directories(dir_ / "outside/deep");
  testing::WriteAll(dir_ / "outside/deep/1.jpg", "x");
  Watch();
  fs::rename(dir_ / "outside", root_ / "inside");
  Drain();
  EXPECT_EQ(closed_, Paths{"inside/deep/1.jpg"});
  Write("inside/deep/2.jpg");
  Drain();
  EXPECT_EQ(closed_, Paths{"inside/deep/2.jpg"});
}

TEST_F(DirectoryWatcherTest, LeavesAFolderThatIsMovedOut) {
  Write("a/deep/1.jpg");
  Watch();
  fs::rename(root_ / "a", dir_ / "away");
  Drain();
  EXPECT_EQ(gone_, Paths{"a"});
  testing::WriteAll(dir_ / "away/deep/2.jpg", "x");
  Drain();
  EXPECT_EQ(closed_, Paths{});
  EXPECT_EQ(watcher_->watched_folders(), 1u);
}

TEST_F(DirectoryWatcherTest, FollowsAFolderThatIsRenamed) {
  Write("a/deep/1.jpg");
  Watch();
  fs::rename(root_ / "a", root_ / "b");
  Write("b/deep/2.jpg");
  Drain();
  EXPECT_EQ(gone_, Paths{"a"});
  EXPECT_EQ(closed_, (Paths{"b/deep/1.jpg", "b/deep/2.jpg"}));
  Write("b/deep/3.jpg");
  Drain();
  EXPECT_EQ(closed_, Paths{"b/deep/3.jpg"});
  EXPECT_EQ(watcher_->watched_folders(), 3u);
}

TEST_F(DirectoryWatcherTest, FollowsAFolderIntoOneThatIsNotWatchedYet) {
  Write("a/deep/1.jpg");
  Watch();
  fs::create_directory(root_ / "new");
  fs::rename(root_ / "a", root_ / "new/a");
  Drain();
  EXPECT_EQ(gone_, Paths{"a"});
  EXPECT_EQ(found_, Paths{"new/a/deep/1.jpg"});
  Write("new/a/deep/2.jpg");
  Drain();
  EXPECT_EQ(closed_, Paths{"new/a/deep/2.jpg"});
}

TEST_F(DirectoryWatcherTest, FollowsAFolderThatReplacesAnEmptyOne) {
  fs::create_directories(root_ / "a");
  Write("b/1.jpg");
  Watch();
  fs::rename(root_ / "b", root_ / "a");
  Drain();
  EXPECT_EQ(gone_, Paths{"b"});
  EXPECT_EQ(closed_, Paths{"a/1.jpg"});
  Write("a/2.jpg");
  Drain();
  EXPECT_EQ(closed_, Paths{"a/2.jpg"});
  EXPECT_EQ(watcher_->watched_folders(), 2u);
}

TEST_F(DirectoryWatcherTest, TellsOfADeletedFolderAndOfItsReturn) {
  Write("a/1.jpg");
  Watch();
  fs::remove_all(root_ / "a");
  Drain();
  EXPECT_TRUE(gone_.contains("a"));
  Write("a/2.jpg");
  Drain();
  EXPECT_TRUE(closed_.contains("a/2.jpg") || found_.contains("a/2.jpg"));
  Write("a/3.jpg");
  Drain();
  EXPECT_EQ(closed_, Paths{"a/3.jpg"});
}

TEST_F(DirectoryWatcherTest, FindsLinksThoughNobodyClosesThem) {
  Write("1.jpg");
  Watch();
  fs::create_hard_link(root_ / "1.jpg", root_ / "hard.jpg");
  fs::create_symlink("1.jpg", root_ / "soft.jpg");
  Drain();
  EXPECT_TRUE(found_.contains("hard.jpg"));
  EXPECT_TRUE(found_.contains("soft.jpg"));
}

TEST_F(DirectoryWatcherTest, FindsFilesWhoseAttributesChange) {
  Write("1.jpg");
  Watch();
  fs::permissions(root_ / "1.jpg", fs::perms::owner_read);
  Drain();
  EXPECT_EQ(found_, Paths{"1.jpg"});
}

TEST_F(DirectoryWatcherTest, IsSilentAboutWhatIsIgnored) {
  Write("index/LOCK");
  fs::create_directories(root_ / "index/manifests");
  Watch();
  Write("1.jpg.part");
  Write(".hidden.jpg");
  Write(".git/1.jpg");
  Write("__MACOSX/1.jpg");
  Write("index/manifests/1.pb");
  Drain();
  EXPECT_EQ(closed_, Paths{});
  EXPECT_EQ(found_, Paths{});
  EXPECT_EQ(watcher_->watched_folders(), 1u);
  fs::rename(root_ / "1.jpg.part", root_ / "1.jpg");
  Drain();
  EXPECT_EQ(closed_, Paths{"1.jpg"});
  EXPECT_EQ(gone_, Paths{});
}

TEST_F(DirectoryWatcherTest, FollowsNoLinkedFolder) {
  fs::create_directories(dir_ / "outside");
  fs::create_directories(root_ / "a");
  Watch();
  fs::create_symlink(dir_ / "outside", root_ / "out");
  fs::create_symlink("..", root_ / "a/loop");
  testing::WriteAll(dir_ / "outside/1.jpg", "x");
  Drain();
  EXPECT_EQ(closed_, Paths{});
  EXPECT_EQ(watcher_->watched_folders(), 2u);
}

TEST_F(DirectoryWatcherTest, EscapesNamesThatAreNotUtf8) {
  Watch();
  Write("caf\xE9.jpg");
  Drain();
  EXPECT_EQ(closed_, Paths{"caf%E9.jpg"});
}

TEST_F(DirectoryWatcherTest, RescansNowAndThen) {
  Watch({.rescan_interval_ms = 20});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(NextWith([](const WatchBatch& b) { return b.rescan; }).rescan);
  }
}

TEST_F(DirectoryWatcherTest, TellsNothingWhereNothingHappens) {
  Watch();
  EXPECT_TRUE(watcher_->Next(0)->empty());
}

TEST_F(DirectoryWatcherTest, CanBeInterrupted) {
  Watch();
  watcher_->Interrupt();
  EXPECT_TRUE(watcher_->Next(kPatienceMs)->interrupted);
  EXPECT_TRUE(watcher_->Next(0)->empty());
  std::thread other([&] { watcher_->Interrupt(); });
  EXPECT_TRUE(watcher_->Next(-1)->interrupted);
  other.join();
}

TEST_F(DirectoryWatcherTest, NamesARootThatIsNotThere) {
  EXPECT_EQ(DirectoryWatcher::Create(dir_ / "none").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace vitrine
