#include "indexer/sources/settled_files.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kNow = 1'700'000'000'000 * kMs;

using Paths = std::vector<std::string>;

TEST(SettledFiles, AnOldFileIsSettledAtOnce) {
  SettledFiles files;
  EXPECT_TRUE(files.Look("a", 1, kNow - 300 * kMs, kNow));
  EXPECT_EQ(files.waiting(), 0u);
  EXPECT_EQ(files.NextDueUnixNs(), std::nullopt);
}

TEST(SettledFiles, AFreshFileWaitsUntilItIsQuiet) {
  SettledFiles files;
  EXPECT_FALSE(files.Look("a", 1, kNow - 100 * kMs, kNow));
  EXPECT_EQ(files.NextDueUnixNs(), kNow + 200 * kMs);
  EXPECT_EQ(files.Due(kNow + 199 * kMs), Paths{});
  EXPECT_EQ(files.Due(kNow + 200 * kMs), Paths{"a"});
  EXPECT_TRUE(files.Look("a", 1, kNow - 100 * kMs, kNow + 200 * kMs));
}

TEST(SettledFiles, AGrowingFileKeepsWaiting) {
  SettledFiles files;
  int64_t now = kNow;
  for (int i = 1; i < 50; ++i, now += 200 * kMs) {
    EXPECT_FALSE(files.Look("a", i, now - 10 * kMs, now));
  }
  EXPECT_TRUE(files.Look("a", 49, now - 210 * kMs, now + 90 * kMs));
}

TEST(SettledFiles, AClockThatIsAheadIsOvercomeByLookingTwice) {
  SettledFiles files;
  const int64_t future = kNow + 3'600'000 * kMs;
  EXPECT_FALSE(files.Look("a", 1, future, kNow));
  EXPECT_EQ(files.NextDueUnixNs(), kNow + 300 * kMs);
  EXPECT_FALSE(files.Look("a", 1, future, kNow + 299 * kMs));
  EXPECT_TRUE(files.Look("a", 1, future, kNow + 300 * kMs));
}

TEST(SettledFiles, AClockThatIsSetBackOnlyDelays) {
  SettledFiles files;
  EXPECT_FALSE(files.Look("a", 1, kNow, kNow));
  const int64_t back = kNow - 3'600'000 * kMs;
  EXPECT_FALSE(files.Look("a", 1, kNow, back));
  EXPECT_TRUE(files.Look("a", 1, kNow, back + 300 * kMs));
}

TEST(SettledFiles, ForgetsWhatWasClosedOrIsGone) {
  SettledFiles files;
  EXPECT_FALSE(files.Look("b", 1, kNow, kNow));
  EXPECT_FALSE(files.Look("a", 1, kNow, kNow));
  EXPECT_EQ(files.Due(kNow + 300 * kMs), (Paths{"a", "b"}));
  files.Forget("a");
  files.Forget("never seen");
  EXPECT_EQ(files.Due(kNow + 300 * kMs), Paths{"b"});
}

}  // namespace
}  // namespace vitrine
