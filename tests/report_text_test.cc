#include "clients/eval/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/test_util/small_report.h"

namespace vitrine::eval {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ResultTable, HasAConfigurationALine) {
  const SmallReport report;
  EXPECT_THAT(ResultTable(report.options, report.set, report.result),
              AllOf(HasSubstr("P@2"), HasSubstr("small"), HasSubstr("0.500")));
}

TEST(ResultTable, TellsHowEachModelWasTrained) {
  SmallReport report;
  report.AddVgg16();
  EXPECT_THAT(
      ResultTable(report.options, report.set, report.result),
      AllOf(HasSubstr("\nsmall: ImageNet weights, projection: Vitrine; 2,912 "
                      "photos\n"),
            HasSubstr("\nVGG16 (from scratch): random weights; four epochs\n"),
            HasSubstr("times VGG16")));
}

}  // namespace
}  // namespace vitrine::eval
