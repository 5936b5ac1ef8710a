// The real programs on an index that disks and operators have spoilt: a flipped
// byte in each of its files, a newer version's files, a folder that cannot be
// written to, a full disk.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/base/hash.h"
#include "common/image/image.h"
#include "common/index/manifest.h"
#include "common/index/snapshot.h"
#include "indexer/retention.h"
#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/corrupt.h"
#include "tests/test_util/plain_embedder.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {
namespace {

using testing::Eventually;
using ::testing::HasSubstr;
using testing::Output;
using testing::Process;
using testing::RunToEnd;

constexpr std::chrono::minutes kPatience(2);
constexpr int kProducts = 10;

std::string Picture(int i) {
  return DrawPicture(i, static_cast<uint8_t>(20 * i),
                     static_cast<uint8_t>(250 - 20 * i),
                     static_cast<uint8_t>(60 * i % 250));
}

// A server of its own, and the questions it is asked.
class RunningServer {
 public:
  explicit RunningServer(const std::filesystem::path& index,
                         const std::filesystem::path& log)
      : process_({(testing::BinDir() / "vitrine-server").string(),
                  "--index=" + index.string(), "--listen=127.0.0.1:0"},
                 Fresh(log)) {
    const std::string address = testing::AwaitAddress(process_, kPatience);
    EXPECT_NE(address, "") << process_.log();
    stub_ = v1::SearchService::NewStub(
        grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  }
  ~RunningServer() {
    process_.Signal(SIGTERM);
    EXPECT_EQ(process_.Wait(kPatience), 0) << process_.log();
  }

  bool AwaitLog(const std::string& text) {
    return Eventually(
        [&] { return process_.log().find(text) != std::string::npos; },
        kPatience);
  }
  std::string log() const { return process_.log(); }
  // Whether the picture finds itself first.
  bool Finds(const std::string& picture) {
    grpc::ClientContext context;
    v1::SearchRequest request;
    request.add_examples()->mutable_image()->set_content(picture);
    v1::SearchResponse response;
    return stub_->Search(&context, request, &response).ok() &&
           response.hits_size() > 0 && response.hits(0).same_content();
  }
  v1::DescribeIndexResponse Describe() {
    grpc::ClientContext context;
    v1::DescribeIndexResponse response;
    stub_->DescribeIndex(&context, {}, &response);
    return response;
  }

 private:
  // The lines of an earlier server are gone when the first are waited for.
  static std::filesystem::path Fresh(const std::filesystem::path& log) {
    std::filesystem::remove(log);
    return log;
  }

  Process process_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

class FaultInjection : public ::testing::Test {
 protected:
  std::filesystem::path Catalog() const { return dir_ / "catalogue"; }
  std::filesystem::path Index() const { return dir_ / "index"; }
  IndexPaths Paths() const { return IndexPaths{Index()}; }

  void Put(const std::string& name, int i) {
    std::filesystem::create_directories(Catalog());
    testing::WriteAll(Catalog() / name, Picture(i));
  }
  std::vector<std::string> Command(std::vector<std::string> flags) const {
    std::vector<std::string> argv = {
        (testing::BinDir() / "vitrine-indexer").string(),
        "--catalog=" + Catalog().string(), "--index=" + Index().string(),
        // Few files, and each kind of them.
        "--flat-shards=50", "--keep-generations=2", "--keep-minutes=0"};
    argv.insert(argv.end(), flags.begin(), flags.end());
    return argv;
  }
  Output RunIndexer(std::vector<std::string> flags = {}) const {
    flags.push_back("--once");
    return RunToEnd(Command(std::move(flags)), kPatience);
  }
  // An index with every kind of file.
  void MakeIndex() {
    for (int i = 0; i < kProducts; ++i) {
      Put("p" + std::to_string(i) + ".jpg", i);
    }
    Put("gone.jpg", 12);
    Output indexer = RunIndexer();
    ASSERT_EQ(indexer.status, 0) << indexer.err;
    std::filesystem::remove(Catalog() / "gone.jpg");
    indexer = RunIndexer();
    ASSERT_EQ(indexer.status, 0) << indexer.err;
    ASSERT_FALSE(std::filesystem::is_empty(Paths().deletions()));
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(Index())) {
      if (entry.is_regular_file()) {
        files.push_back(std::filesystem::relative(entry.path(), Index()));
      }
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  testing::TempDir dir_;
};

TEST_F(FaultInjection, AFlippedByteInAnyFileIsNamedAndMended) {
  MakeIndex();
  if (HasFatalFailure()) return;
  const auto sound = dir_ / "sound";
  std::filesystem::rename(Index(), sound);
  const auto generations = ListGenerations(IndexPaths{sound});
  ASSERT_TRUE(generations.ok());
  ASSERT_EQ(generations->size(), 2u);
  const auto newest = ReadManifest(IndexPaths{sound}, generations->back());
  ASSERT_TRUE(newest.ok()) << newest.status();
  const std::vector<std::string> named = FilesOf(*newest);
  const uint32_t seed = 4;
  std::mt19937_64 random(seed);
  std::filesystem::copy(sound, Index(),
                        std::filesystem::copy_options::recursive);
  for (const std::string& file : Files()) {
    std::filesystem::remove_all(Index());
    std::filesystem::copy(sound, Index(),
                          std::filesystem::copy_options::recursive);
    const auto path = Index() / file;
    const uint64_t offset = random() % std::filesystem::file_size(path);
    FlipBit(path, offset, static_cast<int>(random() % 8));
    SCOPED_TRACE(file + " at " + std::to_string(offset));
    const std::string folder = std::filesystem::path(file).parent_path();

    const Output indexer = RunIndexer();
    if (folder != "manifests" &&
        std::find(named.begin(), named.end(), file) == named.end()) {
      // The newest generation is as it was: LOCK, receipts, what was merged.
      EXPECT_EQ(indexer.status, 0) << indexer.err;
      continue;
    }
    EXPECT_EQ(indexer.status, 1) << indexer.err;
    EXPECT_THAT(indexer.err, HasSubstr(path.string()));
    EXPECT_THAT(indexer.err,
                HasSubstr("--index=" + Index().string() + " --repair"));
    std::cout << indexer.err;

    RunningServer server(Index(), dir_ / "server.log");
    const bool older = path == Paths().manifest(generations->front());
    if (older || folder == "sources") {  // Which servers do not read.
      EXPECT_EQ(server.Describe().images(), kProducts);
      EXPECT_FALSE(server.Describe().degraded());
    } else {
      ASSERT_TRUE(server.AwaitLog(path.string())) << server.log();
      EXPECT_THAT(server.log(), HasSubstr("--repair"));
    }
    const Output repair = RunIndexer({"--repair"});
    ASSERT_EQ(repair.status, 0) << repair.err;
    EXPECT_THAT(repair.err, HasSubstr("damaged: " + path.string()));
    ASSERT_TRUE(Eventually(
        [&] {
          const auto description = server.Describe();
          return description.images() == kProducts && !description.degraded();
        },
        kPatience))
        << server.log();
    for (int i = 0; i < kProducts; ++i) {
      EXPECT_TRUE(server.Finds(Picture(i))) << i;
    }
    EXPECT_FALSE(server.Finds(Picture(12)));
  }
}

TEST_F(FaultInjection, AShardThatIsCutUnderTheServerDoesNotEndIt) {
  MakeIndex();
  if (HasFatalFailure()) return;
  RunningServer server(Index(), dir_ / "server.log");
  ASSERT_TRUE(server.Finds(Picture(3)));
  std::filesystem::path cut;
  for (const std::string& file : Files()) {
    if (!file.starts_with("shards/")) continue;
    cut = Index() / file;
    std::filesystem::resize_file(cut, 0);
  }
  EXPECT_FALSE(server.Finds(Picture(3)));
  EXPECT_TRUE(server.Describe().degraded());
  EXPECT_THAT(server.Describe().degraded_reason(),
              HasSubstr(Paths().shards().string()));
  EXPECT_TRUE(server.AwaitLog("degraded: " + Paths().shards().string()))
      << server.log();
  const Output repair = RunIndexer({"--repair"});
  ASSERT_EQ(repair.status, 0) << repair.err;
  EXPECT_THAT(repair.err, HasSubstr("damaged: " + cut.string()));
  EXPECT_TRUE(Eventually([&] { return server.Finds(Picture(3)); }, kPatience))
      << server.log();
  EXPECT_FALSE(server.Describe().degraded());
}

TEST_F(FaultInjection, AFileOfANewerVersionIsLeftAsItIs) {
  MakeIndex();
  if (HasFatalFailure()) return;
  // Where the formats keep their version, and the checksum that covers it.
  auto make_newer = [](const std::filesystem::path& path) {
    std::string bytes = testing::ReadAll(path);
    const bool manifest = path.extension() == ".pb";
    const uint32_t version = 2;
    uint64_t checksum;
    if (manifest) {
      std::memcpy(bytes.data() + 8, &version, sizeof(version));
      checksum = Checksum(bytes.substr(8, 8) + bytes.substr(24));
    } else {
      std::memcpy(bytes.data() + 12, &version, sizeof(version));
      checksum = Checksum(std::string_view(bytes).substr(0, 56));
    }
    std::memcpy(bytes.data() + (manifest ? 16 : 56), &checksum,
                sizeof(checksum));
    testing::WriteAll(path, bytes);
  };
  const auto generations = ListGenerations(Paths());
  ASSERT_TRUE(generations.ok());
  const auto manifest = ReadManifest(Paths(), generations->back());
  ASSERT_TRUE(manifest.ok());
  for (const auto& path :
       {Paths().manifest(generations->back()),
        Paths().shards() / manifest->vector_sets(0).shards(0).file().name(),
        Paths().sources() / manifest->source_segments(0).name()}) {
    const std::string before = testing::ReadAll(path);
    make_newer(path);
    const std::string newer = testing::ReadAll(path);
    const auto files = Files();
    for (const std::vector<std::string>& flags :
         {std::vector<std::string>{}, std::vector<std::string>{"--repair"}}) {
      const Output indexer = RunIndexer(flags);
      EXPECT_EQ(indexer.status, 1) << indexer.err;
      EXPECT_THAT(indexer.err,
                  HasSubstr(path.string() +
                            " has format version 2, but this program reads "
                            "version 1: use the newer Vitrine"));
      EXPECT_THAT(indexer.err, Not(HasSubstr("--repair")));
      EXPECT_EQ(Files(), files);
      EXPECT_EQ(testing::ReadAll(path), newer);
    }
    if (path.parent_path() != Paths().sources()) {
      RunningServer server(Index(), dir_ / "server.log");
      EXPECT_TRUE(server.AwaitLog("has format version 2")) << server.log();
    }
    testing::WriteAll(path, before);
  }
  EXPECT_EQ(RunIndexer().status, 0);
}

// A small disk for the index. Skips where none can be mounted.
class FullDisk : public FaultInjection {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(Index());
    // In a mount namespace of this test and its children, which goes with them.
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", Index().c_str(), "tmpfs", 0, "size=16m") != 0) {
      GTEST_SKIP() << "cannot mount a small disk: " << std::strerror(errno)
                   << "; run this as root";
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) {
      EXPECT_EQ(::umount2(Index().c_str(), MNT_DETACH), 0);
    }
  }
  void Fill() {
    const std::string megabyte(1 << 20, 'x');
    std::ofstream filler(Index() / "filler", std::ios::binary);
    while (filler.write(megabyte.data(), 1 << 20).flush()) {
    }
    // To the last block.
    filler.clear();
    filler.close();
    filler.open(Index() / "filler", std::ios::binary | std::ios::app);
    while (filler.write(megabyte.data(), 4096).flush()) {
    }
  }
  uint64_t Generation() {
    std::string degraded;
    const auto snapshot = Snapshot::OpenNewest(Paths(), nullptr, &degraded);
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    EXPECT_EQ(degraded, "");
    return snapshot.ok() ? (*snapshot)->generation() : 0;
  }

  bool mounted_ = false;
};

TEST_F(FullDisk, TheIndexerSaysSoKeepsWhatItHasAndGoesOnWhenThereIsSpace) {
  MakeIndex();
  if (HasFatalFailure()) return;
  Process indexer(Command({}), dir_ / "indexer.log");
  ASSERT_TRUE(Eventually(
      [&] { return indexer.log().find("watching ") != std::string::npos; },
      kPatience))
      << indexer.log();
  RunningServer server(Index(), dir_ / "server.log");
  const uint64_t generation = Generation();
  Fill();
  Put("new.jpg", 13);
  ASSERT_TRUE(Eventually(
      [&] {
        return indexer.log().find("No space left on device") !=
               std::string::npos;
      },
      kPatience))
      << indexer.log();
  EXPECT_THAT(indexer.log(), HasSubstr("nothing could be published, and the "
                                       "index stays as it was: "));
  EXPECT_EQ(Generation(), generation);
  EXPECT_TRUE(server.Finds(Picture(3)));
  EXPECT_FALSE(server.Finds(Picture(13)));

  std::filesystem::remove(Index() / "filler");
  ASSERT_TRUE(Eventually([&] { return server.Finds(Picture(13)); }, kPatience))
      << indexer.log();
  EXPECT_GT(Generation(), generation);
  indexer.Signal(SIGTERM);
  EXPECT_EQ(indexer.Wait(kPatience), 0) << indexer.log();
  EXPECT_THAT(testing::ReadAll(Paths().receipts()), HasSubstr("\"new.jpg\""));
  std::cout << indexer.log();
}

TEST_F(FullDisk, AnImportThatFillsItEndsWithAnErrorAndCanBeRunAgain) {
  MakeIndex();
  if (HasFatalFailure()) return;
  const uint64_t generation = Generation();
  Put("new.jpg", 13);
  Fill();
  const Output full = RunIndexer();
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, HasSubstr("No space left on device"));
  EXPECT_EQ(Generation(), generation);
  std::filesystem::remove(Index() / "filler");
  const Output again = RunIndexer();
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_GT(Generation(), generation);
}

TEST_F(FullDisk, AReadOnlyIndexIsServedAndNotWrittenTo) {
  MakeIndex();
  if (HasFatalFailure()) return;
  ASSERT_EQ(::mount("none", Index().c_str(), nullptr, MS_REMOUNT | MS_RDONLY,
                    nullptr),
            0)
      << std::strerror(errno);
  Put("new.jpg", 13);
  const Output indexer = RunIndexer();
  EXPECT_EQ(indexer.status, 1);
  EXPECT_THAT(indexer.err, HasSubstr("must be able to write to its index "
                                     "directory"));
  EXPECT_THAT(indexer.err, HasSubstr(Index().string()));
  std::cout << indexer.err;
  RunningServer server(Index(), dir_ / "server.log");
  EXPECT_TRUE(server.Finds(Picture(3)));
}

}  // namespace
}  // namespace vitrine
