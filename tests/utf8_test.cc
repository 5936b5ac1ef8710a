#include "common/base/utf8.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

TEST(Utf8, AcceptsTheBoundsOfEachLength) {
  for (const char* text :
       {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80",
        "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
}

TEST(Utf8, StopsAtTheFirstBadByte) {
  const struct {
    std::string text;
    size_t good;
  } cases[] = {
      {"ab\xFF", 2},            // never a byte of UTF-8
      {"\x80", 0},              // a continuation alone
      {"a\xC3", 1},             // cut
      {"a\xE2\x82", 1},         // cut
      {"\xC0\x80", 0},          // overlong
      {"\xE0\x9F\xBF", 0},      // overlong
      {"\xF0\x8F\xBF\xBF", 0},  // overlong
      {"\xED\xA0\x80", 0},      // surrogate
      {"\xF4\x90\x80\x80", 0},  // past U+10FFFF
      {"\xC3\xA9\xC3(", 2},     // a lead without its continuation
  };
  for (const auto& c : cases) EXPECT_EQ(Utf8PrefixLength(c.text), c.good);
}

TEST(Utf8, ReadsLatin1) {
  EXPECT_EQ(Latin1ToUtf8("Cr\xE8me"), "Crème");
  EXPECT_TRUE(IsUtf8(Latin1ToUtf8("\x80\xFF\xC3\x28")));
}

TEST(Utf8, ExcerptIsShortPrintableAndValid) {
  EXPECT_EQ(Excerpt("short"), "short");
  EXPECT_EQ(Excerpt("a\nb\x01"
                    "c"),
            "a?b?c");
  EXPECT_EQ(Excerpt("x\xFFy"), "x?y");
  EXPECT_EQ(Excerpt("abcdef", 3), "abc...");
  // The cut falls into the "é".
  EXPECT_EQ(Excerpt("ab\xC3\xA9"
                    "d",
                    3),
            "ab...");
}

}  // namespace
}  // namespace vitrine
