#include "tests/process.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>

#include "tests/test_util.h"

namespace vitrine::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Process, TellsWhatAProgramWroteAndHowItEnded) {
  const Output output =
      RunToEnd({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(output.status, 3);
  EXPECT_EQ(output.out, "out\n");
  EXPECT_EQ(output.err, "err\n");
}

TEST(Process, KillsWhatTakesTooLong) {
  EXPECT_EQ(RunToEnd({"/bin/sleep", "100"}, milliseconds(50)).status,
            kStillRunning);
}

TEST(Process, TellsTheSignalThatEndedIt) {
  const TempDir dir;
  Process process({"/bin/sleep", "100"}, dir / "log");
  EXPECT_EQ(process.Wait(milliseconds(0)), kStillRunning);
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(seconds(10)), 128 + SIGTERM);
}

TEST(Process, LeavesNothingRunning) {
  const TempDir dir;
  pid_t pid = 0;
  {
    Process process({"/bin/sleep", "100"}, dir / "log");
    pid = process.pid();
    ASSERT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST(Process, SaysThatAProgramIsNotThere) {
  const Output output = RunToEnd({"/no/such/program"});
  EXPECT_EQ(output.status, 127);
  EXPECT_NE(output.err.find("/no/such/program"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::testing
