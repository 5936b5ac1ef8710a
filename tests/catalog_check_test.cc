#include "clients/pictures/catalog_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "common/image/image.h"
#include "tests/test_util.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Jpeg() {
  Image image;
  image.width = 60;
  image.height = 80;
  image.rgb.resize(60 * 80 * 3);
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    image.rgb[i] = static_cast<uint8_t>(i * 7 % 251);
  }
  return *EncodeThumbnail(image);
}

// Two good products of which one has two pictures, a truncated one, one that is
// no picture, a row without a picture, a picture without a row, and chaff.
class CheckTest : public ::testing::Test {
 protected:
  CheckTest() {
    fs::create_directory(dir_ / "images");
    testing::WriteAll(dir_ / "styles.csv",
                      "id,articleType,baseColour,year,productDisplayName\n"
                      "1,Tshirts,Blue,2011,A blue one\n"
                      "2,Dresses,Red,2012,A red one, long\n"
                      "3,Tshirts,Green,2013,Torn\n"
                      "4,Heels,Black,2014,Not a picture\n"
                      "5,Heels,Black,2014,Never came\n");
    const std::string jpeg = Jpeg();
    Write("1.jpg", jpeg);
    Write("1_2.jpg", jpeg);
    Write("2.jpg", jpeg);
    Write("3.jpg", jpeg.substr(0, jpeg.size() / 2));
    Write("4.jpg", "<html>404</html>");
    Write("6.jpg", jpeg);
    Write(".DS_Store", "x");
    Write("7.jpg.part", "x");
    fs::create_directory(dir_ / "__MACOSX");
    testing::WriteAll(dir_ / "__MACOSX" / "1.jpg", "x");
    options_.catalog.root = dir_.path();
  }
  void Write(const std::string& name, std::string_view bytes) {
    testing::WriteAll(dir_ / "images" / name, bytes);
  }
  CheckReport Check() {
    auto report = CheckCatalog(options_);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : CheckReport();
  }

  testing::TempDir dir_;
  CheckOptions options_;
};

TEST_F(CheckTest, CountsWhatWouldBeRead) {
  const CheckReport report = Check();
  EXPECT_EQ(report.layout, Layout::kFashion);
  EXPECT_EQ(report.category_attribute, "articleType");
  EXPECT_EQ(report.rows, 5);
  EXPECT_EQ(report.pictures, 4);
  EXPECT_EQ(report.products, 3);  // 1, 2, and 6 without a row
  EXPECT_THAT(report.categories,
              ::testing::UnorderedElementsAre(::testing::Pair("Tshirts", 1),
                                              ::testing::Pair("Dresses", 1),
                                              ::testing::Pair("", 1)));
  const auto year =
      std::find_if(report.attributes.begin(), report.attributes.end(),
                   [](const auto& a) { return a.name == "year"; });
  ASSERT_NE(year, report.attributes.end());
  EXPECT_EQ(year->type, "number");
  EXPECT_EQ(year->products, 2);
}

TEST_F(CheckTest, NamesRefusedPicturesAndWhy) {
  const CheckReport report = Check();
  ASSERT_EQ(report.refused.size(), 2u);
  EXPECT_EQ(report.refused[0].path, "images/3.jpg");
  EXPECT_EQ(report.refused[0].product_id, "3");
  EXPECT_EQ(report.refused[0].reason, v1::ERROR_REASON_IMAGE_TRUNCATED);
  EXPECT_EQ(report.refused[1].path, "images/4.jpg");
  EXPECT_FALSE(report.refused[1].message.empty());
  EXPECT_FALSE(report.clean());
  EXPECT_THAT(
      CheckTable(report),
      AllOf(HasSubstr("4, and 2 refused"), HasSubstr("IMAGE_TRUNCATED"),
            HasSubstr("images/3.jpg: "), HasSubstr("\n  images/4.jpg\n")));
}

TEST_F(CheckTest, QuickReadsHeadersOnly) {
  options_.quick = true;
  const CheckReport report = Check();
  ASSERT_EQ(report.refused.size(), 1u);
  EXPECT_EQ(report.refused[0].path, "images/4.jpg");
}

TEST_F(CheckTest, ReportsRowsWithoutPicturesAndTheReverse) {
  int rows = 0, pictures = 0;
  for (const CatalogProblem& problem : Check().problems) {
    rows += problem.kind == ProblemKind::kRowWithoutPicture;
    pictures += problem.kind == ProblemKind::kPictureWithoutRow;
  }
  EXPECT_EQ(rows, 1);
  EXPECT_EQ(pictures, 1);
}

TEST_F(CheckTest, DoesNotAskForRowsOfRefusedPictures) {
  Write("7.heic", std::string("\0\0\0\x18"
                              "ftypheic\0\0\0\0",
                              16));
  for (const CatalogProblem& problem : Check().problems) {
    EXPECT_NE(problem.path, "images/7.heic");
  }
}

TEST_F(CheckTest, RefusesALinkOutOfTheCatalogueOnce) {
  const testing::TempDir outside;
  testing::WriteAll(outside / "secret.jpg", Jpeg());
  fs::create_symlink(outside / "secret.jpg", dir_ / "images" / "8.jpg");
  const CheckReport report = Check();
  EXPECT_TRUE(std::any_of(report.refused.begin(), report.refused.end(),
                          [](const RefusedPicture& picture) {
                            return picture.path == "images/8.jpg";
                          }));
  for (const CatalogProblem& problem : report.problems) {
    EXPECT_NE(problem.path, "images/8.jpg") << problem.message;
  }
}

TEST_F(CheckTest, ListsWhatItPassesOver) {
  EXPECT_THAT(Check().passed_over, ElementsAre("__MACOSX/", "images/.DS_Store",
                                               "images/7.jpg.part"));
}

TEST_F(CheckTest, IsCleanWhereNothingIsWrong) {
  for (const char* name : {"3.jpg", "4.jpg", "6.jpg"}) {
    fs::remove(dir_ / "images" / name);
  }
  testing::WriteAll(dir_ / "styles.csv",
                    "id,articleType\n1,Tshirts\n2,Dresses\n");
  const CheckReport report = Check();
  EXPECT_TRUE(report.clean());
  EXPECT_THAT(CheckTable(report), HasSubstr("Nothing is wrong"));
  Write("3.jpg", Jpeg());  // a picture without a row
  EXPECT_FALSE(Check().clean());
}

TEST_F(CheckTest, IsNotCleanWithoutAPicture) {
  const testing::TempDir empty;
  options_.catalog.root = empty.path();
  const CheckReport report = Check();
  EXPECT_FALSE(report.clean());
  EXPECT_THAT(CheckTable(report),
              AllOf(HasSubstr("No picture in " + empty.path().string()),
                    HasSubstr("put some there")));
}

TEST_F(CheckTest, GroupsFormatsThatAreNotRead) {
  Write("a.heic", std::string("\0\0\0\x18"
                              "ftypheic\0\0\0\0",
                              16));
  Write("b.heic", std::string("\0\0\0\x18"
                              "ftypheic\0\0\0\0",
                              16));
  Write("c.tif", std::string("II*\0\x08\0\0\0", 8));
  EXPECT_THAT(
      CheckTable(Check()),
      AllOf(HasSubstr("IMAGE_FORMAT_UNSUPPORTED: this is a HEIC picture, which "
                      "is not read; convert it to JPEG, PNG or WebP (2)\n"
                      "  images/a.heic\n  images/b.heic\n"),
            HasSubstr("this is a TIFF")));
}

TEST_F(CheckTest, ReportsPicturesThatAreTooLarge) {
  fs::resize_file(dir_ / "images" / "2.jpg", 40 << 20);  // sparse
  const CheckReport report = Check();
  ASSERT_EQ(report.refused.size(), 3u);
  EXPECT_EQ(report.refused[0].path, "images/2.jpg");
  EXPECT_EQ(report.refused[0].reason, v1::ERROR_REASON_IMAGE_TOO_LARGE);
}

TEST_F(CheckTest, TellsTheTypesOfAttributes) {
  testing::WriteAll(dir_ / "images" / "1.json",
                    R"({"attributes":{"year":"old","fabric":["linen"]}})");
  testing::WriteAll(dir_ / "images" / "2.json",
                    R"({"attributes":{"new":true}})");
  std::map<std::string, std::string> types;
  for (const CheckedAttribute& a : Check().attributes) types[a.name] = a.type;
  EXPECT_EQ(types["baseColour"], "text");
  EXPECT_EQ(types["year"], "mixed");
  EXPECT_EQ(types["fabric"], "list");
  EXPECT_EQ(types["new"], "flag");
}

TEST_F(CheckTest, WritesNothing) {
  auto listing = [&] {
    std::string text;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path())) {
      text +=
          entry.path().string() + " " +
          std::to_string(entry.last_write_time().time_since_epoch().count()) +
          "\n";
    }
    return text;
  };
  const std::string before = listing();
  Check();
  EXPECT_EQ(listing(), before);
}

TEST_F(CheckTest, JsonHoldsAllOfIt) {
  const std::string text = CheckJson(Check());
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["layout"], "fashion");
  EXPECT_EQ(json["images"], 4);
  EXPECT_EQ(json["products"], 3);
  EXPECT_EQ(json["clean"], false);
  EXPECT_EQ(json["refused"][0]["reason"], "IMAGE_TRUNCATED");
  EXPECT_EQ(json["refused"].size(), 2u);
  EXPECT_EQ(json["passed_over"].size(), 3u);
}

TEST_F(CheckTest, JsonLinesHoldThePicturesThatAreNotRefused) {
  options_.catalog.root = fs::relative(dir_.path());
  testing::WriteAll(dir_ / "images" / "2.json",
                    R"({"attributes":{"new":true,"fabric":["silk","wool"]}})");
  std::istringstream lines(CheckJsonLines(Check()));
  std::vector<nlohmann::json> objects;
  for (std::string line; std::getline(lines, line);) {
    objects.push_back(nlohmann::json::parse(line));
  }
  ASSERT_EQ(objects.size(), 5u);
  EXPECT_TRUE(fs::path(objects[0]["catalog"]).is_absolute());
  EXPECT_TRUE(
      fs::equivalent(objects[0]["catalog"].get<std::string>(), dir_.path()));
  EXPECT_EQ(objects[0]["images"], 4);
  EXPECT_EQ(objects[0]["refused"], 2);
  EXPECT_EQ(objects[1]["path"], "images/1.jpg");
  EXPECT_EQ(objects[2]["path"], "images/1_2.jpg");
  EXPECT_EQ(objects[2]["product_id"], "1");
  EXPECT_EQ(objects[2]["attributes"], objects[1]["attributes"]);
  EXPECT_EQ(objects[3], nlohmann::json::parse(R"({
    "path": "images/2.jpg", "product_id": "2", "title": "A red one, long",
    "category": "Dresses", "attributes": {"baseColour": "Red", "year": 2012.0,
    "new": true, "fabric": ["silk", "wool"]}})"));
  EXPECT_EQ(objects[4]["product_id"], "6");
  EXPECT_EQ(objects[4]["category"], "");
}

TEST_F(CheckTest, ShowsTheFirstOfMany) {
  for (int i = 100; i < 150; ++i) Write(std::to_string(i) + ".jpg", "");
  const CheckReport report = Check();
  EXPECT_EQ(report.refused.size(), 52u);
  EXPECT_THAT(
      CheckTable(report),
      AllOf(HasSubstr("Pictures refused, IMAGE_EMPTY: "), HasSubstr(" (50)\n"),
            HasSubstr("and 45 more"), Not(HasSubstr("149.jpg: "))));
}

TEST_F(CheckTest, SaysWhenThereIsNoSuchCatalogue) {
  options_.catalog.root = dir_ / "nowhere";
  const auto report = CheckCatalog(options_);
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("nowhere"));
}

}  // namespace
}  // namespace vitrine
