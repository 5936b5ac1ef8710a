#include "clients/cli/progress.h"

#include <gtest/gtest.h>

#include <sstream>

namespace vitrine::cli {
namespace {

TEST(FormatProgress, ShowsRateAndTimeLeft) {
  EXPECT_EQ(FormatProgress(1240, 3890, 2, 4, "queries"),
            "1,240 of 3,890 queries, 310/s, 9 s left, 2 failed");
  EXPECT_EQ(FormatProgress(5, std::nullopt, 0, 2, "queries"),
            "5 queries, 2.5/s");
  EXPECT_EQ(FormatProgress(0, 10, 0, 0, "queries"), "0 of 10 queries");
}

TEST(Progress, ShowsTheLastState) {
  std::ostringstream err;
  { Progress(err, Progress::Mode::kLines, 3, "queries").Update(3, 0); }
  EXPECT_TRUE(err.str().starts_with("3 of 3 queries")) << err.str();
}

TEST(Progress, IsSilentWhenOff) {
  std::ostringstream err;
  { Progress(err, Progress::Mode::kOff, 3, "queries").Update(3, 0); }
  EXPECT_EQ(err.str(), "");
}

}  // namespace
}  // namespace vitrine::cli
