// A watched folder that goes, that is replaced, and of which more happens than
// the system tells.
#include <gtest/gtest.h>

#include <random>

#include "common/catalog/catalog_folder.h"
#include "tests/watcher_fixture.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using testing::kPatienceMs;
using testing::Paths;

class RecoveryWatcher : public testing::WatcherFixture {};

TEST_F(RecoveryWatcher, AsksForARescanWhenEventsWereLost) {
  Write("a/1.jpg");
  Watch();
  // Twice what the kernel keeps by default; alternating, as it joins equal
  // ones.
  for (int i = 0; i < 20'000; ++i) {
    Write("1.jpg");
    Write("a/2.jpg");
  }
  const WatchBatch batch =
      NextWith([](const WatchBatch& b) { return b.rescan; });
  EXPECT_NE(batch.rescan_reason.find("max_queued_events"), std::string::npos);
  Write("a/3.jpg");
  Drain();
  EXPECT_TRUE(closed_.contains("a/3.jpg"));
}

TEST_F(RecoveryWatcher, RescansWhereItMayNotWatchEverything) {
  for (int i = 0; i < 5; ++i) Write("f" + std::to_string(i) + "/1.jpg");
  Watch({.rescan_interval_ms = 0,
         .degraded_rescan_interval_ms = 20,
         .max_watches = 3});
  EXPECT_EQ(watcher_->watched_folders(), 3u);
  const WatchBatch first =
      NextWith([](const WatchBatch& b) { return !b.warning.empty(); });
  EXPECT_NE(first.warning.find("max_user_watches"), std::string::npos)
      << first.warning;
  EXPECT_EQ(first.warning, watcher_->degraded());
  for (int i = 0; i < 3; ++i) {
    const WatchBatch batch =
        NextWith([](const WatchBatch& b) { return b.rescan; });
    EXPECT_EQ(batch.warning, "");
  }
}

TEST_F(RecoveryWatcher, ALostRootIsAnOutageUntilItIsBack) {
  Write("a/1.jpg");
  Watch();
  for (bool moved : {false, true}) {
    if (moved) {
      fs::rename(root_, dir_ / "away");
    } else {
      fs::remove_all(root_);
    }
    auto is_outage = [](const WatchBatch& b) { return b.outage; };
    const WatchBatch lost = NextWith(is_outage);
    EXPECT_FALSE(lost.rescan);
    EXPECT_NE(lost.outage_reason.find(moved ? "moved" : "deleted"),
              std::string::npos)
        << lost.outage_reason;
    // Nothing more is told meanwhile.
    EXPECT_TRUE(watcher_->Next(0)->empty());
    if (moved) {
      fs::rename(dir_ / "away", root_);
    } else {
      fs::create_directory(root_);
    }
    EXPECT_TRUE(NextWith([](const WatchBatch& b) { return b.rescan; }).rescan);
    Write("b/2.jpg");
    Drain();
    EXPECT_TRUE(closed_.contains("b/2.jpg") || found_.contains("b/2.jpg"));
  }
}

// What a volume does that is mounted over the folder: another folder appears
// under the same path, without an event.
TEST_F(RecoveryWatcher, SeesThatAnotherFolderTookTheRootsPlace) {
  fs::create_directories(dir_ / "one");
  fs::create_directories(dir_ / "two");
  fs::remove(root_);
  fs::create_directory_symlink("one", root_);
  Watch();
  fs::remove(root_);
  fs::create_directory_symlink("two", root_);
  EXPECT_TRUE(NextWith([](const WatchBatch& b) { return b.rescan; }).rescan);
  Write("1.jpg");
  Drain();
  EXPECT_EQ(closed_, Paths{"1.jpg"});
}

// Whatever happens to a tree, who follows the batches knows what it holds.
TEST_F(RecoveryWatcher, FollowsAnyStory) {
  std::mt19937 random(11);
  Watch();
  Paths known;
  auto apply = [&](const WatchBatch& batch) {
    ASSERT_FALSE(batch.rescan || batch.outage);
    for (const auto& path : batch.gone) {
      std::erase_if(known, [&](const std::string& file) {
        return file == path || file.starts_with(path + "/");
      });
    }
    for (const auto* list : {&batch.closed, &batch.found}) {
      for (const auto& path : *list) {
        if (StatBeneath(root_, path)) known.insert(path);
      }
    }
  };
  auto folder = [&] {
    std::string path;
    for (int depth = random() % 4; depth > 0; --depth) {
      path += std::string(1, static_cast<char>('a' + random() % 3)) + "/";
    }
    return path;
  };
  std::error_code ignored;
  for (int step = 0; step < 3000; ++step) {
    const std::string one = folder(), two = folder();
    const std::string file = std::to_string(random() % 4) + ".jpg";
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
        Write(one + file);
        break;
      case 3:
        fs::remove(root_ / (one + file), ignored);
        break;
      case 4:
        fs::rename(root_ / (one + file), root_ / (two + "m.jpg"), ignored);
        break;
      case 5:
        if (!one.empty()) fs::remove_all(root_ / one, ignored);
        break;
      default:
        if (!one.empty() && !two.empty()) {
          fs::rename(root_ / one.substr(0, one.size() - 1),
                     root_ / two.substr(0, two.size() - 1), ignored);
        }
    }
    if (random() % 5 == 0) {
      const auto batch = watcher_->Next(0);
      ASSERT_TRUE(batch.ok());
      ASSERT_NO_FATAL_FAILURE(apply(*batch));
    }
    if (step % 500 == 499) {
      for (;;) {
        const auto batch = watcher_->Next(0);
        ASSERT_TRUE(batch.ok());
        if (batch->empty()) break;
        ASSERT_NO_FATAL_FAILURE(apply(*batch));
      }
      Paths there;
      const auto walk = WalkCatalog(root_);
      ASSERT_TRUE(walk.ok());
      for (const auto& found : walk->pictures) there.insert(found.path);
      ASSERT_EQ(known, there) << "after step " << step;
    }
  }
}

}  // namespace
}  // namespace vitrine
