#include "common/flags/command_line.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"

// Flags of a daemon, which stand in its main.cc.
ABSL_FLAG(std::string, on_delete, "remove", "What happens to what is gone.");
ABSL_FLAG(int32_t, batch, 0, "Photos at a time.");
ABSL_FLAG(bool, once, false, "Do it once.");

namespace vitrine {
namespace {

class CommandLine : public ::testing::Test {
 protected:
  absl::Status Parse(const std::vector<std::string>& arguments) {
    return ParseFlags(arguments, &help_, &version_);
  }
  std::string Error(const std::vector<std::string>& arguments) {
    const absl::Status status = Parse(arguments);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  }

  absl::FlagSaver saver_;
  bool help_ = false;
  bool version_ = false;
};

TEST_F(CommandLine, TakesDashesAndUnderscores) {
  ASSERT_TRUE(Parse({"--on-delete=keep", "--batch", "8", "--once"}).ok());
  EXPECT_EQ(absl::GetFlag(FLAGS_on_delete), "keep");
  EXPECT_EQ(absl::GetFlag(FLAGS_batch), 8);
  EXPECT_TRUE(absl::GetFlag(FLAGS_once));
  ASSERT_TRUE(Parse({"--on_delete=remove", "--no-once"}).ok());
  EXPECT_EQ(absl::GetFlag(FLAGS_on_delete), "remove");
  EXPECT_FALSE(absl::GetFlag(FLAGS_once));
  ASSERT_TRUE(Parse({"--once=true", "--on-delete="}).ok());
  EXPECT_TRUE(absl::GetFlag(FLAGS_once));
  EXPECT_EQ(absl::GetFlag(FLAGS_on_delete), "");
}

TEST_F(CommandLine, NamesTheRightFlag) {
  EXPECT_EQ(Error({"--on-deletion=keep"}),
            "there is no flag --on-deletion; did you mean --on-delete?");
  EXPECT_EQ(Error({"--colour"}), "there is no flag --colour; see --help");
  EXPECT_EQ(Error({"--no-batch=1"}),
            "there is no flag --no-batch; did you "
            "mean --batch?");
}

TEST_F(CommandLine, RefusesWhatItDoesNotUnderstand) {
  EXPECT_NE(Error({"--batch=many"}).find("--batch=many"), std::string::npos);
  EXPECT_NE(Error({"--batch"}).find("needs a value"), std::string::npos);
  EXPECT_NE(Error({"catalog"}).find("\"catalog\" is no flag"),
            std::string::npos);
  EXPECT_NE(Error({"-x"}).find("\"-x\" is no flag"), std::string::npos);
}

TEST_F(CommandLine, HelpsWithOwnFlagsAlone) {
  ASSERT_TRUE(Parse({"-h"}).ok());
  EXPECT_TRUE(help_);
  ASSERT_TRUE(Parse({"--version"}).ok());
  EXPECT_TRUE(version_);
  EXPECT_FALSE(help_);
  const std::string help = FlagsHelp("usage");
  EXPECT_EQ(help.find("usage"), 0u);
  EXPECT_NE(help.find("--on-delete=remove\n      What happens"),
            std::string::npos)
      << help;
  EXPECT_EQ(help.find("--flagfile"), std::string::npos);
}

}  // namespace
}  // namespace vitrine
