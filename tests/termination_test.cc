#include "common/base/termination.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace vitrine {
namespace {

TEST(Termination, IsHandedOverWhicheverThreadItReaches) {
  // One that blocks nothing, as those that libraries start before main.
  std::thread library([] {
    while (true) ::pause();
  });
  const pthread_t library_thread = library.native_handle();
  library.detach();
  CatchTermination();
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(AwaitTermination(), SIGTERM);
  ::kill(::getpid(), SIGINT);
  EXPECT_EQ(AwaitTermination(), SIGINT);
  // To see that a signal which another thread takes ends in the same pipe.
  // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread)
  ::pthread_kill(library_thread, SIGTERM);
  EXPECT_EQ(AwaitTermination(), SIGTERM);
}

}  // namespace
}  // namespace vitrine
