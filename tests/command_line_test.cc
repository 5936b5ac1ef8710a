#include "common/flags/command_line.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "tests/test_util.h"

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

TEST_F(CommandLine, TakesFlagsFromAFileInTheirPlace) {
  const testing::TempDir dir;
  const std::string file = (dir.path() / "flags").string();
  testing::WriteAll(file,
                    "# How the shop indexes.\n\n--on-delete=keep it \n"
                    "  --once\r\n--batch=8\n");
  ASSERT_TRUE(Parse({"--batch=2", "--flagfile=" + file}).ok());
  EXPECT_EQ(absl::GetFlag(FLAGS_on_delete), "keep it");
  EXPECT_TRUE(absl::GetFlag(FLAGS_once));
  EXPECT_EQ(absl::GetFlag(FLAGS_batch), 8);
  ASSERT_TRUE(Parse({"--flagfile", file, "--batch=2"}).ok());
  EXPECT_EQ(absl::GetFlag(FLAGS_batch), 2);
}

TEST_F(CommandLine, NamesFileAndLineOfWhatIsWrong) {
  const testing::TempDir dir;
  const std::string file = (dir.path() / "flags").string();
  const std::pair<std::string, std::string> wrong[] = {
      {"--once\n--on-deletion=keep\n",
       ":2: there is no flag --on-deletion; did you mean --on-delete?"},
      {"--batch", ":1: --batch needs a value; see --help"},
      {"batch=2", ":1: \"batch=2\" is no flag; see --help"},
      {"--batch 2",
       ":1: \"--batch 2\" has a blank in a flag's name; write "
       "--name=value, and notes on lines of their own"},
      {"--flagfile=" + file, ":1: a flag file names no other one"}};
  for (const auto& [text, message] : wrong) {
    testing::WriteAll(file, text);
    EXPECT_EQ(Error({"--flagfile=" + file}), file + message);
  }
  EXPECT_NE(Error({"--flagfile=/no/such"}).find("/no/such"), std::string::npos);
  EXPECT_EQ(Error({"--flagfile"}), "--flagfile needs a value; see --help");
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
  EXPECT_EQ(help.find("--tryfromenv"), std::string::npos);
}

TEST_F(CommandLine, HelpsInGroupsAndForgetsNoFlag) {
  const std::vector<FlagGroup> groups = {{"Catalogue", {"on-delete", "none"}},
                                         {"Work", {"once"}}};
  EXPECT_EQ(FlagsHelp("usage", groups),
            "usage\n\nCatalogue:\n"
            "  --on-delete=remove\n      What happens to what is gone.\n\n"
            "Work:\n  --once\n      Do it once.\n\n"
            "Other flags:\n  --batch=0\n      Photos at a time.\n"
            "  --flagfile=…\n      A file of such flags, --name=value, one a "
            "line; lines that\n      begin with # are notes. The last of two "
            "flags wins.\n  --help\n  --version\n");
}

TEST_F(CommandLine, NamesTheFlagThatOneDoesNothingWithout) {
  const std::vector<FlagRule> rules = {{"batch", {"on-delete", "once"}}};
  EXPECT_TRUE(CheckFlagRules(rules).ok());
  ASSERT_TRUE(Parse({"--batch=8"}).ok());
  const absl::Status status = CheckFlagRules(rules);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(),
            "--batch does nothing without --on-delete or --once; give that "
            "too, or leave --batch out");
  ASSERT_TRUE(Parse({"--once"}).ok());
  EXPECT_TRUE(CheckFlagRules(rules).ok());
  ASSERT_TRUE(Parse({"--no-once", "--on-delete=keep"}).ok());
  EXPECT_TRUE(CheckFlagRules(rules).ok());
  // What is given as it is by default asks for nothing.
  ASSERT_TRUE(Parse({"--on-delete=remove", "--batch=0"}).ok());
  EXPECT_TRUE(CheckFlagRules(rules).ok());
}

TEST_F(CommandLine, NamesBothFlagsThatContradictEachOther) {
  const std::vector<FlagRule> rules = {{"once", {}, {"batch"}}};
  ASSERT_TRUE(Parse({"--once"}).ok());
  EXPECT_TRUE(CheckFlagRules(rules).ok());
  ASSERT_TRUE(Parse({"--batch=8"}).ok());
  EXPECT_EQ(CheckFlagRules(rules).message(),
            "--once and --batch contradict each other; leave one of them out");
}

}  // namespace
}  // namespace vitrine
