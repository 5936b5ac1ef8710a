#include "common/index/index_check.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "common/index/index_files.h"
#include "tests/test_util/corrupt.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/whole_index.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class IndexCheckTest : public ::testing::Test {
 protected:
  IndexCheckTest() { index_.Grow(); }

  absl::StatusOr<IndexCheck> Check() {
    return CheckIndex(index_.paths(), {}, {});
  }

  TempDir dir_;
  WholeIndex index_{dir_ / "index"};
};

TEST_F(IndexCheckTest, FindsNothingInASoundIndex) {
  uint64_t last = 0;
  ASSERT_OK_AND_ASSIGN(const IndexCheck check,
                       CheckIndex(index_.paths(),
                                  [&last](uint64_t done, uint64_t total) {
                                    EXPECT_LE(last, done);
                                    EXPECT_LE(done, total);
                                    last = done;
                                  },
                                  {}));
  EXPECT_EQ(check.generation, 2u);
  EXPECT_EQ(check.generations, 2u);
  EXPECT_EQ(check.files, IndexFilesOf(index_.manifest()).size());
  EXPECT_EQ(check.bytes, last);
  EXPECT_THAT(check.findings, ElementsAre());
}

TEST_F(IndexCheckTest, NamesEachDamagedFileOfEveryKind) {
  const auto files = IndexFilesOf(index_.manifest());
  for (const IndexFile& file : files) {
    const fs::path path = index_.paths().root / file.path;
    Damage(path);
    ASSERT_OK_AND_ASSIGN(const IndexCheck check, Check());
    EXPECT_THAT(check.findings, ElementsAre(HasSubstr(path.string())));
    Damage(path);
  }
  for (const IndexFile& file : files) {
    fs::remove(index_.paths().root / file.path);
  }
  ASSERT_OK_AND_ASSIGN(const IndexCheck check, Check());
  EXPECT_EQ(check.findings.size(), files.size());
}

TEST_F(IndexCheckTest, NamesAManifestThatCannotBeRead) {
  Damage(index_.paths().manifest(1));
  ASSERT_OK_AND_ASSIGN(IndexCheck check, Check());
  EXPECT_EQ(check.generation, 2u);
  EXPECT_THAT(check.findings, ElementsAre(HasSubstr("000001.pb is damaged")));
  Damage(index_.paths().manifest(2));
  ASSERT_OK_AND_ASSIGN(check, Check());
  EXPECT_EQ(check.generation, 0u);
  EXPECT_EQ(check.findings.size(), 2u);
}

TEST_F(IndexCheckTest, LeavesAGenerationThatExpiresForTheNewest) {
  bool grown = false;
  ASSERT_OK_AND_ASSIGN(
      const IndexCheck check,
      CheckIndex(index_.paths(),
                 [&](uint64_t, uint64_t) {
                   if (std::exchange(grown, true)) return;
                   const auto old = IndexFilesOf(index_.manifest());
                   index_.Grow();
                   std::set<std::string> named;
                   for (const IndexFile& file :
                        IndexFilesOf(index_.manifest())) {
                     named.insert(file.path);
                   }
                   fs::remove(index_.paths().manifest(2));
                   for (const IndexFile& file : old) {
                     if (!named.contains(file.path)) {
                       fs::remove(index_.paths().root / file.path);
                     }
                   }
                 },
                 {}));
  EXPECT_EQ(check.generation, 3u);
  EXPECT_THAT(check.findings, ElementsAre());
}

TEST_F(IndexCheckTest, StopsWhenItIsAskedTo) {
  EXPECT_STATUS(CheckIndex(index_.paths(), {}, [] { return true; }),
                absl::StatusCode::kCancelled, "stopped");
}

TEST_F(IndexCheckTest, SaysWhereThereIsNoIndex) {
  EXPECT_STATUS(CheckIndex({dir_ / "nothing"}, {}, {}),
                absl::StatusCode::kNotFound, (dir_ / "nothing").string());
}

}  // namespace
}  // namespace vitrine
