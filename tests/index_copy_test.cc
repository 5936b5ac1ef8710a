#include "clients/cli/index_copy.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <utility>

#include "common/index/index_files.h"
#include "common/index/snapshot.h"
#include "tests/test_util.h"
#include "tests/test_util/corrupt.h"
#include "tests/test_util/receipt_lines.h"
#include "tests/test_util/whole_index.h"

namespace vitrine::cli {
namespace {

namespace fs = std::filesystem;
using google::protobuf::util::MessageDifferencer;
using testing::ReadAll;

class IndexCopyTest : public ::testing::Test {
 protected:
  absl::StatusOr<IndexCopy> Copy(const ByteProgress& progress = {}) {
    return CopyIndex(index_.paths(), to_, progress);
  }

  // The copy is this generation and nothing else, byte for byte.
  void ExpectCopyOf(const storage::Manifest& manifest) {
    std::set<std::string> expected = {"BACKUP"};
    if (fs::exists(index_.paths().receipts())) {
      expected.insert("receipts.jsonl");
    }
    expected.insert(
        fs::relative(to_.manifest(manifest.generation()), to_.root));
    for (const IndexFile& file : IndexFilesOf(manifest)) {
      expected.insert(file.path);
      EXPECT_OK(VerifyIndexFile(to_.root / file.path, file, {}));
    }
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(to_.root)) {
      if (entry.is_regular_file()) {
        found.insert(fs::relative(entry.path(), to_.root));
      }
    }
    EXPECT_EQ(found, expected);
    std::string degraded;
    ASSERT_OK_AND_ASSIGN(const auto snapshot,
                         Snapshot::OpenNewest(to_, nullptr, &degraded));
    EXPECT_EQ(degraded, "");
    EXPECT_TRUE(MessageDifferencer::Equals(snapshot->manifest(), manifest));
  }

  // The generation that whoever opens the copy finds; 0 where none.
  uint64_t OpenedGeneration() {
    std::string degraded;
    const auto snapshot = Snapshot::OpenNewest(to_, nullptr, &degraded);
    EXPECT_EQ(degraded, "");
    if (absl::IsNotFound(snapshot.status())) return 0;
    EXPECT_OK(snapshot);
    return snapshot.ok() ? (*snapshot)->generation() : 0;
  }

  // What retention does with all but the newest generation.
  void Expire() {
    std::set<std::string> named;
    for (const IndexFile& file : IndexFilesOf(index_.manifest())) {
      named.insert(file.path);
    }
    const IndexPaths& from = index_.paths();
    for (uint64_t g = 1; g < index_.manifest().generation(); ++g) {
      fs::remove(from.manifest(g));
    }
    for (const char* folder :
         {"shards", "deletions", "products", "sources", "pictures", "models"}) {
      for (const auto& entry : fs::directory_iterator(from.root / folder)) {
        if (!named.contains(fs::relative(entry.path(), from.root))) {
          fs::remove(entry.path());
        }
      }
    }
  }

  testing::TempDir dir_;
  WholeIndex index_{dir_ / "index"};
  const IndexPaths to_{dir_ / "backup"};
};

TEST_F(IndexCopyTest, CopiesAllThatTheNewestGenerationNames) {
  index_.Grow();
  AppendTo(index_.paths().receipts(), ReceiptLines(0, 2));
  uint64_t last = 0;
  ASSERT_OK_AND_ASSIGN(const IndexCopy copy,
                       Copy([&last](uint64_t done, uint64_t total) {
                         EXPECT_LE(last, done);
                         EXPECT_LE(done, total);
                         last = done;
                       }));
  ExpectCopyOf(index_.manifest());
  EXPECT_EQ(copy.generation, 2u);
  EXPECT_EQ(copy.files, IndexFilesOf(index_.manifest()).size());
  EXPECT_EQ(copy.files_copied, copy.files);
  EXPECT_EQ(copy.bytes_copied, copy.bytes);
  EXPECT_EQ(last, copy.bytes);
  EXPECT_EQ(ReadAll(to_.receipts()), ReceiptLines(0, 2));
}

TEST_F(IndexCopyTest, CopiesOnlyWhatIsMissingAndRemovesWhatIsOld) {
  ASSERT_OK(Copy());
  ASSERT_OK_AND_ASSIGN(IndexCopy copy, Copy());
  EXPECT_EQ(copy.files_copied, 0u);
  ExpectCopyOf(index_.manifest());
  const auto old = IndexFilesOf(index_.manifest());
  index_.Grow();
  ASSERT_OK_AND_ASSIGN(copy, Copy());
  ExpectCopyOf(index_.manifest());
  uint64_t fresh = 0;
  for (const IndexFile& file : IndexFilesOf(index_.manifest())) {
    fresh += std::none_of(old.begin(), old.end(), [&](const IndexFile& o) {
      return o.path == file.path;
    });
  }
  EXPECT_EQ(copy.files_copied, fresh);
  EXPECT_LT(copy.files_copied, copy.files);
}

TEST_F(IndexCopyTest, MendsACopyThatHasRotten) {
  ASSERT_OK(Copy());
  const IndexFile file = IndexFilesOf(index_.manifest())[1];
  fs::resize_file(to_.root / file.path, 100);
  ASSERT_OK_AND_ASSIGN(const IndexCopy copy, Copy());
  EXPECT_EQ(copy.files_copied, 1u);
  ExpectCopyOf(index_.manifest());
}

TEST_F(IndexCopyTest, BeginsAnewWhereTheGenerationExpiresMeanwhile) {
  bool grown = false;
  ASSERT_OK(Copy([&](uint64_t, uint64_t) {
    if (std::exchange(grown, true)) return;
    index_.Grow();
    Expire();
  }));
  EXPECT_TRUE(grown);
  EXPECT_EQ(index_.manifest().generation(), 2u);
  ExpectCopyOf(index_.manifest());
}

TEST_F(IndexCopyTest, CopiesWhatItBeganWithWhileThatIsKept) {
  const storage::Manifest first = index_.manifest();
  bool grown = false;
  ASSERT_OK_AND_ASSIGN(const IndexCopy copy, Copy([&](uint64_t, uint64_t) {
                         if (!std::exchange(grown, true)) index_.Grow();
                       }));
  EXPECT_EQ(copy.generation, 1u);
  ExpectCopyOf(first);
}

TEST_F(IndexCopyTest, GivesUpWhereGenerationsExpireTooFast) {
  EXPECT_STATUS(Copy([&](uint64_t, uint64_t) {
                  index_.Grow();
                  Expire();
                }),
                absl::StatusCode::kAborted, "--keep-minutes");
  EXPECT_EQ(OpenedGeneration(), 0u);
}

// Killed at its n-th step, for each n there is.
TEST_F(IndexCopyTest, LeavesAWholeGenerationWhereverItIsKilled) {
  AppendTo(index_.paths().receipts(), ReceiptLines(0, 2));
  ASSERT_OK(Copy());
  index_.Grow();
  bool ended = false;
  int kills = 0;
  for (; !ended; ++kills) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      int steps = 0;
      const auto copy = Copy([&](uint64_t, uint64_t) {
        if (steps++ == 0) ::raise(SIGKILL);
      });
      ::_exit(copy.ok() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ended = WIFEXITED(status);
    if (ended) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
    }
    EXPECT_EQ(OpenedGeneration(), ended ? 2u : 1u);
    // One more file is there than in the run before.
    if (!ended) {
      const auto files = IndexFilesOf(index_.manifest());
      const auto missing =
          std::find_if(files.begin(), files.end(), [this](const auto& file) {
            return !fs::exists(to_.root / file.path);
          });
      ASSERT_NE(missing, files.end());
      fs::copy_file(index_.paths().root / missing->path,
                    to_.root / missing->path);
    }
  }
  EXPECT_GT(kills, 3);
  ExpectCopyOf(index_.manifest());
}

TEST_F(IndexCopyTest, RemovesWhatAKilledCopyHasLeft) {
  ASSERT_OK(Copy());
  testing::WriteAll(to_.shards() / "shard-9.staging", "half");
  testing::WriteAll(to_.pictures() / "pack-of-a-killed-copy", "whole");
  testing::WriteAll(to_.manifests() / "000009.pb.staging", "half");
  // It stood when the old files were about to be removed.
  index_.Grow();
  ASSERT_OK(Copy());
  ExpectCopyOf(index_.manifest());
}

TEST_F(IndexCopyTest, LeavesOutReceiptsOfWhatIsNotInIt) {
  // Of generations 1 to 3; the index is at 1. The last line is torn.
  AppendTo(index_.paths().receipts(),
           ReceiptLines(0, 1) + "a note\n" + ReceiptLines(1, 3) + "{\"ti");
  ASSERT_OK(Copy());
  EXPECT_EQ(ReadAll(to_.receipts()), ReceiptLines(0, 1));
  index_.Grow();
  ASSERT_OK(Copy());
  EXPECT_EQ(ReadAll(to_.receipts()),
            ReceiptLines(0, 1) + "a note\n" + ReceiptLines(1, 2));
  fs::remove(index_.paths().receipts());
  ASSERT_OK(Copy());
  EXPECT_FALSE(fs::exists(to_.receipts()));
}

TEST_F(IndexCopyTest, FindsTheLastReceiptAmongMany) {
  AppendTo(index_.paths().receipts(), ReceiptLines(0, 30'000));
  ASSERT_OK(Copy());
  EXPECT_EQ(ReadAll(to_.receipts()), ReceiptLines(0, 1));
}

TEST_F(IndexCopyTest, NamesAFileThatIsDamagedOrGone) {
  const IndexFile file = IndexFilesOf(index_.manifest()).back();
  const fs::path path = index_.paths().root / file.path;
  Damage(path);
  EXPECT_STATUS(Copy(), absl::StatusCode::kDataLoss,
                path.string() + " is damaged");
  EXPECT_STATUS(Copy(), absl::StatusCode::kDataLoss, "--repair");
  fs::remove(path);
  EXPECT_STATUS(Copy(), absl::StatusCode::kDataLoss, path.string());
  Damage(index_.paths().manifest(1));
  EXPECT_STATUS(Copy(), absl::StatusCode::kDataLoss, "000001.pb is damaged");
  EXPECT_EQ(OpenedGeneration(), 0u);
}

// Whoever may write to an index gets nothing into a copy that they may not
// read.
TEST_F(IndexCopyTest, FollowsNoLinkAndWaitsForNoPipe) {
  const fs::path receipts = index_.paths().receipts();
  TempDir elsewhere;
  testing::WriteAll(elsewhere.path() / "secret", "secret\n");
  fs::remove(receipts);
  fs::create_symlink(elsewhere.path() / "secret", receipts);
  EXPECT_STATUS(Copy(), absl::StatusCode::kFailedPrecondition,
                receipts.string() + " is a link");
  EXPECT_FALSE(fs::exists(to_.receipts()));
  fs::remove(receipts);
  ASSERT_EQ(::mkfifo(receipts.c_str(), 0600), 0);
  EXPECT_STATUS(Copy(), absl::StatusCode::kFailedPrecondition,
                receipts.string() + " is no regular file");
  fs::remove(receipts);
  EXPECT_OK(Copy());
}

TEST_F(IndexCopyTest, TouchesNoFolderThatIsNoCopy) {
  fs::create_directory(to_.root);
  testing::WriteAll(to_.root / "thesis.txt", "years of work");
  EXPECT_STATUS(Copy(), absl::StatusCode::kFailedPrecondition,
                "it has thesis.txt");
  EXPECT_STATUS(CopyIndex(index_.paths(), index_.paths(), {}),
                absl::StatusCode::kInvalidArgument, "is the index itself");
  EXPECT_STATUS(CopyIndex({dir_ / "nothing"}, {dir_ / "new"}, {}),
                absl::StatusCode::kNotFound, "there is no index in");
  EXPECT_FALSE(fs::exists(dir_ / "new"));
}

TEST_F(IndexCopyTest, TouchesNoCopyThatHasBecomeAnIndex) {
  ASSERT_OK(Copy());
  testing::WriteAll(to_.lock(), "");
  EXPECT_STATUS(Copy(), absl::StatusCode::kFailedPrecondition,
                "an indexer has written to");
}

TEST_F(IndexCopyTest, TouchesNoCopyOfAnotherIndex) {
  index_.Grow();
  ASSERT_OK(Copy());
  WholeIndex other(dir_ / "other", /*seed=*/1000);
  EXPECT_STATUS(CopyIndex(other.paths(), to_, {}),
                absl::StatusCode::kFailedPrecondition,
                "has generation 2, and the index has generation 1");
  other.Grow();
  other.Grow();
  EXPECT_STATUS(CopyIndex(other.paths(), to_, {}),
                absl::StatusCode::kFailedPrecondition, "has another ");
  ExpectCopyOf(index_.manifest());
}

TEST_F(IndexCopyTest, TouchesNoCopyOfAnIndexWithAnotherId) {
  index_.manifest().set_index_id("one");
  index_.Grow();
  ASSERT_OK(Copy());
  // As if begun anew: newer, with files of other names.
  index_.manifest().set_index_id("another");
  index_.Grow();
  EXPECT_STATUS(Copy(), absl::StatusCode::kFailedPrecondition, "has index one");
}

TEST_F(IndexCopyTest, OneCopyAtATime) {
  EXPECT_STATUS(
      [&] {
        absl::Status second;
        Copy([&](uint64_t, uint64_t) {
          second = Copy().status();
        }).IgnoreError();
        return second;
      }(),
      absl::StatusCode::kFailedPrecondition, "is under way");
}

}  // namespace
}  // namespace vitrine::cli
