// An indexer that follows its catalogue: what is dropped, changed, moved and
// deleted is followed; what only looks like a deletion is not.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <semaphore>
#include <sstream>

#include "absl/cleanup/cleanup.h"
#include "tests/indexer_world.h"
#include "tests/process.h"
#include "tests/test_util/narrow_embedder.h"

namespace vitrine {
namespace {

using testing::IndexerWorld;
using testing::JpegOf;
using testing::RunningIndexer;

using Names = std::set<std::string>;

std::string Hex(int seed) { return ToHex(Sha256(JpegOf(seed))); }

class Watching : public ::testing::Test {
 protected:
  // Starts with one picture, which is indexed when this returns.
  void Start() {
    world_.Put("first.jpg", 99);
    running_ = std::make_unique<RunningIndexer>(&world_);
    ASSERT_TRUE(running_->UntilProducts({"first"}));
  }
  bool Until(const std::function<bool()>& holds) {
    return running_->Until(holds);
  }

  IndexerWorld world_;
  std::unique_ptr<RunningIndexer> running_;
};

TEST_F(Watching, FollowsDropsChangesMovesAndDeletions) {
  Start();
  world_.Put("a.jpg", 1);
  ASSERT_TRUE(running_->UntilProducts({"a", "first"}));
  // Written in place, as a slow copy does.
  world_.Write("b.jpg", JpegOf(2));
  ASSERT_TRUE(running_->UntilProducts({"a", "b", "first"}));
  world_.Put("a.jpg", 3);
  ASSERT_TRUE(Until([&] { return world_.Indexed()["a/a.jpg"] == Hex(3); }));
  std::filesystem::rename(world_.catalog() / "a.jpg",
                          world_.catalog() / "c.jpg");
  ASSERT_TRUE(running_->UntilProducts({"b", "c", "first"}));
  EXPECT_EQ(world_.Indexed()["c/c.jpg"], Hex(3));
  world_.Remove("b.jpg");
  ASSERT_TRUE(running_->UntilProducts({"c", "first"}));
  EXPECT_EQ(world_.ReceiptOf("b.jpg")["outcome"], "removed");
}

TEST_F(Watching, FollowsWholeFolders) {
  Start();
  std::filesystem::create_directories(world_.root() / "outside/deep");
  for (int i = 0; i < 5; ++i) {
    testing::WriteAll(
        world_.root() / "outside/deep" / (std::to_string(i) + ".jpg"),
        JpegOf(i));
  }
  std::filesystem::rename(world_.root() / "outside",
                          world_.catalog() / "inside");
  ASSERT_TRUE(Until([&] { return world_.Products().size() == 6; }));
  std::filesystem::rename(world_.catalog() / "inside",
                          world_.catalog() / "elsewhere");
  ASSERT_TRUE(Until([&] {
    return world_.Products() == Names{"elsewhere/deep/0", "elsewhere/deep/1",
                                      "elsewhere/deep/2", "elsewhere/deep/3",
                                      "elsewhere/deep/4", "first"};
  }));
  world_.Remove("elsewhere");
  ASSERT_TRUE(running_->UntilProducts({"first"}));
}

TEST_F(Watching, RefusesAndTakesWhenMended) {
  Start();
  const std::string whole = JpegOf(1, 200);
  world_.Put("a.jpg", whole.substr(0, whole.size() / 2));
  ASSERT_TRUE(
      Until([&] { return world_.ReceiptOf("a.jpg")["outcome"] == "refused"; }));
  EXPECT_EQ(world_.Products(), Names{"first"});
  world_.Put("a.jpg", whole);
  ASSERT_TRUE(running_->UntilProducts({"a", "first"}));
}

TEST_F(Watching, AppliesAnEditedTable) {
  world_.Write("styles.csv", "id,articleType\nfirst,Dress\n");
  Start();
  EXPECT_EQ(world_.Newest()->FindProduct("first")->category(), "Dress");
  const auto shards = testing::FilesUnder(world_.paths().shards());
  world_.Write("styles.csv", "id,articleType\nfirst,Shoe\n");
  ASSERT_TRUE(Until([&] {
    return world_.Newest()->FindProduct("first")->category() == "Shoe";
  }));
  EXPECT_EQ(testing::FilesUnder(world_.paths().shards()), shards);
}

TEST_F(Watching, ATableWaitsForNoImport) {
  constexpr int kPictures = 2000;
  world_.Write("products.jsonl", "{\"id\":\"first\",\"title\":\"Old\"}\n");
  std::counting_semaphore<> pictures(1);
  const std::function<absl::Status(const uint8_t*)> wait = [&](const uint8_t*) {
    pictures.acquire();
    return absl::OkStatus();
  };
  world_.options().index.load_embedder =
      [&wait](const std::filesystem::path& bundle, const EmbedTrial&, int) {
        return NarrowEmbedder::Load(bundle, nullptr, &wait);
      };
  Start();
  // However it ends, the indexer is gone before what its model waits for.
  const absl::Cleanup let_go = [&] {
    pictures.release(2 * kPictures);
    running_.reset();
  };
  for (int i = 0; i < kPictures; ++i) {
    world_.Put("p" + std::to_string(i) + ".jpg", i);
  }
  pictures.release(100);
  // That what is there is old enough to be published is seen when more comes.
  int looks = 0;
  ASSERT_TRUE(testing::Eventually(
      [&] {
        if (++looks % 5 == 0) pictures.release();
        return world_.Products().size() > 1;
      },
      std::chrono::seconds(30)));
  std::string lines =
      "{\"id\":\"first\",\"title\":\"New\"}\n"
      "{\"id\":\"p0\",\"deleted\":true}\n"
      "{\"id\":\"p1999\",\"deleted\":true}\n";
  for (int i = 1; i < kPictures - 1; ++i) {
    lines += "{\"id\":\"p" + std::to_string(i) + "\",\"title\":\"New\"}\n";
  }
  world_.Write("products.jsonl", lines);
  EXPECT_TRUE(testing::Eventually(
      [&] {
        pictures.release(4);
        const auto newest = world_.Newest();
        return newest->FindProduct("first")->title() == "New" &&
               !world_.Products().contains("p0");
      },
      std::chrono::seconds(30)));
  EXPECT_LT(world_.Products().size(), kPictures) << "the import is over";
  pictures.release(kPictures);
  // Without the two that are deleted, of which one had not been read.
  ASSERT_TRUE(Until([&] { return world_.Products().size() == kPictures - 1; }));
  EXPECT_FALSE(world_.Products().contains("p1999"));
  // Those too that had been read and were not published yet.
  const auto newest = world_.Newest();
  for (const std::string& product : world_.Products()) {
    EXPECT_EQ(newest->FindProduct(product)->title(), "New") << product;
  }
}

TEST_F(Watching, ATableThatIsBeingWrittenStaysAsItWas) {
  world_.Write("styles.csv", "id,articleType\nfirst,Dress\n");
  world_.Put("first.jpg", 99);
  for (const char* file : {"styles.csv", "first.jpg"}) {
    std::filesystem::last_write_time(
        world_.catalog() / file,
        std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  }
  // Nothing else settles: that a file is closed is all that tells.
  world_.options().settle_ms = 3'600'000;
  running_ = std::make_unique<RunningIndexer>(&world_);
  ASSERT_TRUE(running_->UntilProducts({"first"}));
  std::ofstream table(world_.catalog() / "styles.csv");
  table << "id,articleType\n" << std::flush;
  // Tells of the table without its being closed, so that a scan comes.
  std::filesystem::permissions(world_.catalog() / "styles.csv",
                               std::filesystem::perms::owner_read);
  world_.Put("a.jpg", 1);
  ASSERT_TRUE(running_->UntilProducts({"a", "first"}));
  world_.Put("b.jpg", 2);
  ASSERT_TRUE(running_->UntilProducts({"a", "b", "first"}));
  EXPECT_EQ(world_.Newest()->FindProduct("first")->category(), "Dress");
  table << "first,Shoe\n";
  table.close();
  ASSERT_TRUE(Until([&] {
    return world_.Newest()->FindProduct("first")->category() == "Shoe";
  }));
}

TEST_F(Watching, AppliesASidecar) {
  Start();
  world_.Write("first.json", R"({"title": "The first"})");
  ASSERT_TRUE(Until([&] {
    return world_.Newest()->FindProduct("first")->title() == "The first";
  }));
  world_.Remove("first.json");
  ASSERT_TRUE(Until(
      [&] { return world_.Newest()->FindProduct("first")->title().empty(); }));
}

TEST_F(Watching, KeepsAllWhileTheRootIsAway) {
  Start();
  std::filesystem::rename(world_.catalog(), world_.root() / "away");
  testing::WriteAll(world_.root() / "away/a.jpg", JpegOf(1));
  std::filesystem::remove(world_.root() / "away/first.jpg");
  testing::WriteAll(world_.root() / "away/b.jpg", JpegOf(2));
  std::filesystem::rename(world_.root() / "away", world_.catalog());
  // It is back: what happened meanwhile is found, the deletion too.
  ASSERT_TRUE(running_->UntilProducts({"a", "b"}));
}

// Whether this process watches a folder, by inotify(7).
bool IsWatched(const std::filesystem::path& folder) {
  struct stat info;
  if (::stat(folder.c_str(), &info) != 0) return false;
  std::ostringstream wanted;
  wanted << " ino:" << std::hex << info.st_ino << " ";
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    if (testing::ReadAll(entry.path()).find(wanted.str()) !=
        std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST_F(Watching, KeepsWhatWentTogetherWithTheRoot) {
  Start();
  world_.Put("set/a.jpg", 98);
  world_.Put("set/b.jpg", 97);
  ASSERT_TRUE(running_->UntilProducts({"first", "set/a", "set/b"}));
  std::filesystem::copy(world_.catalog(), world_.root() / "copy",
                        std::filesystem::copy_options::recursive);
  testing::WriteAll(world_.root() / "copy/new.jpg", JpegOf(1));
  // What goes waits for what goes with it, and then the root does.
  std::filesystem::rename(world_.catalog() / "set", world_.root() / "away");
  world_.Put("last.jpg", 2);
  ASSERT_TRUE(Until([&] { return world_.Products().contains("last"); }));
  if (world_.Products().size() < 4) GTEST_SKIP() << "too slow to see it";
  std::filesystem::remove_all(world_.catalog());
  std::filesystem::create_directory(world_.catalog());
  const auto patience =
      std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!IsWatched(world_.catalog())) {
    ASSERT_LT(std::chrono::steady_clock::now(), patience);
    std::this_thread::yield();
  }
  // The pictures come at once, though the root is not taken for the old one.
  std::filesystem::rename(world_.root() / "copy", world_.catalog() / "back");
  ASSERT_TRUE(Until([&] { return world_.Products().contains("back/new"); }));
  for (const nlohmann::json& receipt : world_.Receipts()) {
    if (receipt["outcome"] != "removed") continue;
    EXPECT_GE(receipt["generation"],
              world_.ReceiptOf("back/new.jpg")["generation"])
        << receipt;
  }
}

TEST_F(Watching, HoldsAMassDeletionWhole) {
  auto table = [&](const std::string& category) {
    world_.Write("styles.csv", "id,articleType\n0," + category + "\n");
  };
  table("Dress");
  for (int i = 0; i < 150; ++i) {
    world_.Put("images/" + std::to_string(i) + ".jpg", i % 5);
  }
  running_ = std::make_unique<RunningIndexer>(&world_);
  ASSERT_TRUE(Until([&] { return world_.Products().size() == 150; }));
  for (int i = 1; i < 140; ++i) {
    world_.Remove("images/" + std::to_string(i) + ".jpg");
  }
  world_.Put("images/new.jpg", 1);
  ASSERT_TRUE(Until([&] { return world_.Products().contains("new"); }));
  // The scan that the table calls for comes when no more pictures go, and holds
  // those that went.
  table("Shoe");
  ASSERT_TRUE(Until(
      [&] { return world_.Newest()->FindProduct("0")->category() == "Shoe"; }));
  EXPECT_EQ(world_.Products().size(), 151u);
}

TEST_F(Watching, HoldsAFolderThatWasMovedAwayBesideANewPicture) {
  for (int i = 0; i < 150; ++i) {
    world_.Put("set/p" + std::to_string(i) + ".jpg", i % 5);
  }
  running_ = std::make_unique<RunningIndexer>(&world_);
  ASSERT_TRUE(Until([&] { return world_.Products().size() == 150; }));
  std::filesystem::rename(world_.catalog() / "set", world_.root() / "away");
  world_.Put("sign.jpg", 1);
  ASSERT_TRUE(Until([&] { return world_.Products().contains("sign"); }));
  // Back, with one picture less: that alone goes.
  std::filesystem::remove(world_.root() / "away/p7.jpg");
  std::filesystem::rename(world_.root() / "away", world_.catalog() / "set");
  ASSERT_TRUE(Until([&] { return !world_.Products().contains("set/p7"); }));
  EXPECT_EQ(world_.Products().size(), 150u);
  EXPECT_EQ(world_.ReceiptOf("set/p8.jpg")["outcome"], "accepted");
}

TEST_F(Watching, AMovedFolderDoesNotCountWithDeletionsThatFollow) {
  for (int i = 0; i < 150; ++i) {
    world_.Put("set/p" + std::to_string(i) + ".jpg", i % 5);
  }
  running_ = std::make_unique<RunningIndexer>(&world_);
  ASSERT_TRUE(Until([&] { return world_.Products().size() == 150; }));
  std::filesystem::rename(world_.catalog() / "set", world_.catalog() / "sale");
  ASSERT_TRUE(Until([&] {
    return world_.Products().contains("sale/p0") &&
           world_.Products().size() == 150;
  }));
  world_.Remove("sale/p0.jpg");
  ASSERT_TRUE(Until([&] { return world_.Products().size() == 149; }));
}

TEST_F(Watching, FinishesWhatItReadsWhenStopped) {
  for (int i = 0; i < 60; ++i) {
    world_.Put("p" + std::to_string(i) + ".jpg", i);
  }
  world_.options().publish_rows = 8;
  running_ = std::make_unique<RunningIndexer>(&world_);
  ASSERT_TRUE(Until([&] { return world_.Products().size() >= 8; }));
  EXPECT_TRUE(running_->Stop().ok());
  // Whatever has a receipt is in the index.
  const auto indexed = world_.Indexed();
  EXPECT_EQ(world_.Receipts().size(), indexed.size());
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(world_.Products().size(), 60u);
}

TEST_F(Watching, PublishesALoneDropInOneGeneration) {
  Start();
  const uint64_t before = world_.Newest()->generation();
  world_.Put("a.jpg", 1);
  ASSERT_TRUE(running_->UntilProducts({"a", "first"}));
  EXPECT_EQ(world_.Newest()->generation(), before + 1);
  EXPECT_EQ(world_.ReceiptOf("a.jpg")["generation"], before + 1);
}

TEST_F(Watching, TriesAgainWhenNothingCouldBePublished) {
  world_.options().retry_ms = 50;
  Start();
  // A folder that is not there fails like a full disk, for root too.
  std::filesystem::rename(world_.paths().pictures(), world_.root() / "hidden");
  world_.Put("a.jpg", 1);
  world_.Put("b.jpg", 2);
  world_.Remove("first.jpg");
  std::filesystem::rename(world_.root() / "hidden", world_.paths().pictures());
  ASSERT_TRUE(running_->UntilProducts({"a", "b"}));
}

}  // namespace
}  // namespace vitrine
