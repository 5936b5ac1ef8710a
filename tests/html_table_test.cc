#include "clients/eval/html_table.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vitrine::eval {
namespace {

TEST(Escape, LeavesNoMarkup) {
  EXPECT_EQ(Escape("<a href=\"x\"> & é"),
            "&lt;a href=&quot;x&quot;&gt; &amp; é");
}

TEST(IntervalHtml, LeavesOutAnIntervalThatIsNotKnown) {
  EXPECT_EQ(IntervalHtml({0.5, NAN, NAN}), "0.500");
  EXPECT_EQ(IntervalHtml({0.5, 0.25, 0.75}),
            "0.500 <small>0.250–0.750</small>");
  EXPECT_EQ(IntervalHtml({NAN, NAN, NAN}), "–");
}

TEST(HtmlTable, PutsNumbersToTheRight) {
  HtmlTable table({"a<b", "n"}, 1);
  table.Row({"<i>x</i>", "1"}, true);
  EXPECT_EQ(table.Html(),
            "<div class=scroll><table>\n"
            "<tr><th>a&lt;b</th><th class=n>n</th></tr>\n"
            "<tr class=strong><td><i>x</i></td><td class=n>1</td></tr>\n"
            "</table></div>\n");
}

}  // namespace
}  // namespace vitrine::eval
