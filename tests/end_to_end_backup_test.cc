// Copies and checks of an index by the real programs, while it is written and
// served.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/index/index_files.h"
#include "common/index/manifest.h"
#include "tests/process.h"
#include "tests/test_util.h"
#include "tests/test_util/corrupt.h"
#include "tests/test_util/plain_embedder.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using testing::Eventually;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Output;
using testing::Process;
using testing::RunToEnd;

constexpr std::chrono::minutes kPatience(2);

std::string Program(const std::string& name) {
  return (testing::BinDir() / name).string();
}

class EndToEndBackupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(catalogue_);
    for (int i = 0; i < 12; ++i) {
      testing::WriteAll(catalogue_ / (std::to_string(i) + ".jpg"),
                        DrawPicture(i, 20 * i, 200, 60));
    }
    testing::WriteAll(catalogue_ / "cut.jpg",
                      DrawPicture(1, 2, 3, 4).substr(0, 300));
  }

  Output Index(const fs::path& index) {
    return RunToEnd({Program("vitrine-indexer"),
                     "--catalog=" + catalogue_.string(),
                     "--index=" + index.string(), "--once"});
  }
  Output Verify(const fs::path& index) {
    return RunToEnd(
        {Program("vitrine-indexer"), "--index=" + index.string(), "--verify"});
  }
  Output Backup() {
    return RunToEnd({Program("vitrine"), "backup", "--index=" + index_.string(),
                     backup_.string()});
  }

  // What a server of this index answers to two searches.
  std::string Answers(const fs::path& index) {
    Process server({Program("vitrine-server"), "--index=" + index.string(),
                    "--listen=127.0.0.1:0", "--require-index"},
                   dir_ / (index.filename().string() + ".log"));
    const std::string address = testing::AwaitAddress(server, kPatience);
    EXPECT_NE(address, "") << server.log();
    const Output output = RunToEnd({Program("vitrine"), "search", "--product=3",
                                    "--product=7", "--k=5", "--format=json",
                                    "--thumbnails", "--server=" + address});
    EXPECT_EQ(output.status, 0) << output.err;
    std::string answers;
    std::istringstream lines(output.out);
    for (std::string line; std::getline(lines, line);) {
      nlohmann::json json = nlohmann::json::parse(line);
      json.erase("timings");
      answers += json.dump() + "\n";
    }
    server.Signal(SIGTERM);
    EXPECT_EQ(server.Wait(kPatience), 0);
    return answers;
  }

  testing::TempDir dir_;
  const fs::path catalogue_ = dir_ / "catalogue";
  const fs::path index_ = dir_ / "index";
  const fs::path backup_ = dir_ / "backup";
};

TEST_F(EndToEndBackupTest, RestoresByNamingTheCopy) {
  Output output = Index(index_);
  ASSERT_EQ(output.status, 0) << output.err;
  output = Backup();
  ASSERT_EQ(output.status, 0) << output.err;
  EXPECT_THAT(output.out, HasSubstr("copied and verified"));
  EXPECT_EQ(Verify(backup_).status, 0);
  const std::string answers = Answers(index_);
  EXPECT_THAT(answers, HasSubstr("\"product_id\":\"7\""));
  EXPECT_EQ(Answers(backup_), answers);
  EXPECT_EQ(testing::ReadAll(backup_ / "receipts.jsonl"),
            testing::ReadAll(index_ / "receipts.jsonl"));

  // The original is lost, and an indexer goes on with the copy.
  fs::remove_all(index_);
  output = Index(backup_);
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_THAT(output.err, HasSubstr("no change of pictures"));
  EXPECT_THAT(output.err, Not(HasSubstr("embedded")));
  EXPECT_THAT(output.err, Not(HasSubstr("refused cut.jpg")));
  testing::WriteAll(catalogue_ / "new.jpg", DrawPicture(99, 90, 20, 160));
  output = Index(backup_);
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_THAT(output.err, HasSubstr("1 accepted"));
  EXPECT_EQ(Verify(backup_).status, 0);
}

TEST_F(EndToEndBackupTest, CopiesAndChecksBesideAnIndexer) {
  Process indexer(
      {Program("vitrine-indexer"), "--catalog=" + catalogue_.string(),
       "--index=" + index_.string(), "--keep-generations=1",
       "--keep-minutes=0"},
      dir_ / "log");
  ASSERT_TRUE(Eventually(
      [&] { return indexer.log().find("watching ") != std::string::npos; },
      kPatience))
      << indexer.log();
  for (int i = 0; i < 5; ++i) {
    testing::WriteAll(catalogue_ / ("new" + std::to_string(i) + ".jpg"),
                      DrawPicture(50 + i, 9, 30 * i, 7));
    Output output = Backup();
    EXPECT_EQ(output.status, 0) << output.err;
    output = Verify(index_);
    EXPECT_EQ(output.status, 0) << output.err;
    output = Verify(backup_);
    EXPECT_EQ(output.status, 0) << output.err;
  }
  indexer.Signal(SIGTERM);
  EXPECT_EQ(indexer.Wait(kPatience), 0) << indexer.log();
}

TEST_F(EndToEndBackupTest, NamesEachFileThatIsDamagedAndTheRemedy) {
  ASSERT_EQ(Index(index_).status, 0);
  Output output = Verify(index_);
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_THAT(output.err, HasSubstr("all of it is sound"));
  const IndexPaths paths{index_};
  ASSERT_OK_AND_ASSIGN(const auto generations, ListGenerations(paths));
  ASSERT_OK_AND_ASSIGN(const auto manifest,
                       ReadManifest(paths, generations.back()));
  for (const IndexFile& file : IndexFilesOf(manifest)) {
    const fs::path path = index_ / file.path;
    Damage(path);
    output = Verify(index_);
    EXPECT_EQ(output.status, 1);
    EXPECT_THAT(output.err, HasSubstr("damaged: " + path.string()));
    EXPECT_THAT(output.err, HasSubstr("1 file of"));
    EXPECT_THAT(output.err, HasSubstr("--repair"));
    output = Backup();
    EXPECT_EQ(output.status, 1);
    EXPECT_THAT(output.err, HasSubstr(path.string()));
    Damage(path);
  }
  EXPECT_EQ(Verify(index_).status, 0);
}

TEST_F(EndToEndBackupTest, SaysWhatIsMissing) {
  EXPECT_EQ(RunToEnd({Program("vitrine-indexer"), "--verify"}).status, 2);
  Output output = Verify(dir_ / "nothing");
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, HasSubstr("there is no index in"));
  output = Backup();
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, HasSubstr("there is no index in"));
  EXPECT_FALSE(fs::exists(backup_));
}

}  // namespace
}  // namespace vitrine
