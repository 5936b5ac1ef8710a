// The real indexer, of which a call that changes files fails or is its last.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <iostream>

#include "tests/faulty_files.h"
#include "tests/index_digest.h"
#include "tests/indexer_world.h"
#include "tests/process.h"

namespace vitrine {
namespace {

using testing::BinDir;
using testing::FileFault;
using ::testing::HasSubstr;
using testing::Output;

constexpr std::chrono::minutes kPatience(2);

class ProgramFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(BinDir() / "vitrine-indexer")) {
      GTEST_SKIP() << "there is no vitrine-indexer in " << BinDir();
    }
    std::filesystem::create_directories(dir_ / "catalogue");
    for (int i = 0; i < 5; ++i) {
      testing::WriteAll(dir_ / "catalogue" / ("p" + std::to_string(i) + ".jpg"),
                        testing::JpegOf(i, 100));
    }
  }

  Output Run(const std::string& index, const FileFault* fault) const {
    std::vector<std::string> argv;
    if (fault != nullptr) argv = fault->Preloaded(dir_ / index);
    for (const std::string& argument :
         {(BinDir() / "vitrine-indexer").string(),
          "--catalog=" + (dir_ / "catalogue").string(),
          "--index=" + (dir_ / index).string(), std::string("--once"),
          std::string("--publish-rows=2"), std::string("--graph-rows=4")}) {
      argv.push_back(argument);
    }
    return testing::RunToEnd(argv, kPatience);
  }

  testing::TempDir dir_;
};

TEST_F(ProgramFaults, SaysWhatFailedAndGoesOnInTheNextRun) {
  const Output calm = Run("calm", nullptr);
  ASSERT_EQ(calm.status, 0) << calm.err;
  const auto expected = testing::DigestOf({dir_ / "calm"}, false);
  // All but what follows on the copy of the model.
  int64_t free_bytes = 15'000;
  for (const auto& model :
       std::filesystem::directory_iterator(dir_ / "calm/models")) {
    free_bytes += static_cast<int64_t>(model.file_size());
  }
  const std::vector<FileFault> faults = {
      {.point = "sync manifests", .nth = 1, .error = EIO},
      {.point = "write receipts.jsonl", .error = ENOSPC, .lasts = true},
      {.point = "sync-folder manifests",
       .nth = 2,
       .error = FileFault::kPowerCut},
      {.point = "none: the disk is full", .free_bytes = free_bytes},
  };
  for (size_t i = 0; i < faults.size(); ++i) {
    const FileFault& fault = faults[i];
    SCOPED_TRACE(fault.point + ": " + std::to_string(fault.error));
    const std::string index = "index" + std::to_string(i);
    const Output broken = Run(index, &fault);
    if (fault.error < 0) {
      EXPECT_EQ(broken.status, 128 + SIGKILL) << broken.err;
    } else {
      EXPECT_EQ(broken.status, 1) << broken.err;
      const int error = fault.free_bytes == INT64_MAX ? fault.error : ENOSPC;
      EXPECT_THAT(broken.err, HasSubstr(std::strerror(error)));
      EXPECT_THAT(broken.err, HasSubstr((dir_ / index).string() + "/"));
      std::cout << broken.err;
    }
    const Output again = Run(index, nullptr);
    ASSERT_EQ(again.status, 0) << broken.err << again.err;
    EXPECT_EQ(testing::DigestOf({dir_ / index}, false), expected) << again.err;
    std::set<std::string> told;
    std::istringstream lines(
        testing::ReadAll(IndexPaths{dir_ / index}.receipts()));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_TRUE(told.insert(nlohmann::json::parse(line)["path"]).second)
          << line;
    }
    EXPECT_EQ(told.size(), 5u);
  }
}

}  // namespace
}  // namespace vitrine
