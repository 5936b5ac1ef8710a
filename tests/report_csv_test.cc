#include "clients/eval/report_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "clients/eval/report_html.h"

namespace vitrine::eval {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// One extractor with one query that found one right answer of two.
struct Report {
  Report() {
    options.ks = {2};
    options.catalog.root = "photos";
    set.senders_known = true;
    set.photos.resize(3);
    set.photos[0].path = "images/a, \"b\".jpg";
    set.photos[0].product_id = "p0";
    set.photos[0].sender = "148";
    set.photos[2].path = "images/c.jpg";
    Task& task = set.tasks.emplace_back();
    task.name = "category";
    task.classes = {"<Hat>"};
    task.label = {0, 0, 0};
    ExtractorResult& extractor = result.extractors.emplace_back();
    extractor.name = "small";
    extractor.bytes = 8'500'000;
    extractor.views = 40;
    extractor.rates = {{1, 1, 80}, {1, 8, 100}};
    Configuration& configuration = extractor.configurations.emplace_back();
    configuration.blocks = "all";
    configuration.answers = {{0, 2, {{2, 0.1F}, {1, 0.2F}}, {1, 0}}};
    configuration.figures =
        FiguresOf(set, task, configuration.answers, options.ks, true);
    configuration.self_retrieval = Estimate{0.975, 0.95, 1};
  }

  EvalOptions options;
  EvalSet set;
  EvalResult result;
};

TEST(CsvField, QuotesWhatMustBe) {
  EXPECT_EQ(CsvField("T-Shirt"), "T-Shirt");
  EXPECT_EQ(CsvField("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvField("say \"b\""), "\"say \"\"b\"\"\"");
  EXPECT_EQ(CsvField("a\nb"), "\"a\nb\"");
}

TEST(MetricsCsv, HasAFigureALine) {
  const std::string csv = MetricsCsv(Report().result);
  EXPECT_THAT(csv, ::testing::StartsWith(
                       "extractor,blocks,normalise,metric,task,class,relevant,"
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
  EXPECT_THAT(csv, HasSubstr("\nsmall,,,,,,,bundle_bytes,,8.5e+06,,,\n"));
  EXPECT_THAT(csv, Not(HasSubstr("vgg16")));
}

TEST(MetricsCsv, ComparesSpeedWithVgg16) {
  Report report;
  ExtractorResult vgg16 = report.result.extractors[0];
  vgg16.name = "VGG16, from scratch";
  vgg16.rates = {{1, 1, 4}};
  report.result.extractors.push_back(vgg16);
  EXPECT_THAT(MetricsCsv(report.result),
              HasSubstr("\nsmall,,,,,,,speed_over_vgg16,,20,,,\n"));
}

TEST(PerQueryCsv, HasAQueryALine) {
  const Report report;
  const std::string csv = PerQueryCsv(report.set, report.result, {2});
  EXPECT_THAT(csv, HasSubstr("relevant,first,precision@2,map@2,"));
  // Of 2 relevant, one is found at the first rank: the average precision is
  // 1 / 2, nDCG 1 / (1 + 1/log2(3)), R 2/3.
  EXPECT_THAT(
      csv, HasSubstr("\nsmall,all,unit,cosine,\"images/a, \"\"b\"\".jpg\",p0,"
                     "148,<Hat>,2,images/c.jpg,0.5,0.5,0.613147,0.5,"
                     "0.666667\n"));
}

TEST(ReportHtml, LeadsWithPicturesAndEscapes) {
  const Report report;
  const std::string html =
      ReportHtml(report.options, report.set, report.result,
                 {{"metrics.png", "Extractors & metrics", "Bars."}});
  EXPECT_THAT(html, HasSubstr("<img src=\"metrics.png\""));
  EXPECT_THAT(html, HasSubstr("Extractors &amp; metrics"));
  EXPECT_LT(html.find("<img"), html.find("<table"));
  EXPECT_THAT(html, HasSubstr("&lt;Hat&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<Hat>")));
  // Nothing is fetched from elsewhere.
  EXPECT_THAT(html, Not(HasSubstr("http")));
}

TEST(ResultTable, HasAConfigurationALine) {
  const Report report;
  const std::string table =
      ResultTable(report.options, report.set, report.result);
  EXPECT_THAT(table, HasSubstr("P@2"));
  EXPECT_THAT(table, HasSubstr("small"));
  EXPECT_THAT(table, HasSubstr("0.500"));
}

}  // namespace
}  // namespace vitrine::eval
