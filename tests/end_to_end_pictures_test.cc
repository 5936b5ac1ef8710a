// The verbs that `vitrine` hands to vitrine-pictures, run as people run them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/image/image.h"
#include "tests/process.h"
#include "tests/test_util.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Output;
using ::testing::StartsWith;

Output Vitrine(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), (testing::BinDir() / "vitrine").string());
  return testing::RunToEnd(arguments);
}

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

// A table of two rows, each with its picture.
class CheckProgram : public ::testing::Test {
 protected:
  CheckProgram() {
    fs::create_directory(dir_ / "images");
    Write("images.csv",
          "image,sender_id,label,kids\n"
          "a,148,T-Shirt,False\n"
          "b,149,Shoes,True\n");
    Write("images/a.jpg", Jpeg());
    Write("images/b.jpg", Jpeg());
  }
  void Write(const std::string& name, std::string_view bytes) {
    testing::WriteAll(dir_ / name, bytes);
  }
  Output Check(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"check", dir_.path().string()});
    return Vitrine(flags);
  }

  testing::TempDir dir_;
};

TEST_F(CheckProgram, EndsWith0WhereNothingIsWrong) {
  const Output output = Check();
  EXPECT_EQ(output.status, 0) << output.out << output.err;
  EXPECT_THAT(output.out,
              AllOf(HasSubstr("clothing (images.csv, 2 rows)"),
                    HasSubstr("Shoes 1, T-Shirt 1"), HasSubstr("kids (flag)"),
                    HasSubstr("Nothing is wrong")));
  EXPECT_THAT(output.err, IsEmpty());
}

TEST_F(CheckProgram, EndsWith1AndNamesABadRow) {
  Write("images.csv",
        "image,sender_id,label,kids\n"
        "a,148,T-Shirt,False\n"
        "b\n");
  const Output output = Check();
  EXPECT_EQ(output.status, 1) << output.err;
  EXPECT_THAT(output.out, AllOf(HasSubstr("Rows or fields that are not"),
                                HasSubstr("images.csv line 3")));
}

TEST_F(CheckProgram, EndsWith1AndNamesARefusedPicture) {
  Write("images/b.jpg", std::string("II*\0\x08\0\0\0", 8));
  const Output output = Check({"--format=json"});
  EXPECT_EQ(output.status, 1) << output.err;
  const auto json = nlohmann::json::parse(output.out);
  EXPECT_EQ(json["images"], 1);
  ASSERT_EQ(json["refused"].size(), 1u);
  EXPECT_EQ(json["refused"][0]["path"], "images/b.jpg");
  EXPECT_EQ(json["refused"][0]["reason"], "IMAGE_FORMAT_UNSUPPORTED");
  EXPECT_THAT(json["refused"][0]["message"].get<std::string>(),
              HasSubstr("convert it"));
}

TEST_F(CheckProgram, SeesACutPictureUnlessItIsToBeQuick) {
  Write("images/b.jpg", Jpeg().substr(0, 900));
  EXPECT_EQ(Check().status, 1);
  EXPECT_EQ(Check({"--quick"}).status, 0);
}

TEST_F(CheckProgram, TakesTheIndexersFlags) {
  const auto json = nlohmann::json::parse(
      Check({"--layout=plain", "--product-pattern=^([ab])", "--format=json"})
          .out);
  EXPECT_EQ(json["layout"], "plain");
  const Output coloured = Check({"--category-attribute=colour"});
  EXPECT_EQ(coloured.status, 2);
  EXPECT_THAT(coloured.err, AllOf(HasSubstr("colour"), HasSubstr("label")));
  EXPECT_EQ(Check({"--category-attribute=kids"}).status, 0);
}

TEST_F(CheckProgram, EndsWith2WithoutACatalogueOrAWrongFlag) {
  const Output nowhere = Vitrine({"check", (dir_ / "nowhere").string()});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.err,
              AllOf(StartsWith("vitrine: "), HasSubstr("nowhere")));
  EXPECT_EQ(Vitrine({"check"}).status, 2);
  EXPECT_EQ(Check({"--format=xml"}).status, 2);
  EXPECT_EQ(Check({"--layout=wardrobe"}).status, 2);
  const Output sideways = Check({"--sideways"});
  EXPECT_EQ(sideways.status, 2);
  EXPECT_THAT(sideways.err, AllOf(HasSubstr("--sideways"),
                                  HasSubstr("see vitrine check --help")));
}

TEST_F(CheckProgram, ShowsProgressOnStandardErrorOnly) {
  const Output output = Check({"--progress", "--format=json"});
  EXPECT_THAT(output.err, HasSubstr("2 of 2 pictures"));
  EXPECT_TRUE(nlohmann::json::accept(output.out));
}

Output Sheet(const fs::path& description, const fs::path& png) {
  return testing::RunToEnd({"/bin/sh", "-c",
                            "exec \"$0\" sheet --out=\"$1\" < \"$2\"",
                            (testing::BinDir() / "vitrine-pictures").string(),
                            png.string(), description.string()});
}

TEST(SheetProgram, WritesAPicture) {
  const testing::TempDir dir;
  testing::WriteAll(dir / "q.jpg", Jpeg());
  testing::WriteAll(dir / "sheet.json",
                    R"({"query":{"images":[{"path":")" +
                        (dir / "q.jpg").string() +
                        R"("}]},"rows":[{"hits":[{"score":0.9}]}]})");
  const Output output = Sheet(dir / "sheet.json", dir / "sheet.png");
  EXPECT_EQ(output.status, 0) << output.err;
  const auto info = ProbeImage(testing::ReadAll(dir / "sheet.png"));
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->format, ImageFormat::kPng);
  EXPECT_GT(info->width, 600);
}

TEST(SheetProgram, LeavesNothingBehindAWrongDescription) {
  const testing::TempDir dir;
  testing::WriteAll(dir / "sheet.json", R"({"rows":7})");
  const Output output = Sheet(dir / "sheet.json", dir / "sheet.png");
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err, HasSubstr("rows must be an array, not 7"));
  EXPECT_FALSE(fs::exists(dir / "sheet.png"));
}

}  // namespace
}  // namespace vitrine
