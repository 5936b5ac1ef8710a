#include "common/catalog/delimited.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

bool TitleIsFree(std::string_view column) { return column == "title"; }

struct Parsed {
  std::unique_ptr<DelimitedTable> table;
  CatalogProblems problems;

  std::vector<std::string> Row(size_t row) const {
    std::vector<std::string> cells;
    for (size_t i = 0; i < table->columns().size(); ++i) {
      cells.emplace_back(table->cell(row, i));
    }
    return cells;
  }
};

Parsed Parse(std::string text) {
  Parsed parsed;
  auto table = DelimitedTable::Parse(std::move(text), "t.csv", TitleIsFree,
                                     &parsed.problems);
  EXPECT_TRUE(table.ok()) << table.status();
  if (table.ok()) parsed.table = *std::move(table);
  return parsed;
}

using Cells = std::vector<std::string>;

TEST(DelimitedTable, GivesTheLastColumnItsUnquotedCommas) {
  const Parsed p =
      Parse("id,year,title\n1,2012,Shirt\n2,2013,Belt, brown, M\n");
  ASSERT_EQ(p.table->rows(), 2u);
  EXPECT_EQ(p.Row(1), (Cells{"2", "2013", "Belt, brown, M"}));
  EXPECT_TRUE(p.problems.empty());
}

TEST(DelimitedTable, LeavesOutRowsOfAnotherLengthAndReadsOn) {
  const Parsed p = Parse(
      "id,title,kids\n1,Shirt,True\n2,Belt, brown,False\n3,Hat\n4,Cap,True\n");
  ASSERT_EQ(p.table->rows(), 2u);
  EXPECT_EQ(p.Row(1), (Cells{"4", "Cap", "True"}));
  EXPECT_EQ(p.table->line(1), 5);
  ASSERT_EQ(p.problems.size(), 2u);
  EXPECT_EQ(p.problems[0].kind, ProblemKind::kBadRow);
  EXPECT_EQ(p.problems[0].line, 3);
  EXPECT_NE(p.problems[0].message.find("t.csv line 3: 4 fields where the first "
                                       "line names 3: \"2,Belt, brown,False\""),
            std::string::npos)
      << p.problems[0].message;
  EXPECT_EQ(p.problems[1].line, 4);
}

TEST(DelimitedTable, ReadsQuotedFields) {
  const Parsed p = Parse(
      "id,title\n"
      "1,\"Belt, brown\"\n"
      "2, \"12\"\" ruler\" \n"
      "3,\"two\nlines\"\n"
      "4,after\n");
  ASSERT_EQ(p.table->rows(), 4u);
  EXPECT_EQ(p.Row(0)[1], "Belt, brown");
  EXPECT_EQ(p.Row(1)[1], "12\" ruler");
  EXPECT_EQ(p.Row(2)[1], "two\nlines");
  EXPECT_EQ(p.table->line(3), 6);
  EXPECT_TRUE(p.problems.empty());
}

TEST(DelimitedTable, KeepsAnUnclosedQuoteInItsLine) {
  const Parsed p = Parse(
      "id,colour,title\n"
      "1,red,\"Scorpio\" shirt, large\n"
      "2,\"blue,Cap\n"
      "3,green,12\" ruler\n"
      "4,black,Hat\n");
  ASSERT_EQ(p.table->rows(), 4u);
  EXPECT_EQ(p.Row(0)[2], "\"Scorpio\" shirt, large");
  EXPECT_EQ(p.Row(1), (Cells{"2", "\"blue", "Cap"}));
  EXPECT_EQ(p.Row(2), (Cells{"3", "green", "12\" ruler"}));
  EXPECT_TRUE(p.problems.empty());
}

TEST(DelimitedTable, CopesWithWindowsFiles) {
  const Parsed p = Parse("\xEF\xBB\xBFid;title\r\n\r\n1;Shirt\r\n2;Hat");
  EXPECT_EQ(p.table->columns(), (Cells{"id", "title"}));
  ASSERT_EQ(p.table->rows(), 2u);
  EXPECT_EQ(p.Row(0), (Cells{"1", "Shirt"}));
  EXPECT_EQ(p.Row(1), (Cells{"2", "Hat"}));
  EXPECT_EQ(p.table->line(0), 3);
}

TEST(DelimitedTable, ReadsTabsAndOldMacLineBreaks) {
  const Parsed p = Parse("id\ttitle\r1\tA, b\r2\t\r");
  ASSERT_EQ(p.table->rows(), 2u);
  EXPECT_EQ(p.Row(0), (Cells{"1", "A, b"}));
  EXPECT_EQ(p.Row(1), (Cells{"2", ""}));
}

TEST(DelimitedTable, IgnoresPaddingOfSpreadsheets) {
  const Parsed p = Parse("id,title,,\n1,Shirt,,\n2,Belt, brown,,,\n3,Hat\n");
  EXPECT_EQ(p.table->columns(), (Cells{"id", "title"}));
  ASSERT_EQ(p.table->rows(), 3u);
  EXPECT_EQ(p.Row(0), (Cells{"1", "Shirt"}));
  EXPECT_EQ(p.Row(1), (Cells{"2", "Belt, brown"}));
  EXPECT_EQ(p.Row(2), (Cells{"3", "Hat"}));
}

TEST(DelimitedTable, ReadsLatin1AndSaysSo) {
  const Parsed p = Parse("id,title\n1,Cr\xE8me\n2,ét\xC3\xA9\n3,r\xE9\n");
  EXPECT_EQ(p.Row(0)[1], "Crème");
  EXPECT_EQ(p.Row(1)[1], "été");
  ASSERT_EQ(p.problems.size(), 1u);
  EXPECT_EQ(p.problems[0].kind, ProblemKind::kNotUtf8);
  EXPECT_EQ(p.problems[0].line, 2);
  EXPECT_NE(p.problems[0].message.find("1 more"), std::string::npos);
}

TEST(DelimitedTable, ReadsTheFirstOfTwoColumnsOfOneName) {
  const Parsed p = Parse("id,title,id\n1,Shirt,9\n");
  EXPECT_EQ(p.Row(0), (Cells{"1", "Shirt"}));
  ASSERT_EQ(p.problems.size(), 1u);
}

TEST(DelimitedTable, RefusesWhatIsNoTable) {
  for (const std::string& text :
       {std::string(""), std::string("\n \n"), std::string(",,\n1,2,3\n"),
        std::string("\xFF\xFEi\0d\0\n\0", 8), std::string("id\0,b\n", 6)}) {
    CatalogProblems problems;
    const auto table =
        DelimitedTable::Parse(text, "t.csv", TitleIsFree, &problems);
    EXPECT_EQ(table.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(table.status().message()).find("t.csv"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace vitrine
