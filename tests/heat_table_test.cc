#include "clients/eval/heat_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace vitrine::eval {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(HeatTable, ShowsSharesUnderNamesOfAnyScript) {
  const std::string html = HeatTable(
      {"t", "query", "answer", {"連衣裙", "<b>"}, {{1, 0.25}, {NAN, 0.004}}});
  EXPECT_THAT(html, AllOf(HasSubstr("query / answer"),
                          HasSubstr("<th class=up>連衣裙</th>"),
                          HasSubstr("<tr><th>連衣裙</th>"),
                          HasSubstr("<tr><th>&lt;b&gt;</th>")));
  // The darkest where all is, with white letters; nothing where next to none.
  EXPECT_THAT(html,
              HasSubstr("<td style=\"background:#0072b2;color:#fff\">100</td>"
                        "<td style=\"background:#7cb5d5\">25</td>"));
  EXPECT_THAT(html, HasSubstr("<td style=\"background:#e2e4e8\"></td>"));
  EXPECT_THAT(html, HasSubstr("\"></td></tr>"));
}

}  // namespace
}  // namespace vitrine::eval
