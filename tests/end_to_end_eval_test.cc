// `vitrine eval` as people run it: on a drawn catalogue, with the bundle that
// comes with Vitrine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/process.h"
#include "tests/test_util.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Output;

constexpr char kOlderPage[] = "<title>Vitrine: evaluation</title>";

Output Vitrine(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), (testing::BinDir() / "vitrine").string());
  return testing::RunToEnd(arguments, std::chrono::minutes(4));
}

std::string Model() {
  return (testing::SourceDir() / "models" / "vitrine-lite0.pt").string();
}

// Lines of a CSV; a quoted field holds no quote of its own.
std::vector<std::map<std::string, std::string>> ReadCsv(const fs::path& path) {
  std::istringstream text(testing::ReadAll(path));
  const auto split = [](const std::string& line) {
    std::vector<std::string> fields;
    std::string field;
    bool quoted = false;
    for (char c : line + ",") {
      if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        fields.push_back(std::exchange(field, ""));
      } else {
        field += c;
      }
    }
    return fields;
  };
  std::string line;
  std::getline(text, line);
  const std::vector<std::string> names = split(line);
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(text, line)) {
    const std::vector<std::string> fields = split(line);
    EXPECT_EQ(fields.size(), names.size()) << line;
    auto& row = rows.emplace_back();
    for (size_t i = 0; i < std::min(names.size(), fields.size()); ++i) {
      row[names[i]] = fields[i];
    }
  }
  return rows;
}

TEST(EvalProgram, ReportsOnADrawnCatalogue) {
  testing::TempDir dir;
  const std::string sample = (dir / "sample").string();
  ASSERT_EQ(Vitrine({"sample", "--out", sample, "--products=60"}).status, 0);
  const fs::path report = dir / "report";
  // What an older report and its owner have left.
  fs::create_directories(report);
  testing::WriteAll(report / "index.html", kOlderPage);
  testing::WriteAll(report / "speed.png", "older");
  testing::WriteAll(report / "mine.png", "mine");
  const Output output = Vitrine(
      {"eval", "--catalog=" + sample, "--model=" + Model(), "--split=all",
       "--metric=cosine,manhattan", "--normalise=unit,raw", "--k=1,5",
       "--views=10", "--cross-sender", "--sender-attribute=product",
       "--progress", "--report=" + report.string()});
  ASSERT_EQ(output.status, 0) << output.err;
  EXPECT_THAT(output.out,
              AllOf(HasSubstr("P@5"), HasSubstr("manhattan"),
                    HasSubstr("\nvitrine-lite0: efficientnet_lite0, ImageNet"),
                    HasSubstr("index.html")));
  EXPECT_THAT(output.err,
              AllOf(HasSubstr("queries ranked"), HasSubstr("timings")));

  double precision = 0, found = 0, rate = 0;
  std::set<std::string> tasks, blocks, kinds;
  for (const auto& row : ReadCsv(report / "metrics.csv")) {
    tasks.insert(row.at("task"));
    blocks.insert(row.at("blocks"));
    kinds.insert(row.at("class"));
    const bool first = row.at("blocks") == "all" &&
                       row.at("normalise") == "unit" &&
                       row.at("metric") == "cosine";
    if (first && row.at("measure") == "self_retrieval") {
      found = std::stod(row.at("value"));
    }
    if (first && row.at("task") == "category" && row.at("class").empty() &&
        row.at("relevant").empty() && row.at("measure") == "precision" &&
        row.at("k") == "1") {
      precision = std::stod(row.at("value"));
      EXPECT_LE(std::stod(row.at("low")), precision);
      EXPECT_GE(std::stod(row.at("high")), precision);
    }
    if (row.at("measure") == "pictures_per_second_1_threads_batch_8") {
      rate = std::stod(row.at("value"));
    }
  }
  // By chance one in so many kinds would be right.
  ASSERT_GT(kinds.size(), 10u);
  EXPECT_GT(precision, 3.0 / static_cast<double>(kinds.size()));
  EXPECT_GT(found, 0.7);
  EXPECT_GT(rate, 0);
  EXPECT_TRUE(tasks.contains("category+colour+pattern"));
  EXPECT_TRUE(blocks.contains("shape"));
  EXPECT_TRUE(blocks.contains("colour"));

  // Three choices of blocks, two scalings and two metrics.
  const auto queries = ReadCsv(report / "per_query.csv");
  EXPECT_EQ(queries.size() % 12, 0u);
  EXPECT_GE(queries.size(), 12u * 60);
  const auto models = ReadCsv(report / "models.csv");
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].at("extractor"), "vitrine-lite0");
  EXPECT_EQ(models[0].at("sha256").size(), 64u);
  const std::string html = testing::ReadAll(report / "index.html");
  EXPECT_THAT(html, AllOf(HasSubstr("ImageNet weights of the PyPI package"),
                          HasSubstr("pictures/s, 1 thread, batch 1"),
                          HasSubstr("How this was made"),
                          HasSubstr("--sender-attribute=product"),
                          HasSubstr("nor any photo of its product")));
  EXPECT_EQ(testing::ReadAll(report / "mine.png"), "mine");
  for (const char* picture :
       {"metrics.png", "blocks.png", "speed.png", "query-1.png", "query-3.png",
        "confusion.png", "best.png", "worst.png"}) {
    EXPECT_THAT(html, HasSubstr(std::string("src=\"") + picture)) << picture;
    EXPECT_EQ(testing::ReadAll(report / picture).substr(1, 3), "PNG")
        << picture;
  }
}

class EvalProgramInput : public ::testing::Test {
 protected:
  EvalProgramInput() {
    fs::create_directories(catalog_ / "images");
    testing::WriteAll(catalog_ / "images.csv",
                      "image,sender_id,label\na,1,Hat\nb,2,Hat\nc,3,Bag\n");
    for (const char* name : {"a", "b", "c"}) {
      fs::copy_file(testing::SourceDir() / "tests/data/images/plain.jpg",
                    catalog_ / "images" / (std::string(name) + ".jpg"));
    }
  }
  Output Eval(const std::string& model, const std::string& more = "--threads=1",
              const std::string& report = "report") {
    return Vitrine({"eval", "--catalog=" + catalog_.string(), "--split=all",
                    "--model=" + model, "--no-speed", "--views=0", more,
                    "--report=" + (dir_ / report).string()});
  }

  testing::TempDir dir_;
  const fs::path catalog_ = dir_ / "catalog";
};

TEST_F(EvalProgramInput, RefusesAMissingModel) {
  const Output output = Eval((dir_ / "none.pt").string());
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err, AllOf(HasSubstr("none.pt"), HasSubstr("export")));
}

TEST_F(EvalProgramInput, RefusesAFileThatIsNoBundle) {
  testing::WriteAll(dir_ / "text.pt", "not a bundle");
  const Output output = Eval((dir_ / "text.pt").string());
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err,
              AllOf(HasSubstr("text.pt"), HasSubstr("TorchScript")));
}

TEST_F(EvalProgramInput, RefusesTheSameModelByTwoNames) {
  fs::create_symlink(Model(), dir_ / "link.pt");
  const Output output = Eval(Model(), "--model=" + (dir_ / "link.pt").string());
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err,
              AllOf(HasSubstr("link.pt"), HasSubstr("the same file as")));
}

TEST_F(EvalProgramInput, LeavesNoPictureOfAnOlderReport) {
  fs::create_directories(dir_ / "report");
  testing::WriteAll(dir_ / "report" / "index.html", kOlderPage);
  for (const char* name : {"speed.png", "query-3.png", "mine.png"}) {
    testing::WriteAll(dir_ / "report" / name, "older");
  }
  EXPECT_EQ(Eval(Model()).status, 0);
  EXPECT_FALSE(fs::exists(dir_ / "report" / "speed.png"));
  EXPECT_NE(testing::ReadAll(dir_ / "report" / "query-3.png"), "older");
  EXPECT_EQ(testing::ReadAll(dir_ / "report" / "mine.png"), "older");
}

TEST_F(EvalProgramInput, RefusesALabelThatIsNotThere) {
  const Output output = Eval(Model(), "--label=fabric");
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err, AllOf(HasSubstr("'fabric'"), HasSubstr("sender_id")));
}

TEST_F(EvalProgramInput, RefusesAReportThatCannotBeWritten) {
  testing::WriteAll(dir_ / "file", "");
  const Output output = Eval(Model(), "--threads=1", "file/report");
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err, HasSubstr("--report: cannot write"));
}

TEST_F(EvalProgramInput, RefusesAReportInTheCatalogue) {
  const Output output = Eval(Model(), "--threads=1", "catalog/images/report");
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err, HasSubstr("would be indexed"));
  EXPECT_FALSE(fs::exists(catalog_ / "images" / "report"));
}

TEST_F(EvalProgramInput, LeavesFilesOfOthersAlone) {
  fs::create_directories(dir_ / "site");
  for (const char* name : {"best.png", "metrics.csv", "index.html"}) {
    testing::WriteAll(dir_ / "site" / name, "<title>My dogs</title>");
    const Output output = Eval(Model(), "--threads=1", "site");
    EXPECT_EQ(output.status, 2) << name;
    EXPECT_THAT(output.err, AllOf(HasSubstr((dir_ / "site/").string()),
                                  HasSubstr("name another folder")));
    EXPECT_EQ(testing::ReadAll(dir_ / "site" / name), "<title>My dogs</title>");
  }
}

TEST_F(EvalProgramInput, RefusesOneClassAmongPhotosThatCanBeRead) {
  testing::WriteAll(catalog_ / "images" / "c.jpg", "no picture");
  const Output output = Eval(Model());
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, AllOf(HasSubstr("one class 'Hat'"),
                                HasSubstr("1 of 3 photos cannot")));
}

TEST_F(EvalProgramInput, TellsPhotosThatCannotBeRead) {
  testing::WriteAll(catalog_ / "images.csv",
                    "image,sender_id,label\na,1,Hat\nb,2,Hat\nc,3,Bag\nd,4,"
                    "Bag\n");
  testing::WriteAll(catalog_ / "images" / "d.jpg", "no picture");
  const Output output = Eval(Model());
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_THAT(output.err,
              AllOf(HasSubstr("1 of 4 photos could not be read"),
                    HasSubstr("no query of Bag can have a right answer")));
}

TEST_F(EvalProgramInput, FailsWhereNoPhotoCanBeRead) {
  for (const char* name : {"a", "b", "c"}) {
    testing::WriteAll(catalog_ / "images" / (std::string(name) + ".jpg"), "x");
  }
  const Output output = Eval(Model());
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, HasSubstr("3 of 3 photos cannot"));
  EXPECT_FALSE(fs::exists(dir_ / "report" / "index.html"));
}

TEST_F(EvalProgramInput, TellsTwoModelsOfOneNameApart) {
  fs::create_directory(dir_ / "other");
  fs::copy_file(Model(), dir_ / "other" / "vitrine-lite0.pt");
  const Output output =
      Eval(Model(), "--model=" + (dir_ / "other/vitrine-lite0.pt").string());
  EXPECT_EQ(output.status, 0) << output.err;
  std::set<std::string> names;
  for (const auto& row : ReadCsv(dir_ / "report" / "metrics.csv")) {
    names.insert(row.at("extractor"));
  }
  EXPECT_EQ(names.size(), 2u);
}

TEST_F(EvalProgramInput, RefusesAWrongCommandLine) {
  const Output output = Eval(Model(), "--k=0");
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err, HasSubstr("'0'"));
  EXPECT_EQ(Vitrine({"eval", "--help"}).status, 0);
}

}  // namespace
}  // namespace vitrine
