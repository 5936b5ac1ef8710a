// The cache of a server whose disk is full, and one that is ended at each call
// that changes a file: what it holds is a whole generation.
#include <google/protobuf/util/message_differencer.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/faulty_files.h"
#include "tests/index_cache_fixture.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using google::protobuf::util::MessageDifferencer;
using testing::FileFault;

class BrokenCache : public IndexCacheFixture {
 protected:
  ~BrokenCache() override { testing::MendFiles(); }
};

TEST_F(BrokenCache, KeepsWhatItHasWhereTheDiskIsFull) {
  ASSERT_OK(Update());
  const storage::Manifest served = index_->manifest();
  index_->Grow();
  FileFault full;
  full.free_bytes = 1000;
  testing::BreakFiles(folder_, full);
  const absl::Status status = Update(&served);
  EXPECT_STATUS(status, absl::StatusCode::kResourceExhausted,
                "No space left on device");
  EXPECT_STATUS(status, absl::StatusCode::kResourceExhausted, folder_.string());
  EXPECT_EQ(Opened(), 1u);
  testing::MendFiles();
  UpdateUntilOk(&served);
  ExpectHolds({served, index_->manifest()});
}

// At each call that changes a file: the process is killed, and the power cut.
class EndedCache : public BrokenCache {
 protected:
  // `next` is what the source has, beside `served`, which the cache has.
  void EndEverywhere(const storage::Manifest& served,
                     const storage::Manifest& next) {
    cache_.reset();
    const fs::path before = dir_ / "before";
    fs::copy(folder_, before, fs::copy_options::recursive);
    auto restore = [&] {
      fs::remove_all(folder_);
      fs::copy(before, folder_, fs::copy_options::recursive);
    };
    auto run = [&] {
      auto cache = IndexCache::Open(index_->paths(), folder_, {});
      return cache.ok() && (*cache)->Update(&served, false, {}).ok() &&
             (*cache)->Keep(next).ok();
    };
    testing::BreakFiles(folder_);
    ASSERT_TRUE(run());
    const auto calls = testing::FileCalls();
    testing::MendFiles();
    int ends = 0;
    int served_next = 0;
    for (const auto& [point, count] : calls) {
      for (int nth = 0; nth < count; ++nth) {
        for (const int how : {FileFault::kKill, FileFault::kPowerCut}) {
          SCOPED_TRACE(point + " " + std::to_string(nth));
          restore();
          const pid_t pid = ::fork();
          ASSERT_GE(pid, 0);
          if (pid == 0) {
            FileFault fault;
            fault.point = point;
            fault.nth = nth;
            fault.error = how;
            testing::BreakFiles(folder_, fault);
            ::_exit(run() ? 0 : 1);
          }
          int status = 0;
          ASSERT_EQ(::waitpid(pid, &status, 0), pid);
          ASSERT_TRUE(WIFSIGNALED(status));
          ++ends;
          // A start takes no look at the source before it opens this.
          Open();
          cache_.reset();
          const uint64_t opened = Opened();
          const auto found = ReadManifest({folder_}, opened);
          const bool is_next =
              found.ok() && MessageDifferencer::Equals(*found, next);
          EXPECT_TRUE(is_next || opened == served.generation()) << opened;
          ExpectSound(is_next ? next : served);
          served_next += is_next;
          EXPECT_TRUE(run());
          ExpectHolds({next});
        }
      }
    }
    RecordProperty("ends", ends);
    EXPECT_GT(ends, 40);
    EXPECT_GT(served_next, 0);
    EXPECT_LT(served_next, ends);
  }
};

TEST_F(EndedCache, HoldsAWholeGenerationWhereverItIsEnded) {
  ASSERT_OK(Update());
  const storage::Manifest served = index_->manifest();
  index_->Grow();
  EndEverywhere(served, index_->manifest());
}

TEST_F(EndedCache, HoldsOneOfTwoIndexesWhereverItIsEnded) {
  index_->Grow();
  ASSERT_OK(Update());
  const storage::Manifest served = index_->manifest();
  BeginAnew("another");
  EndEverywhere(served, index_->manifest());
}

}  // namespace
}  // namespace vitrine
