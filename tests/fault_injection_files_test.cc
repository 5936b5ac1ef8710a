// Every call by which an indexer changes its index, broken: it fails, or the
// process or the machine ends there. Whatever it was, what was acknowledged is
// there, readers have it all along, and the next run makes the index of a calm
// one.
#include <gtest/gtest.h>

#include <cstring>
#include <iostream>
#include <numeric>
#include <random>

#include "tests/broken_run.h"
#include "tests/redis_server.h"
#include "tests/test_util/environment.h"
#include "tests/test_util/narrow_embedder.h"

namespace vitrine {
namespace {

using testing::BrokenRun;
using testing::Digest;
using testing::DigestOf;
using testing::FileFault;
using testing::IndexerWorld;
using testing::IndexReader;
using testing::JpegOf;

// Thousands of files come and go, and no fsync is waited for: in memory, where
// there is a file system for that.
const bool kInMemory = std::filesystem::is_directory("/dev/shm") &&
                       ::setenv("TMPDIR", "/dev/shm", /*overwrite=*/0) == 0;

class FileFaults : public ::testing::Test {
 protected:
  FileFaults() {
    std::cout << "seed " << seed_ << " (VITRINE_FAULT_SEED), "
              << (kInMemory ? "in memory\n" : "on disk\n");
    world_.options().publish_rows = 3;
    world_.options().publish_ms = 3'600'000;
    world_.options().settle_ms = 0;
    world_.options().merge.graph_rows = 6;
    std::filesystem::create_directories(Before());
  }

  std::filesystem::path Before() const { return world_.root() / "before"; }
  // The index as it was before this part of the script, and what comes in.
  void Rewind() {
    std::filesystem::remove_all(world_.paths().root);
    std::filesystem::copy(Before(), world_.paths().root,
                          std::filesystem::copy_options::recursive);
    Send();
  }
  virtual void Send() {}
  // After the broken run, which has left this, and after the calm one.
  virtual void CheckSent(const Digest&) {}
  virtual void CheckAllSent() {}

  // Which faults a call may meet.
  static std::vector<int> ErrorsOf(const std::string& point) {
    using Errors = std::vector<int>;
    const int kill = FileFault::kKill;
    const int power = FileFault::kPowerCut;
    if (point.starts_with("write")) return Errors{EIO, ENOSPC, kill, power};
    if (point.starts_with("sync") || point.starts_with("rename")) {
      return Errors{EIO, kill, power};
    }
    return Errors{EIO, kill};
  }

  // Some of the calls of a point; in a long run up to ten.
  std::vector<int> Draw(int calls) {
    std::vector<int> drawn(static_cast<size_t>(calls));
    std::iota(drawn.begin(), drawn.end(), 0);
    std::shuffle(drawn.begin(), drawn.end(), random_);
    drawn.resize(std::min(drawn.size(), most_));
    return drawn;
  }

  // Breaks the run over the catalogue as it is now, at each point in turn, and
  // leaves the index of the calm run for the next part of the script.
  void BreakEachPoint(const std::string& part) {
    const Digest before = std::filesystem::exists(Before() / "manifests")
                              ? DigestOf({Before()})
                              : Digest();
    Rewind();
    const BrokenRun calm = testing::RunBroken(&world_, {}, [] {});
    ASSERT_TRUE(calm.ok) << calm.said;
    expected_ = DigestOf(world_.paths());
    testing::ExpectReceiptsAreTrue(world_.paths(), expected_, expected_);
    told_ = SortedReceipts();
    kept_.clear();
    for (const auto& [key, value] : before) {
      const auto after = expected_.find(key);
      // Of another model the vector is another.
      const std::string sha256 = value.substr(0, value.find(' '));
      if (key.starts_with("row ") && after != expected_.end() &&
          after->second.starts_with(sha256)) {
        kept_[key.substr(4)] = sha256;
      }
    }
    int calls_made = 0;
    int faults = 0;
    for (const auto& [point, calls] : calm.calls) {
      calls_made += calls;
      for (int error : ErrorsOf(point)) {
        for (int nth : Draw(calls)) {
          FileFault fault;
          fault.point = point;
          fault.nth = nth;
          fault.error = error;
          SCOPED_TRACE(::testing::Message()
                       << part << ": " << point << ", call " << nth << " of "
                       << calls << ": "
                       << (error == FileFault::kKill ? "killed"
                           : error == FileFault::kPowerCut
                               ? "power cut"
                               : std::strerror(error)));
          Break(fault);
          ++faults;
          if (HasFatalFailure()) return;
        }
      }
    }
    std::cout << part << ": " << calls_made << " calls of " << calm.calls.size()
              << " points, " << faults << " faults\n";
    Rewind();
    ASSERT_TRUE(testing::RunBroken(&world_, {}, [] {}).ok);
    std::filesystem::remove_all(Before());
    std::filesystem::rename(world_.paths().root, Before());
  }

  void Break(const FileFault& fault) {
    Rewind();
    IndexReader reader(world_.paths(), kept_);
    // Nobody has read what a cut power takes back.
    const bool reads = reads_meanwhile_ && fault.error != FileFault::kPowerCut;
    const BrokenRun broken = testing::RunBroken(&world_, fault, [&] {
      if (reads) reader.Look();
    });
    if (fault.error < 0) {
      // Merges in the background are not the same each time.
      EXPECT_TRUE(broken.killed || !broken.broke);
    } else if (broken.broke && !fault.point.starts_with("remove")) {
      // It says what was wrong, and with which file.
      EXPECT_NE(broken.said.find(std::strerror(fault.error)), std::string::npos)
          << broken.said;
      EXPECT_NE(broken.said.find(world_.paths().root.string()),
                std::string::npos)
          << broken.said;
    }
    const auto generations = ListGenerations(world_.paths());
    if (generations.ok() && !generations->empty()) {
      const Digest left = DigestOf(world_.paths());
      CheckSent(left);
      for (const auto& [name, sha256] : kept_) {
        ASSERT_TRUE(left.contains("row " + name)) << name << broken.said;
      }
      testing::ExpectReceiptsAreTrue(world_.paths(), left, expected_);
    }
    const BrokenRun calm = testing::RunBroken(&world_, {}, [&] {
      if (reads) reader.Look();
    });
    ASSERT_TRUE(calm.ok) << broken.said << calm.said;
    ASSERT_EQ(DigestOf(world_.paths()), expected_) << broken.said << calm.said;
    EXPECT_EQ(SortedReceipts(), told_) << broken.said << calm.said;
    testing::ExpectNoOrphans(world_.paths());
    CheckAllSent();
  }

  std::vector<testing::ToldOf> SortedReceipts() const {
    auto told = testing::ReceiptsOf(world_.paths());
    std::sort(told.begin(), told.end());
    return told;
  }

  IndexerWorld world_;
  const int seed_ = testing::NumberFromEnvironment("VITRINE_FAULT_SEED", 13);
  std::mt19937 random_{static_cast<uint32_t>(seed_)};
  const size_t most_ = static_cast<size_t>(std::max(
      1, testing::NumberFromEnvironment("VITRINE_FAULT_KILLS", 20) / 20));
  bool reads_meanwhile_ = true;
  Digest expected_;
  std::vector<testing::ToldOf> told_;
  // Rows that are there before and after, with their content.
  std::map<std::string, std::string> kept_;
};

TEST_F(FileFaults, NoCallOfAFolderThatIsFollowed) {
  for (int i = 0; i < 8; ++i) {
    world_.Put("p" + std::to_string(i) + ".jpg", i);
  }
  world_.Put("set/bad.jpg", "no picture");
  world_.Write("p1.json", R"({"title": "The second", "price": 3})");
  ASSERT_NO_FATAL_FAILURE(BreakEachPoint("begin"));

  world_.Put("p0.jpg", 20);
  world_.Remove("p2.jpg");
  world_.Remove("p3.jpg");
  for (int i = 30; i < 34; ++i) {
    world_.Put("new/n" + std::to_string(i) + ".jpg", i);
  }
  world_.Put("set/bad.jpg", 21);
  world_.Put("p4.jpg", "no picture any more");
  world_.Write("p1.json", R"({"title": "Another"})");
  ASSERT_NO_FATAL_FAILURE(BreakEachPoint("change"));

  // Old generations go.
  world_.options().index.publisher.retention = {3, 0};
  reads_meanwhile_ = false;
  world_.Put("last.jpg", 40);
  world_.Remove("p5.jpg");
  ASSERT_NO_FATAL_FAILURE(BreakEachPoint("expire"));
}

// A second set of vectors is begun, filled and takes the first one's place,
// while the catalogue changes; then the first is let go.
TEST_F(FileFaults, NoCallOfAModelThatTakesAnothersPlace) {
  testing::WriteAll(world_.root() / "narrow.pt", "a second bundle");
  world_.options().index.load_embedder = [](const std::filesystem::path& bundle,
                                            const EmbedTrial&, int) {
    return testing::ReadAll(bundle) == testing::kFakeBundle
               ? LoadFakeEmbedder(bundle)
               : NarrowEmbedder::Load(bundle);
  };
  for (int i = 0; i < 7; ++i) {
    world_.Put("p" + std::to_string(i) + ".jpg", i);
  }
  world_.Put("bad.jpg", "no picture");
  ASSERT_TRUE(world_.Once().ok());
  std::filesystem::remove_all(Before());
  std::filesystem::rename(world_.paths().root, Before());

  world_.options().index.model = world_.root() / "narrow.pt";
  world_.Put("p1.jpg", 20);
  world_.Remove("p2.jpg");
  world_.Put("new.jpg", 21);
  ASSERT_NO_FATAL_FAILURE(BreakEachPoint("model"));
  EXPECT_EQ(kept_.size(), 5u);

  world_.options().index.model.clear();
  world_.options().keep_previous_ms = 0;
  reads_meanwhile_ = false;
  world_.options().index.publisher.retention = {3, 0};
  ASSERT_NO_FATAL_FAILURE(BreakEachPoint("the first is let go"));
}

// The same with a queue in the folder's place.
class QueueFileFaults : public FileFaults {
 protected:
  QueueFileFaults() : server_({"--appendonly", "no"}) {
    world_.options().catalog.root.clear();
    world_.options().queue = server_.Address();
  }

  // What the queue will hold; each picture is a seed, by its key.
  void Upsert(const std::string& product, uint64_t version,
              const std::map<std::string, int>& pictures,
              const std::string& title) {
    v1::CatalogEvent& event =
        events_.emplace_back(product, v1::CatalogEvent()).second;
    event.set_version(version);
    event.mutable_upsert()->set_product_id(product);
    event.mutable_upsert()->set_title(title);
    for (const auto& [key, seed] : pictures) {
      v1::CatalogImage* image = event.mutable_upsert()->add_images();
      image->set_key(key);
      image->set_content(seed < 0 ? "no picture" : JpegOf(seed));
    }
  }
  void Delete(const std::string& product, uint64_t version) {
    v1::CatalogEvent& event =
        events_.emplace_back(product, v1::CatalogEvent()).second;
    event.set_version(version);
    event.mutable_delete_()->set_product_id(product);
  }

  void Send() override {
    ASSERT_EQ(server_.Cli({"FLUSHALL"}), "OK\n");
    const auto stream = server_.Connect();
    ids_.clear();
    for (const auto& [product, event] : events_) {
      const auto id = stream->Add(event.SerializeAsString());
      ASSERT_TRUE(id.ok()) << id.status();
      ids_.push_back(*id);
    }
  }
  // A product whose last event is acknowledged is as that event says.
  void CheckSent(const Digest& left) override {
    const auto acknowledged = server_.Acknowledged({ids_.begin(), ids_.end()});
    std::map<std::string, std::string> last;
    for (size_t i = 0; i < ids_.size(); ++i) last[events_[i].first] = ids_[i];
    for (const auto& [product, id] : last) {
      if (!acknowledged.contains(id)) continue;
      EXPECT_EQ(Of(product, left), Of(product, expected_)) << id;
    }
  }
  void CheckAllSent() override {
    const auto backlog = server_.Connect()->Backlog();
    ASSERT_TRUE(backlog.ok()) << backlog.status();
    EXPECT_EQ(backlog->pending, 0);
    EXPECT_EQ(backlog->waiting, 0);
    EXPECT_EQ(server_.Cli({"EXISTS", "catalogue:dead"}), "0\n");
  }
  static Digest Of(const std::string& product, const Digest& digest) {
    Digest of;
    for (const auto& [key, value] : digest) {
      if (key == "product " + product || key.starts_with("row " + product)) {
        of[key] = value;
      }
    }
    return of;
  }

  testing::RedisServer server_;
  std::vector<std::pair<std::string, v1::CatalogEvent>> events_;
  std::vector<std::string> ids_;
};

TEST_F(QueueFileFaults, NoCallOfAQueueThatIsRead) {
  for (int i = 0; i < 6; ++i) {
    Upsert("p" + std::to_string(i), 2, {{"a", i}, {"b", i + 10}}, "First");
  }
  Upsert("bad", 1, {{"a", 50}, {"b", -1}}, "Half of it");
  ASSERT_NO_FATAL_FAILURE(BreakEachPoint("queue"));
  events_.clear();
  Delete("p1", 4);
  Upsert("p2", 3, {{"a", 30}}, "Second");
  Upsert("p1", 3, {{"a", 41}}, "Late");
  Upsert("p5", 1, {{"a", 31}}, "Late");
  Upsert("p3", 3, {{"a", 3}, {"c", 40}}, "Third");
  Delete("p4", 3);
  ASSERT_NO_FATAL_FAILURE(BreakEachPoint("queue, later"));
}

}  // namespace
}  // namespace vitrine
