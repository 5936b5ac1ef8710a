#include "server/scrubber.h"

#include <condition_variable>
#include <mutex>
#include <string>

#include "tests/test_util/corrupt.h"
#include "tests/test_util/index_builder.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/vectors.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;

// After header and counts, which lie alike in every kind of file.
constexpr uint64_t kInARecord = 130;

class ScrubberTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Snapshot> Publish() {
    // Without graphs: of their making, ThreadSanitizer suspects a deadlock.
    EXPECT_OK(builder_.AddShard(DrawRows(200, 1)));
    EXPECT_OK(builder_.AddShard(DrawRows(200, 2)));
    EXPECT_OK(builder_.PutProductsOf(DrawRows(200, 1), "Dress"));
    EXPECT_OK(builder_.AddPictures({{DrawRows(1, 1)[0].sha256, "a jpeg"}}));
    EXPECT_OK(builder_.Publish());
    return Open(nullptr);
  }
  std::shared_ptr<const Snapshot> Open(const Snapshot* previous) {
    auto snapshot = Snapshot::Open(builder_.paths(), builder_.manifest(),
                                   previous, VerifyMode::kBackground);
    EXPECT_OK(snapshot);
    return *snapshot;
  }
  void Log(std::string_view line) {
    const std::lock_guard lock(mutex_);
    last_line_ = line;
    ++lines_;
    changed_.notify_all();
  }
  // The last line, once there are `n`.
  std::string AwaitLine(int n) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(10),
                                  [&] { return lines_ >= n; }));
    return last_line_;
  }

  TempDir dir_;
  IndexBuilder builder_{dir_.path() / "index", TestBlocks()};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string last_line_;
  int lines_ = 0;
  Scrubber scrubber_{[this](std::string_view line) { Log(line); }};
};

TEST_F(ScrubberTest, VerifiesWhatIsSoundOnce) {
  const auto snapshot = Publish();
  EXPECT_FALSE(snapshot->verified());
  scrubber_.Scrub(snapshot);
  EXPECT_THAT(AwaitLine(1), HasSubstr("verified all of generation 1 in "));
  EXPECT_TRUE(snapshot->verified());
  EXPECT_OK(snapshot->CheckFiles());
  // The next generation shares all of it.
  ASSERT_OK(builder_.Publish());
  EXPECT_TRUE(Open(snapshot.get())->verified());
  EXPECT_FALSE(Open(nullptr)->verified());
}

TEST_F(ScrubberTest, TellsOfDamageInEachKindOfFile) {
  Publish();
  const storage::Manifest& manifest = builder_.manifest();
  const IndexPaths& paths = builder_.paths();
  int lines = 0;
  for (const auto& file :
       {paths.shards() / builder_.set().shards(0).file().name(),
        paths.shards() / builder_.set().shards(1).file().name(),
        paths.products() / manifest.product_segments(0).name(),
        paths.pictures() / manifest.picture_packs(0).name()}) {
    FlipBit(file, kInARecord);
    const auto snapshot = Open(nullptr);
    EXPECT_OK(snapshot->CheckFiles());
    scrubber_.Scrub(snapshot);
    const std::string line = AwaitLine(++lines);
    EXPECT_THAT(line, HasSubstr("verifying generation 1: " + file.string()));
    EXPECT_THAT(line, HasSubstr("--repair"));
    EXPECT_FALSE(snapshot->verified());
    EXPECT_STATUS(snapshot->CheckFiles(), absl::StatusCode::kDataLoss,
                  file.string());
    // The damaged part alone is opened anew for the next generation.
    FlipBit(file, kInARecord);
    const auto next = Open(snapshot.get());
    EXPECT_OK(next->CheckFiles());
    int shared = 0;
    for (size_t s = 0; s < 2; ++s) {
      shared += next->shards()[s].shard == snapshot->shards()[s].shard;
    }
    EXPECT_EQ(shared, file.parent_path() == paths.shards() ? 1 : 2);
  }
}

// What was served unverified is no more to be trusted for that.
TEST_F(ScrubberTest, AGenerationThatIsVerifiedTakesNothingOverUnverified) {
  Publish();
  const auto file =
      builder_.paths().shards() / builder_.set().shards(1).file().name();
  FlipBit(file, kInARecord);
  const auto snapshot = Open(nullptr);
  EXPECT_OK(snapshot->CheckFiles());
  EXPECT_STATUS(Snapshot::Open(builder_.paths(), builder_.manifest(),
                               snapshot.get(), VerifyMode::kAlways),
                absl::StatusCode::kDataLoss, file.string());
}

TEST_F(ScrubberTest, StopsInTheMiddleOfAFile) {
  const auto snapshot = Publish();
  int asked = 0;
  EXPECT_STATUS(snapshot->Verify([&] { return ++asked > 3; }),
                absl::StatusCode::kCancelled, "stopped");
  EXPECT_FALSE(snapshot->verified());
  EXPECT_OK(snapshot->CheckFiles());
  EXPECT_OK(snapshot->Verify(/*stop=*/{}));
  EXPECT_TRUE(snapshot->verified());
}

}  // namespace
}  // namespace vitrine
