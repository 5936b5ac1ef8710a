#include "common/catalog/offer_time.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

TEST(ParseOfferTime, ReadsDatesAndDatesWithTimes) {
  // date -u -d 2026-03-01 +%s
  constexpr int64_t kDay = 1'772'323'200'000;
  EXPECT_EQ(ParseOfferTime("2026-03-01"), kDay);
  EXPECT_EQ(ParseOfferTime("2026-03-01T00:00:00Z"), kDay);
  EXPECT_EQ(ParseOfferTime("2026-03-01t09:30:05z"),
            kDay + (9 * 3600 + 30 * 60 + 5) * 1'000);
  EXPECT_EQ(ParseOfferTime("2026-03-01 09:30:00+01:30"), kDay + 8 * 3'600'000);
  EXPECT_EQ(ParseOfferTime("2026-02-28T19:00:00-05:00"), kDay);
  EXPECT_EQ(ParseOfferTime("2026-03-01T00:00:00.5Z"), kDay + 500);
  EXPECT_EQ(ParseOfferTime("2026-03-01T00:00:00.0129999Z"), kDay + 12);
  EXPECT_EQ(ParseOfferTime("2028-02-29"), 1'835'395'200'000);
}

TEST(ParseOfferTime, TellsTheEpochFromNone) {
  EXPECT_EQ(ParseOfferTime("1970-01-01"), -1);
  EXPECT_EQ(ParseOfferTime("1969-12-31"), -86'400'000);
}

TEST(ParseOfferTime, RefusesWhatIsNoTime) {
  for (const char* text : {"",
                           "soon",
                           "2026",
                           "2026-03",
                           "2026-3-1",
                           "2026-02-29",
                           "2026-13-01",
                           "2026-00-10",
                           "2026-03-01T",
                           "2026-03-01T09:30:00",
                           "2026-03-01T09:30Z",
                           "2026-03-01T24:00:00Z",
                           "2026-03-01T09:60:00Z",
                           "2026-03-01T09:30:61Z",
                           "2026-03-01T09:30:00.Z",
                           "2026-03-01T09:30:00+0100",
                           "2026-03-01T09:30:00+24:00",
                           "2026-03-01Z",
                           "2026-03-01T09:30:00Z ",
                           " 2026-03-01",
                           "01.03.2026",
                           "1772323200",
                           "2026-03-01T09:30:00ZZ"}) {
    EXPECT_EQ(ParseOfferTime(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace vitrine
