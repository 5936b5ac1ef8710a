// The real indexer, killed again and again in the middle of an import.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <random>

#include "common/vector/half.h"
#include "tests/indexer_world.h"
#include "tests/process.h"
#include "tests/test_util/cosine.h"
#include "tests/test_util/environment.h"

namespace vitrine {
namespace {

using std::chrono::milliseconds;
using testing::BinDir;
using testing::NumberFromEnvironment;
using testing::Process;
using Clock = std::chrono::steady_clock;

constexpr char kFolders[][10] = {"manifests", "models",  "shards",  "deletions",
                                 "products",  "sources", "pictures"};

// Real photos where they are at hand.
void FillCatalogue(const std::filesystem::path& catalog, int pictures) {
  std::filesystem::create_directories(catalog);
  std::vector<std::filesystem::path> photos;
  if (const auto real = testing::ClothingDataset()) {
    for (const auto& entry :
         std::filesystem::directory_iterator(*real / "images")) {
      photos.push_back(entry.path());
    }
    std::sort(photos.begin(), photos.end());
  }
  for (int i = 0; i < pictures; ++i) {
    const std::string name = "p" + std::to_string(i) + ".jpg";
    if (static_cast<size_t>(i) < photos.size()) {
      std::filesystem::copy_file(photos[static_cast<size_t>(i)],
                                 catalog / name);
    } else {
      testing::WriteAll(catalog / name, testing::JpegOf(i, 300));
    }
  }
}

// Counts what happens to the files of an index directory.
class FileChanges {
 public:
  explicit FileChanges(const std::filesystem::path& index)
      : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    std::filesystem::create_directories(index);
    Watch(index);
    for (const char* folder : kFolders) {
      std::filesystem::create_directories(index / folder);
      Watch(index / folder);
    }
  }
  ~FileChanges() { ::close(fd_); }
  FileChanges(const FileChanges&) = delete;
  FileChanges& operator=(const FileChanges&) = delete;

  // How many there have been, waiting a moment for the next.
  int64_t Count() {
    pollfd changed = {.fd = fd_, .events = POLLIN, .revents = 0};
    ::poll(&changed, 1, /*timeout_ms=*/20);
    alignas(inotify_event) char events[4096];
    ssize_t bytes = 0;
    while ((bytes = ::read(fd_, events, sizeof(events))) > 0) {
      for (ssize_t at = 0; at < bytes; ++count_) {
        at += static_cast<ssize_t>(
            sizeof(inotify_event) +
            reinterpret_cast<inotify_event*>(events + at)->len);
      }
    }
    return count_;
  }

 private:
  void Watch(const std::filesystem::path& folder) {
    EXPECT_GE(::inotify_add_watch(fd_, folder.c_str(),
                                  IN_CREATE | IN_MODIFY | IN_MOVED_TO |
                                      IN_CLOSE_WRITE | IN_DELETE),
              0);
  }

  int fd_;
  int64_t count_ = 0;
};

struct Indexed {
  std::string sha256;
  std::vector<float> vector;
};

// What a server would find, by "product/image".
std::map<std::string, Indexed> Open(const std::filesystem::path& index) {
  std::map<std::string, Indexed> pictures;
  std::string degraded;
  const auto snapshot =
      Snapshot::OpenNewest(IndexPaths{index}, nullptr, &degraded);
  if (!snapshot.ok()) {
    ADD_FAILURE() << snapshot.status();
    return pictures;
  }
  EXPECT_EQ(degraded, "");
  for (const auto& [name, sha256] : testing::Content(**snapshot)) {
    pictures[name].sha256 = sha256;
  }
  for (const LiveShard& live : (*snapshot)->shards()) {
    for (uint32_t i = 0; i < live.shard->rows(); ++i) {
      if (!live.IsLive(i)) continue;
      const RowKey key = live.shard->key(i);
      std::string name(key.product_id);
      name.append("/").append(key.image_key);
      const auto dim = static_cast<size_t>(live.shard->dim());
      pictures[name].vector.resize(dim);
      FloatsFromHalves(live.shard->vector(i), dim,
                       pictures[name].vector.data());
    }
  }
  return pictures;
}

class Recovery : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(BinDir() / "vitrine-indexer")) {
      GTEST_SKIP() << "there is no vitrine-indexer in " << BinDir();
    }
    pictures_ = NumberFromEnvironment("VITRINE_RECOVERY_PICTURES", 80);
    kills_ = NumberFromEnvironment("VITRINE_FAULT_KILLS", 20);
    seed_ = NumberFromEnvironment("VITRINE_FAULT_SEED", 20);
    random_.seed(static_cast<uint32_t>(seed_));
    std::cout << "pictures " << pictures_ << " (VITRINE_RECOVERY_PICTURES), "
              << "kills " << kills_ << " (VITRINE_FAULT_KILLS), "
              << "seed " << seed_ << " (VITRINE_FAULT_SEED)\n";
    FillCatalogue(dir_ / "catalog", pictures_);
  }

  std::unique_ptr<Process> Start(const std::filesystem::path& index) {
    return std::make_unique<Process>(
        std::vector<std::string>{
            (BinDir() / "vitrine-indexer").string(),
            "--catalog=" + (dir_ / "catalog").string(),
            "--index=" + index.string(), "--once",
            "--publish-rows=" + std::to_string(std::max(1, pictures_ / 10)),
            "--graph-rows=" + std::to_string(std::max(1, pictures_ / 3))},
        dir_ / "indexer.log");
  }

  void RunCalmly() {
    const Clock::time_point start = Clock::now();
    FileChanges changes(dir_ / "calm");
    const auto indexer = Start(dir_ / "calm");
    int status = testing::kStillRunning;
    do {
      calm_changes_ = changes.Count();
      status = indexer->Wait(milliseconds(0));
    } while (status == testing::kStillRunning);
    ASSERT_EQ(status, 0) << indexer->log();
    calm_ms_ = (Clock::now() - start) / milliseconds(1);
    expected_ = Open(dir_ / "calm");
    ASSERT_EQ(expected_.size(), static_cast<size_t>(pictures_));
    std::cout << "a calm run takes " << calm_ms_ << " ms and changes files "
              << calm_changes_ << " times\n";
  }

  // Kills the indexer at a random moment of what is left of the import: after
  // so many changes of files, so that it often is publishing, or so much time.
  // False where it came to its end before, as it may where little is left.
  bool RunAndKill(const std::filesystem::path& index, bool by_changes,
                  int64_t* changes_before) {
    const double left = 1 - static_cast<double>(*changes_before) /
                                static_cast<double>(calm_changes_);
    auto part_of = [&](int64_t all) {
      const auto most = static_cast<int64_t>(left * static_cast<double>(all));
      return std::uniform_int_distribution<int64_t>(1, most)(random_);
    };
    const bool calm = left < 0.125;
    const int64_t enough_changes =
        by_changes && !calm ? part_of(calm_changes_) : INT64_MAX;
    const int64_t enough_ms =
        by_changes || calm ? INT64_MAX : part_of(calm_ms_);
    const Clock::time_point start = Clock::now();
    FileChanges changes(index);
    const auto indexer = Start(index);
    while (changes.Count() < enough_changes &&
           (Clock::now() - start) / milliseconds(1) < enough_ms) {
      const int status = indexer->Wait(milliseconds(0));
      if (status == testing::kStillRunning) continue;
      EXPECT_EQ(status, 0) << indexer->log();
      return false;
    }
    indexer->Signal(SIGKILL);
    const int status = indexer->Wait(std::chrono::minutes(1));
    *changes_before += changes.Count();
    const auto generations = ListGenerations(IndexPaths{index});
    std::cout << "killed after "
              << (by_changes ? std::to_string(enough_changes) + " changes"
                             : std::to_string(enough_ms) + " ms")
              << ", with "
              << (generations.ok() && !generations->empty()
                      ? generations->back()
                      : 0)
              << " generations\n";
    return status == 128 + SIGKILL;
  }

  // That `index`, whose last run came to its end, is that of the calm run.
  void ExpectAsCalm(const std::filesystem::path& index) {
    const auto recovered = Open(index);
    ASSERT_EQ(recovered.size(), expected_.size());
    for (const auto& [name, picture] : expected_) {
      const auto found = recovered.find(name);
      ASSERT_TRUE(found != recovered.end()) << name;
      EXPECT_EQ(found->second.sha256, picture.sha256) << name;
      EXPECT_GE(testing::Cosine(found->second.vector.data(),
                                picture.vector.data(), picture.vector.size()),
                0.9999)
          << name;
    }
    std::map<std::string, int> receipts;
    std::istringstream lines(
        testing::ReadAll(IndexPaths{index}.receipts().string()));
    for (std::string line; std::getline(lines, line);) {
      const auto receipt = nlohmann::json::parse(line);
      EXPECT_EQ(receipt["outcome"], "accepted") << line;
      EXPECT_EQ(++receipts[receipt["path"]], 1) << line;
    }
    EXPECT_EQ(receipts.size(), static_cast<size_t>(pictures_));
    ExpectNoOrphans(IndexPaths{index});
  }

  static void ExpectNoOrphans(const IndexPaths& paths) {
    std::set<std::string> named = {"LOCK", "receipts.jsonl"};
    const auto generations = ListGenerations(paths);
    ASSERT_TRUE(generations.ok());
    for (uint64_t generation : *generations) {
      const auto manifest = ReadManifest(paths, generation);
      ASSERT_TRUE(manifest.ok()) << manifest.status();
      named.insert(
          std::filesystem::relative(paths.manifest(generation), paths.root));
      for (std::string& file : FilesOf(*manifest)) {
        named.insert(std::move(file));
      }
    }
    EXPECT_EQ(testing::FilesUnder(paths.root), named);
  }

  testing::TempDir dir_;
  int pictures_ = 0;
  int kills_ = 0;
  int seed_ = 0;
  std::mt19937 random_;
  int64_t calm_ms_ = 0;
  int64_t calm_changes_ = 0;
  std::map<std::string, Indexed> expected_;
};

TEST_F(Recovery, KillsAtAnyMomentLeaveTheIndexOfACalmRun) {
  RunCalmly();
  if (HasFatalFailure()) return;
  int kills = 0;
  for (int import = 0; kills < kills_; ++import) {
    const std::filesystem::path index =
        dir_ / ("index" + std::to_string(import));
    int64_t changes_before = 0;
    while (kills < kills_ &&
           RunAndKill(index, kills % 2 == 0, &changes_before)) {
      ++kills;
      const auto generations = ListGenerations(IndexPaths{index});
      if (generations.ok() && !generations->empty()) Open(index);
    }
    if (kills == kills_) {  // The last import may still be unfinished.
      const auto last = Start(index);
      ASSERT_EQ(last->Wait(std::chrono::minutes(10)), 0) << last->log();
    }
    ExpectAsCalm(index);
    if (HasFailure()) return;
    std::cout << "import " << import + 1 << " is as it should be\n";
  }
}

}  // namespace
}  // namespace vitrine
