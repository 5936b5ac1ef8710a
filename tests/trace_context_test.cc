#include "server/trace_context.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kSpan = "00f067aa0ba902b7";

TEST(TraceContext, TakesTheIdsOfAHeader) {
  for (const std::string& header :
       {"00-" + kTrace + "-" + kSpan + "-01",
        "00-" + kTrace + "-" + kSpan + "-ff",
        // Versions to come: of the same form, or with more behind it.
        "01-" + kTrace + "-" + kSpan + "-00",
        "fe-" + kTrace + "-" + kSpan + "-00-what the future brings"}) {
    const auto context = ParseTraceparent(header);
    ASSERT_TRUE(context) << header;
    EXPECT_EQ(context->trace_id, kTrace);
    EXPECT_EQ(context->span_id, kSpan);
  }
}

TEST(TraceContext, TakesNothingOfWhatIsNotRight) {
  for (const std::string& header :
       {std::string(), std::string("00"), "00-" + kTrace + "-" + kSpan,
        "00-" + kTrace + "-" + kSpan + "-1",
        // There is no version ff, and version 00 has nothing behind its flags.
        "ff-" + kTrace + "-" + kSpan + "-01",
        "00-" + kTrace + "-" + kSpan + "-01-",
        "00-" + kTrace + "-" + kSpan + "-01 ",
        "01-" + kTrace + "-" + kSpan + "-01.more",
        "0-" + kTrace + "-" + kSpan + "-011",
        " 00-" + kTrace + "-" + kSpan + "-01",
        "0G-" + kTrace + "-" + kSpan + "-01",
        "00_" + kTrace + "-" + kSpan + "-01",
        "00-" + kTrace + "_" + kSpan + "-01",
        "00-" + kTrace + "-" + kSpan + "_01",
        "00-" + kTrace + "-" + kSpan + "-0x",
        "00-" + std::string(32, '0') + "-" + kSpan + "-01",
        "00-" + kTrace + "-" + std::string(16, '0') + "-01",
        "00-" + kTrace.substr(1) + "-" + kSpan + "0-01",
        // Capital digits, and what would end a line.
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + kSpan + "-01",
        "00-" + kTrace.substr(0, 31) + "\n-" + kSpan + "-01"}) {
    EXPECT_FALSE(ParseTraceparent(header)) << header;
  }
}

}  // namespace
}  // namespace vitrine
