#include "common/base/write_pace.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "common/base/file.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

// Seconds that a file of 3 MB takes to be appended.
double AppendThreeMegabytes() {
  TempDir dir;
  const auto begin = std::chrono::steady_clock::now();
  auto file = StagingFile::Create(dir.path() / "file");
  EXPECT_OK(file.status());
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 3; ++i) EXPECT_OK((*file)->Append(piece));
  EXPECT_OK((*file)->Publish());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

TEST(LimitedThreadWrites, AreNoFasterThanTheLimit) {
  const LimitedThreadWrites limited(30 << 20, {});
  // A sleep may only be too long.
  EXPECT_GE(AppendThreeMegabytes(), 0.099);
}

// At a limit of one byte a second, all but the limited thread would take a
// month.
TEST(LimitedThreadWrites, AreThoseOfOneThread) {
  const LimitedThreadWrites limited(1, {});
  std::thread other([] { AppendThreeMegabytes(); });
  other.join();
}

TEST(LimitedThreadWrites, EndWithTheirScope) {
  { const LimitedThreadWrites limited(1, {}); }
  AppendThreeMegabytes();
  const LimitedThreadWrites unlimited(0, {});
  AppendThreeMegabytes();
}

TEST(LimitedThreadWrites, GoOnAtOnceWhenTheyAreToStop) {
  int asked = 0;
  const LimitedThreadWrites limited(1, [&asked] { return ++asked > 3; });
  AppendThreeMegabytes();
  EXPECT_GT(asked, 3);
}

}  // namespace
}  // namespace vitrine
