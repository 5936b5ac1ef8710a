#include "clients/eval/report_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/test_util/small_report.h"

namespace vitrine::eval {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The lines of a table that are rows: the first has the headings.
std::vector<std::string> RowsOf(const std::string& html) {
  std::vector<std::string> rows;
  std::istringstream lines(html);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("<tr")) rows.push_back(line);
  }
  return rows;
}

TEST(ModelHtml, HasRetrievalSpeedAndTrainingInOneRow) {
  SmallReport report;
  report.AddVgg16();
  const auto rows =
      RowsOf(ModelHtml(report.options, report.set, report.result));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_THAT(rows[0],
              AllOf(HasSubstr("initialised and trained"), HasSubstr("P@2"),
                    HasSubstr("mAP@2"), HasSubstr("≥ 10 relevant"),
                    HasSubstr("pictures/s, 1 thread, batch 8"),
                    HasSubstr("times VGG16")));
  EXPECT_THAT(rows[1],
              AllOf(HasSubstr("<td>small</td>"),
                    HasSubstr("ImageNet weights, projection: Vitrine; 2,912 "
                              "photos"),
                    HasSubstr(">0.500</td>"), HasSubstr(">8.5</td>"),
                    HasSubstr(">512</td>"), HasSubstr(">80.0</td>"),
                    HasSubstr(">100.0</td>"), HasSubstr(">4.0</td>")));
  EXPECT_THAT(rows[2], AllOf(HasSubstr("random weights; four epochs"),
                             HasSubstr(">20.0</td>"), HasSubstr(">1.0</td>"),
                             Not(HasSubstr("ImageNet"))));
}

TEST(ModelHtml, LeavesOutSpeedThatWasNotMeasured) {
  SmallReport report;
  report.result.extractors[0].rates.clear();
  EXPECT_THAT(ModelHtml(report.options, report.set, report.result),
              AllOf(Not(HasSubstr("pictures/s")), Not(HasSubstr("VGG16"))));
}

// Other blocks, scalings and metrics stand in the table below.
TEST(ModelHtml, HasAModelOnce) {
  SmallReport report;
  auto& configurations = report.result.extractors[0].configurations;
  configurations.push_back(configurations[0]);
  EXPECT_EQ(RowsOf(ModelHtml(report.options, report.set, report.result)).size(),
            2u);
  EXPECT_EQ(RowsOf(ConfigurationHtml(report.options, report.set, report.result))
                .size(),
            3u);
}

TEST(ClassHtml, HasAClassALine) {
  const SmallReport report;
  const auto rows =
      RowsOf(ClassHtml(report.options, report.set, report.result));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(rows[1], HasSubstr("<td>&lt;Hat&gt;</td><td class=n>1</td>"));
}

}  // namespace
}  // namespace vitrine::eval
