#include "indexer/console.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace vitrine {
namespace {

TEST(WithThousands, SeparatesThem) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(1000), "1,000");
  EXPECT_EQ(WithThousands(1234567), "1,234,567");
  EXPECT_EQ(WithThousands(-12345), "-12,345");
}

TEST(FormatDuration, SpeaksInTheUnitThatFits) {
  EXPECT_EQ(FormatDuration(0.4), "0 s");
  EXPECT_EQ(FormatDuration(119), "119 s");
  EXPECT_EQ(FormatDuration(720), "12 min");
  EXPECT_EQ(FormatDuration(12000), "3 h 20 min");
}

TEST(FormatProgress, TellsRateAndTimeLeft) {
  EXPECT_EQ(FormatProgress(1234, 3890, 3, 56.1),
            "1,234 of 3,890 pictures · 56.1/s · 47 s left · 3 refused");
  EXPECT_EQ(FormatProgress(0, 10, 0, 0), "0 of 10 pictures");
}

TEST(Console, ShowsWhatWouldCommandTheTerminal) {
  ::testing::internal::CaptureStderr();
  Console().Line("refused a\nb\x1b[31m.jpg: café");
  const std::string shown = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(shown.find("refused a\\x0ab\\x1b[31m.jpg: café\n"),
            std::string::npos)
      << shown;
}

TEST(Console, SpeaksTheJsonOfALog) {
  ::testing::internal::CaptureStderr();
  {
    Log log({.program = "vitrine-indexer", .format = LogFormat::kJson});
    Console console(&log);
    console.Line("watching photos");
    console.Warn("a merge failed");
    console.EndProgress();
  }
  std::istringstream shown(::testing::internal::GetCapturedStderr());
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(shown, line);) {
    lines.push_back(nlohmann::json::parse(line));
  }
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["program"], "vitrine-indexer");
  EXPECT_EQ(lines[0]["message"], "watching photos");
  EXPECT_EQ(lines[0]["level"], "info");
  EXPECT_EQ(lines[1]["message"], "a merge failed");
  EXPECT_EQ(lines[1]["level"], "warning");
}

TEST(Console, WritesItsOwnTextBesideALogOfText) {
  ::testing::internal::CaptureStderr();
  Log log({.program = "vitrine-indexer"});
  Console(&log).Line("watching photos");
  const std::string shown = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(shown.substr(shown.find(' ')), " watching photos\n");
}

}  // namespace
}  // namespace vitrine
