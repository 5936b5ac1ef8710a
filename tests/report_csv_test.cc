#include "clients/eval/report_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/test_util/small_report.h"

namespace vitrine::eval {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(CsvField, QuotesWhatMustBe) {
  EXPECT_EQ(CsvField("T-Shirt"), "T-Shirt");
  EXPECT_EQ(CsvField("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvField("say \"b\""), "\"say \"\"b\"\"\"");
  EXPECT_EQ(CsvField("a\nb"), "\"a\nb\"");
}

TEST(MetricsCsv, HasAFigureALine) {
  const std::string csv = MetricsCsv(SmallReport().result);
  EXPECT_THAT(
      csv, StartsWith("extractor,blocks,normalise,metric,task,class,relevant,"
                      "measure,k,value,low,high,queries\n"));
  // One sender: no interval.
  EXPECT_THAT(csv, HasSubstr("\nsmall,all,unit,cosine,category,,,precision,2,"
                             "0.5,,,1\n"));
  EXPECT_THAT(csv, HasSubstr("\nsmall,all,unit,cosine,category,<Hat>,,recall,2,"
                             "0.5,,,1\n"));
  EXPECT_THAT(csv, HasSubstr("\nsmall,all,unit,cosine,category,,>=10,precision,"
                             "2,,,,0\n"));
  EXPECT_THAT(csv, HasSubstr("\nsmall,all,unit,cosine,,,,self_retrieval,1,"
                             "0.975,0.95,1,40\n"));
  EXPECT_THAT(csv, HasSubstr("\nsmall,,,,,,,pictures_per_second_1_threads_"
                             "batch_8,,100,,,\n"));
  EXPECT_THAT(csv, HasSubstr("\nsmall,,,,,,,bundle_bytes,,8500000,,,\n"));
  EXPECT_THAT(csv, Not(HasSubstr("vgg16")));
}

TEST(MetricsCsv, ComparesSpeedWithVgg16) {
  SmallReport report;
  report.AddVgg16();
  EXPECT_THAT(MetricsCsv(report.result),
              HasSubstr("\nsmall,,,,,,,speed_over_vgg16,,4,,,\n"));
}

TEST(SpeedOverVgg16, IsOfTheFirstModelThatItsCardNamesSo) {
  SmallReport report;
  report.AddVgg16();
  report.AddVgg16();
  auto& extractors = report.result.extractors;
  extractors[2].rates = {{1, 1, 10}};
  const auto speed = [&report, &extractors] {
    return SpeedOverVgg16(report.result, extractors[0]);
  };
  EXPECT_EQ(speed(), 4);
  extractors[1].card_name = "keras-VGG16";
  EXPECT_EQ(speed(), 4);
  for (const char* other : {"vgg16bn", "not-vgg16-but-smaller", "myvgg16"}) {
    extractors[1].card_name = other;
    EXPECT_EQ(speed(), 8) << other;
  }
  // What the report calls it does not count.
  extractors[2].card_name = "small";
  EXPECT_TRUE(std::isnan(speed()));
}

TEST(ModelsCsv, TellsHowEachModelWasTrained) {
  SmallReport report;
  report.AddVgg16();
  const std::string csv = ModelsCsv(report.result);
  EXPECT_THAT(csv, StartsWith("extractor,file,sha256,bytes,numbers,origin,"
                              "trained_on,pictures_per_second_1_threads_batch_"
                              "1,pictures_per_second_1_threads_batch_8,"
                              "speed_over_vgg16\n"));
  EXPECT_THAT(csv, HasSubstr("\nsmall,models/small.pt,0a1b,8500000,512,"
                             "\"ImageNet weights, projection: Vitrine\","
                             "\"2,912 photos\",80,100,4\n"));
  EXPECT_THAT(csv, HasSubstr(",random weights,four epochs,20,25,1\n"));
}

TEST(ModelsCsv, LeavesRatesOutThatWereNotMeasured) {
  SmallReport report;
  report.result.extractors[0].rates.clear();
  EXPECT_THAT(ModelsCsv(report.result),
              AllOf(HasSubstr("origin,trained_on,speed_over_vgg16\n"),
                    HasSubstr("\"2,912 photos\",\n")));
}

TEST(PerQueryCsv, HasAQueryALine) {
  const SmallReport report;
  const std::string csv = PerQueryCsv(report.set, report.result, {2});
  EXPECT_THAT(csv, HasSubstr("relevant,first,precision@2,map@2,"));
  // Of 2 relevant, one is found at the first rank: the average precision is
  // 1 / 2, nDCG 1 / (1 + 1/log2(3)), R 2/3.
  EXPECT_THAT(
      csv, HasSubstr("\nsmall,all,unit,cosine,\"images/a, \"\"b\"\".jpg\",p0,"
                     "148,<Hat>,2,images/c.jpg,0.5,0.5,0.613147,0.5,"
                     "0.666667\n"));
}

}  // namespace
}  // namespace vitrine::eval
