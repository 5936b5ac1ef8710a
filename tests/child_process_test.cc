#include "benchmarks/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>

namespace vitrine {
namespace {

std::unique_ptr<ChildProcess> Shell(const std::string& script) {
  auto process = ChildProcess::Start({"/bin/sh", "-c", script});
  EXPECT_TRUE(process.ok()) << process.status();
  return *std::move(process);
}

TEST(ChildProcess, AnswersWhatItIsTold) {
  const auto shell = Shell("while read -r word; do echo \"heard $word\"; done");
  for (const std::string word : {"one", "two"}) {
    ASSERT_TRUE(shell->Write(word + "\n").ok());
    EXPECT_EQ(*shell->ReadLine(), "heard " + word);
  }
}

TEST(ChildProcess, GivesLinesAndBytesInTheirOrder) {
  const auto shell = Shell("printf 'line\\nabcd\\nrest\\n'");
  EXPECT_EQ(*shell->ReadLine(), "line");
  char bytes[5];
  ASSERT_TRUE(shell->ReadBytes(bytes, sizeof bytes).ok());
  EXPECT_EQ(std::string(bytes, sizeof bytes), "abcd\n");
  EXPECT_EQ(*shell->ReadLine(), "rest");
}

TEST(ChildProcess, SaysThatItHasEnded) {
  const auto shell = Shell("exit 3");
  EXPECT_TRUE(absl::IsFailedPrecondition(shell->ReadLine().status()));
  char byte;
  EXPECT_TRUE(absl::IsFailedPrecondition(shell->ReadBytes(&byte, 1)));
}

TEST(ChildProcess, NamesAProgramThatIsNotThere) {
  const absl::Status status = ChildProcess::Start({"/no/such"}).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("/no/such"));
}

TEST(ChildProcess, IsGoneWithItsOwner) {
  pid_t pid = 0;
  {
    const auto shell = Shell("trap '' TERM; echo ready; read -r go");
    EXPECT_EQ(*shell->ReadLine(), "ready");
    pid = shell->pid();
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(ChildProcess, TellsHowItFinished) {
  const auto shell = Shell("read -r all; read -r more || exit \"$all\"");
  ASSERT_TRUE(shell->Write("0\n").ok());
  EXPECT_TRUE(shell->Finish().ok());
  const auto failing = Shell("read -r all; read -r more || exit \"$all\"");
  ASSERT_TRUE(failing->Write("3\n").ok());
  EXPECT_TRUE(absl::IsInternal(failing->Finish()));
}

TEST(ChildProcess, EndsWhenItIsStopped) {
  const auto shell = Shell(
      "trap 'echo told; exit' TERM; echo ready; while :; do read -r go; done");
  EXPECT_EQ(*shell->ReadLine(), "ready");
  shell->Stop();
  EXPECT_EQ(*shell->ReadLine(), "told");
}

}  // namespace
}  // namespace vitrine
