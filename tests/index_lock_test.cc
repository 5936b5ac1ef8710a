#include "indexer/index_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "tests/test_util.h"

namespace vitrine {
namespace {

using testing::TempDir;

TEST(IndexLock, TellsTheSecondWhoHoldsIt) {
  TempDir dir;
  const IndexPaths paths{dir / "index"};
  const auto first = IndexLock::Acquire(paths);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = IndexLock::Acquire(paths);
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  const std::string message(second.status().message());
  EXPECT_NE(message.find("process " + std::to_string(getpid()) + " on " + host),
            std::string::npos)
      << message;
}

TEST(IndexLock, IsNotTakenInTheCacheOfAServer) {
  TempDir dir;
  const IndexPaths paths{dir / "cache"};
  std::filesystem::create_directory(paths.root);
  testing::WriteAll(paths.root / "CACHE", "");
  const auto lock = IndexLock::Acquire(paths);
  EXPECT_TRUE(absl::IsFailedPrecondition(lock.status())) << lock.status();
  EXPECT_FALSE(std::filesystem::exists(paths.lock()));
}

TEST(IndexLock, IsFreeAgainWhenReleased) {
  TempDir dir;
  const IndexPaths paths{dir / "index"};
  { ASSERT_TRUE(IndexLock::Acquire(paths).ok()); }
  EXPECT_TRUE(IndexLock::Acquire(paths).ok());
}

TEST(IndexLock, IsFreeAgainWhenItsHolderIsKilled) {
  TempDir dir;
  const IndexPaths paths{dir / "index"};
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = IndexLock::Acquire(paths);
    const char locked = lock.ok() ? 'y' : 'n';
    if (write(ready[1], &locked, 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char locked = 'n';
  ASSERT_EQ(read(ready[0], &locked, 1), 1);
  ASSERT_EQ(locked, 'y');
  const auto refused = IndexLock::Acquire(paths);
  EXPECT_NE(std::string(refused.status().message())
                .find("process " + std::to_string(child)),
            std::string::npos)
      << refused.status();
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(IndexLock::Acquire(paths).ok());
  close(ready[0]);
  close(ready[1]);
}

TEST(IndexLock, SaysWhereItCannotWrite) {
  TempDir dir;
  testing::WriteAll(dir / "file", "");
  const auto lock = IndexLock::Acquire(IndexPaths{dir / "file" / "index"});
  ASSERT_FALSE(lock.ok());
  EXPECT_NE(std::string(lock.status().message()).find("file/index"),
            std::string::npos)
      << lock.status();
}

}  // namespace
}  // namespace vitrine
