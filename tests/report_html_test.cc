#include "clients/eval/report_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/test_util/small_report.h"

namespace vitrine::eval {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Page(const SmallReport& report,
                 const std::vector<ReportPicture>& pictures = {}) {
  return ReportHtml(report.options, report.set, report.result, pictures);
}

TEST(ReportHtml, LeadsWithPicturesAndEscapes) {
  const std::string html =
      Page(SmallReport(), {{"metrics.png", "Extractors & metrics", "Bars."}});
  EXPECT_THAT(html, HasSubstr("<img src=\"metrics.png\""));
  EXPECT_THAT(html, HasSubstr("Extractors &amp; metrics"));
  EXPECT_LT(html.find("<img"), html.find("<table"));
  EXPECT_THAT(html, HasSubstr("&lt;Hat&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<Hat>")));
  // Nothing is fetched from elsewhere.
  EXPECT_THAT(html, Not(HasSubstr("http")));
}

TEST(ReportHtml, FoldsATableUnderItsPictureUnlessItTellsMore) {
  ReportPicture picture{"confusion.png", "Confusion", "Cells.", "<table>T"};
  EXPECT_THAT(Page(SmallReport(), {picture}),
              AllOf(HasSubstr("<details><summary>"), HasSubstr("<table>T")));
  picture.table_first = true;
  EXPECT_THAT(Page(SmallReport(), {picture}),
              HasSubstr("<details open><summary>"));
  picture.table.clear();
  EXPECT_THAT(Page(SmallReport(), {picture}), Not(HasSubstr("<details")));
}

TEST(ReportHtml, ListsConfigurationsWhereThereAreSeveral) {
  SmallReport report;
  EXPECT_THAT(Page(report), Not(HasSubstr("By blocks, scaling and metric")));
  auto& configurations = report.result.extractors[0].configurations;
  configurations.push_back(configurations[0]);
  configurations[1].blocks = "shape";
  EXPECT_THAT(Page(report), AllOf(HasSubstr("By blocks, scaling and metric"),
                                  HasSubstr("<td>shape</td>")));
}

// Of the photos that could be read: more may lack a right answer than seemed.
TEST(ReportHtml, ShowsTheWarningsOfTheRun) {
  SmallReport report;
  report.set.warnings = {"no query of A"};
  report.result.warnings = {"no query of A, <B>"};
  EXPECT_THAT(Page(report),
              AllOf(HasSubstr("<li>no query of A, &lt;B&gt;</li>"),
                    Not(HasSubstr("<li>no query of A</li>"))));
}

TEST(ReportHtml, CallsTheCatalogueByItsOwnName) {
  SmallReport report;
  const std::string own = std::filesystem::current_path().filename().string();
  for (const char* root : {".", "./", "../."}) {
    report.options.catalog.root = root;
    EXPECT_THAT(Page(report), Not(HasSubstr(" of . ask"))) << root;
    EXPECT_THAT(Page(report), Not(HasSubstr(" of  ask"))) << root;
  }
  report.options.catalog.root = ".";
  EXPECT_THAT(Page(report), HasSubstr(" of " + own + " ask"));
}

TEST(ReportHtml, TellsHowItWasMade) {
  SmallReport report;
  report.options.cross_sender = true;
  EXPECT_THAT(
      Page(report),
      AllOf(HasSubstr("<h2>How this was made</h2>"),
            HasSubstr("<code>vitrine eval '--label=a b'</code>"),
            HasSubstr("2026-11-25 09:12 UTC; it took 1:35"),
            HasSubstr("Vitrine 1.2"),
            HasSubstr("A &lt;processor&gt;; 2 threads on 4 cores"),
            HasSubstr("<dd>photos</dd>"), HasSubstr("1, of all photos"),
            HasSubstr("from 3 photos, the same that ask; never the query "
                      "itself, nor any photo by its sender"),
            HasSubstr("the same category; no class: Not sure, Skip, Other")));
}

}  // namespace
}  // namespace vitrine::eval
