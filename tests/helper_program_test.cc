#include "clients/cli/helper_program.h"

#include <gtest/gtest.h>

#include "tests/test_util.h"

namespace vitrine::cli {
namespace {

TEST(RunProgram, HandsOverTheInput) {
  testing::TempDir dir;
  std::string out = (dir / "out").string();
  std::string input(1 << 20, 'x');  // More than a pipe holds.
  absl::Status status = RunProgram("/bin/sh", {"-c", "cat > " + out}, input);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(testing::ReadAll(out), input);
}

TEST(RunProgram, SurvivesAProgramThatReadsNothing) {
  absl::Status status =
      RunProgram("/bin/sh", {"-c", "exit 3"}, std::string(1 << 20, 'x'));
  EXPECT_EQ(status.message(), "sh failed with exit status 3");
}

TEST(RunProgram, NamesTheSignal) {
  absl::Status status = RunProgram("/bin/sh", {"-c", "kill -9 $$"}, "");
  EXPECT_EQ(status.message(), "sh was ended by signal 9 (Killed)");
}

TEST(RunProgram, NamesAProgramThatIsNotThere) {
  absl::Status status = RunProgram("/nonexistent/vitrine-pictures", {}, "");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(std::string(status.message()).find("/nonexistent/vitrine-pictures"),
            std::string::npos);
}

TEST(AskProgram, ReturnsWhatItWrites) {
  // More than both pipes hold.
  const std::string input(1 << 20, 'x');
  const auto output =
      AskProgram("/bin/sh", {"-c", "v=$(cat); echo \"$v\""}, input);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(*output, input + "\n");
}

TEST(AskProgram, FailsWithTheProgram) {
  EXPECT_EQ(
      AskProgram("/bin/sh", {"-c", "echo half; exit 3"}, "").status().message(),
      "sh failed with exit status 3");
  EXPECT_EQ(AskProgram("/nonexistent/vitrine-pictures", {}, "").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace vitrine::cli
