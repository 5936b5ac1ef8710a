#include "clients/cli/text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vitrine::cli {
namespace {

TEST(FormatScore, SaysHundredOfTheSameContentAlone) {
  EXPECT_EQ(FormatScore(1, true), "100 %");
  EXPECT_EQ(FormatScore(0.9985, true), "100 %");
  EXPECT_EQ(FormatScore(1, false), "99.9 %");
  EXPECT_EQ(FormatScore(0.99951, false), "99.9 %");
  EXPECT_EQ(FormatScore(1.0001, false), "99.9 %");
}

TEST(FormatScore, ShowsWhatTheSameContentScoresUnderARegion) {
  EXPECT_EQ(FormatScore(0.87, true), "87.0 %");
}

TEST(FormatScore, StaysInRange) {
  EXPECT_EQ(FormatScore(0.9734, false), "97.3 %");
  EXPECT_EQ(FormatScore(-0.2, false), "0.0 %");
  EXPECT_EQ(FormatScore(std::nan(""), false), "0.0 %");
}

TEST(FormatCount, GroupsThousands) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(3890), "3,890");
  EXPECT_EQ(FormatCount(1234567), "1,234,567");
  EXPECT_EQ(FormatCount(-123456), "-123,456");
}

TEST(FormatSeconds, ReadsAsAClockAboveAMinute) {
  EXPECT_EQ(FormatSeconds(0), "0 s");
  EXPECT_EQ(FormatSeconds(8.2), "9 s");
  EXPECT_EQ(FormatSeconds(95), "1:35");
  EXPECT_EQ(FormatSeconds(4000), "1:06:40");
}

TEST(Printable, LetsNoControlCharacterThrough) {
  EXPECT_EQ(Printable("a\x1b[31mb\nc"), "a\uFFFD[31mb\uFFFDc");
  EXPECT_EQ(Printable("caf\xe9"), "caf\uFFFD");
  EXPECT_EQ(Printable(std::string_view("a\0b", 3)), "a\uFFFDb");
  EXPECT_EQ(Printable("Größe 連衣裙"), "Größe 連衣裙");
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(DisplayWidth("Größe"), 5);
  EXPECT_EQ(DisplayWidth("連衣裙"), 6);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);  // A combining accent.
}

TEST(Shorten, CutsWholeCharacters) {
  EXPECT_EQ(Shorten("dress", 5), "dress");
  EXPECT_EQ(Shorten("a long dress", 8), "a long…");
  EXPECT_EQ(Shorten("連衣裙", 5), "連衣…");
  EXPECT_EQ(Shorten("連衣裙", 4), "連…");
}

TEST(Nearest, FindsSlipsOfTheHandOnly) {
  const std::vector<std::string> names = {"--image", "--thumbnails", "--k"};
  EXPECT_EQ(Nearest("--imgae", names), "--image");
  EXPECT_EQ(Nearest("--thumnails", names), "--thumbnails");
  EXPECT_EQ(Nearest("--thumb", names), "--thumbnails");
  EXPECT_EQ(Nearest("--colour", names), "");
}

TEST(EditDistance, CountsASwapAsOne) {
  EXPECT_EQ(EditDistance("serach", "search"), 1);
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
}

TEST(Table, AlignsByColumnsNotBytes) {
  Table table({"n", "name", "where"}, {true, false, false});
  table.AddRow({"9", "連衣裙", "a"});
  table.AddRow({"10", "dress", "b"});
  EXPECT_EQ(table.ToString(),
            " n  name    where\n"
            " 9  連衣裙  a\n"
            "10  dress   b\n");
}

TEST(Table, LeavesOutEmptyColumns) {
  Table table({"id", "title"}, {false, false});
  table.AddRow({"1", ""});
  EXPECT_EQ(table.ToString("  "), "  id\n  1\n");
}

}  // namespace
}  // namespace vitrine::cli
