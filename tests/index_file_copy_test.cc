#include "common/index/index_file_copy.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/index/manifest.h"
#include "tests/test_util.h"
#include "tests/test_util/corrupt.h"
#include "tests/test_util/whole_index.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

class IndexFileCopyTest : public ::testing::Test {
 protected:
  IndexFileCopyTest() { EXPECT_OK(MakeIndexFolders(to_)); }

  std::vector<IndexFile> Files() { return IndexFilesOf(index_.manifest()); }
  std::vector<IndexFile> Missing(bool all = false) {
    const auto missing = MissingFiles(to_, Files(), all, {});
    EXPECT_OK(missing);
    return *missing;
  }
  void CopyAll() {
    for (const IndexFile& file : Missing()) {
      ASSERT_OK(CopyIndexFile(index_.paths(), to_, file, {}, {}));
    }
  }

  testing::TempDir dir_;
  WholeIndex index_{dir_ / "index"};
  const IndexPaths to_{dir_ / "copy"};
};

TEST_F(IndexFileCopyTest, CopiesByteForByteAndTellsOfEachPiece) {
  EXPECT_EQ(Missing().size(), Files().size());
  uint64_t told = 0;
  for (const IndexFile& file : Missing()) {
    ASSERT_OK(CopyIndexFile(index_.paths(), to_, file,
                            [&](uint64_t bytes) { told += bytes; }, {}));
    EXPECT_EQ(testing::ReadAll(to_.root / file.path),
              testing::ReadAll(index_.paths().root / file.path));
    told -= file.ref.bytes();
  }
  EXPECT_EQ(told, 0u);
  EXPECT_THAT(Missing(), IsEmpty());
}

TEST_F(IndexFileCopyTest, TakesAFileOfAnotherSizeOrChecksumForMissing) {
  CopyAll();
  const std::vector<IndexFile> files = Files();
  fs::resize_file(to_.root / files[0].path, 3);
  // A flipped bit in the middle is for who reads all.
  Damage(to_.root / files[1].path);
  ASSERT_EQ(Missing().size(), 1u);
  EXPECT_FALSE(fs::exists(to_.root / files[0].path));
  EXPECT_EQ(Missing(/*all=*/true).size(), 2u);
  CopyAll();
  EXPECT_THAT(Missing(/*all=*/true), IsEmpty());
}

TEST_F(IndexFileCopyTest, GivesNoNameToWhatIsDamagedOrWasStopped) {
  for (const IndexFile& file : Files()) {
    const fs::path source = index_.paths().root / file.path;
    Damage(source);
    const absl::Status damaged =
        CopyIndexFile(index_.paths(), to_, file, {}, {});
    EXPECT_STATUS(damaged, absl::StatusCode::kDataLoss, source.string());
    EXPECT_STATUS(damaged, absl::StatusCode::kDataLoss, "--repair");
    Damage(source);
    EXPECT_STATUS(
        CopyIndexFile(index_.paths(), to_, file, {}, [] { return true; }),
        absl::StatusCode::kCancelled, "stopped");
    fs::remove(source);
    EXPECT_STATUS(CopyIndexFile(index_.paths(), to_, file, {}, {}),
                  absl::StatusCode::kNotFound, source.string());
    EXPECT_THAT(*ListFolder((to_.root / file.path).parent_path()), IsEmpty());
  }
}

TEST_F(IndexFileCopyTest, CopiesNothingOfAFileOfAnotherSize) {
  for (const IndexFile& file : Files()) {
    const fs::path source = index_.paths().root / file.path;
    for (const uint64_t size : {uint64_t{1} << 32, file.ref.bytes() - 1}) {
      fs::resize_file(source, size);
      const absl::Status status = CopyIndexFile(
          index_.paths(), to_, file,
          [&](uint64_t) { ADD_FAILURE() << file.path << " is copied"; },
          [] { return true; });
      EXPECT_STATUS(status, absl::StatusCode::kDataLoss, source.string());
      EXPECT_STATUS(
          status, absl::StatusCode::kDataLoss,
          absl::StrCat("has ", size, " bytes instead of ", file.ref.bytes()));
      EXPECT_STATUS(status, absl::StatusCode::kDataLoss, "--repair");
      EXPECT_THAT(*ListFolder((to_.root / file.path).parent_path()), IsEmpty());
    }
  }
}

TEST_F(IndexFileCopyTest, LinksACopyWithoutItsBytes) {
  CopyAll();
  const IndexPaths other{dir_ / "other"};
  ASSERT_OK(MakeIndexFolders(other));
  for (const IndexFile& file : Files()) {
    ASSERT_OK(LinkIndexFile(to_, other, file));
    EXPECT_EQ(fs::hard_link_count(other.root / file.path), 2u);
    EXPECT_STATUS(LinkIndexFile(to_, other, file),
                  absl::StatusCode::kAlreadyExists, file.path);
  }
  ASSERT_OK(SyncIndexFolders(other));
  const auto missing = MissingFiles(other, Files(), /*all=*/true, {});
  ASSERT_OK(missing);
  EXPECT_THAT(*missing, IsEmpty());
}

TEST_F(IndexFileCopyTest, RemovesAllButWhatIsKept) {
  const storage::Manifest first = index_.manifest();
  CopyAll();
  ASSERT_OK(PublishManifest(to_, first));
  index_.Grow();
  CopyAll();
  ASSERT_OK(PublishManifest(to_, index_.manifest()));
  testing::WriteAll(to_.shards() / "shard-9.staging", "half");
  ASSERT_OK(RemoveAllBut(to_, std::vector{first, index_.manifest()}));
  EXPECT_FALSE(fs::exists(to_.shards() / "shard-9.staging"));
  EXPECT_THAT(*ListGenerations(to_), ::testing::ElementsAre(1u, 2u));
  ASSERT_OK(RemoveAllBut(to_, std::vector{first}));
  EXPECT_THAT(*ListGenerations(to_), ::testing::ElementsAre(1u));
  for (const IndexFile& file : IndexFilesOf(first)) {
    EXPECT_TRUE(fs::exists(to_.root / file.path)) << file.path;
  }
  EXPECT_FALSE(Missing().empty());
}

TEST_F(IndexFileCopyTest, NamesTheFileThatIsAnotherOne) {
  const std::vector<IndexFile> first = Files();
  index_.Grow();
  EXPECT_EQ(ConflictingFile(first, Files()), "");
  WholeIndex other(dir_ / "other", /*seed=*/5);
  EXPECT_NE(ConflictingFile(first, IndexFilesOf(other.manifest())), "");
}

TEST_F(IndexFileCopyTest, TellsSizesAndRemedyWhereThereIsNoRoom) {
  EXPECT_OK(CheckRoom(to_, 0, "make room"));
  const absl::Status none = CheckRoom(to_, uint64_t{1} << 60, "make room");
  EXPECT_STATUS(none, absl::StatusCode::kResourceExhausted,
                to_.root.string() + " has room for ");
  EXPECT_STATUS(none, absl::StatusCode::kResourceExhausted,
                "and the copy takes 1152921504623.6 MB more; make room");
}

TEST_F(IndexFileCopyTest, AFolderIsOfOneKindAndHasOneOwner) {
  const CopyKind kind = {"cache", "MARK", "what it is", "another has it"};
  const IndexPaths folder{dir_ / "new"};
  {
    ASSERT_OK_AND_ASSIGN(const auto lock, LockCopyFolder(folder, kind));
    EXPECT_EQ(testing::ReadAll(folder.root / "MARK"), "what it is");
    EXPECT_STATUS(LockCopyFolder(folder, kind),
                  absl::StatusCode::kFailedPrecondition, "another has it");
  }
  EXPECT_OK(LockCopyFolder(folder, kind));
  testing::WriteAll(folder.lock(), "");
  EXPECT_STATUS(LockCopyFolder(folder, kind),
                absl::StatusCode::kFailedPrecondition,
                "an indexer has written to");
  const IndexPaths foreign{dir_ / "foreign"};
  fs::create_directory(foreign.root);
  testing::WriteAll(foreign.root / "thesis.txt", "years of work");
  EXPECT_STATUS(LockCopyFolder(foreign, kind),
                absl::StatusCode::kFailedPrecondition,
                "is neither empty nor a cache: it has thesis.txt");
}

}  // namespace
}  // namespace vitrine
