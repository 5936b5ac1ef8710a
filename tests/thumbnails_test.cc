#include "clients/pictures/thumbnails.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/escaping.h"
#include "common/base/hash.h"
#include "common/image/image.h"
#include "tests/test_util.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

std::string Jpeg(int width, int height) {
  Image image;
  image.width = width;
  image.height = height;
  image.rgb.resize(static_cast<size_t>(width) * height * 3, 90);
  return *EncodeThumbnail(image, std::max(width, height));
}

class ThumbnailsTest : public ::testing::Test {
 protected:
  ThumbnailsTest() { fs::create_directories(root_ / "a"); }

  std::vector<json> Make(const std::vector<json>& lines) {
    std::string input;
    for (const json& line : lines) input += line.dump() + "\n";
    auto output = MakeThumbnails(root_, input);
    EXPECT_OK(output);
    std::vector<json> answers;
    if (!output.ok()) return answers;
    std::istringstream text(*output);
    for (std::string line; std::getline(text, line);) {
      answers.push_back(json::parse(line));
    }
    return answers;
  }

  testing::TempDir dir_;
  const fs::path root_ = dir_ / "photos";
};

TEST_F(ThumbnailsTest, AreSmallAndInOrder) {
  testing::WriteAll(root_ / "wide.jpg", Jpeg(800, 200));
  testing::WriteAll(root_ / "a/tall.jpg", Jpeg(100, 400));
  const auto answers = Make({{{"path", "wide.jpg"}}, {{"path", "a/tall.jpg"}}});
  ASSERT_EQ(answers.size(), 2u);
  const std::pair<int, int> sizes[] = {{160, 40}, {40, 160}};
  for (int i = 0; i < 2; ++i) {
    std::string jpeg;
    ASSERT_TRUE(absl::Base64Unescape(
        answers[i]["jpeg_base64"].get<std::string>(), &jpeg));
    ASSERT_OK_AND_ASSIGN(const ImageInfo info, ProbeImage(jpeg));
    EXPECT_EQ(info.width, sizes[i].first);
    EXPECT_EQ(info.height, sizes[i].second);
  }
}

TEST_F(ThumbnailsTest, SayWhyThereIsNone) {
  const std::string jpeg = Jpeg(300, 300);
  testing::WriteAll(root_ / "cut.jpg", jpeg.substr(0, jpeg.size() / 2));
  testing::WriteAll(root_ / "text.jpg", "no picture");
  testing::WriteAll(dir_ / "secret.jpg", jpeg);
  const auto answers = Make({{{"path", "cut.jpg"}},
                             {{"path", "text.jpg"}},
                             {{"path", "gone.jpg"}},
                             {{"path", "../secret.jpg"}},
                             {{"path", (dir_ / "secret.jpg").string()}}});
  ASSERT_EQ(answers.size(), 5u);
  for (const json& answer : answers) {
    EXPECT_FALSE(answer.contains("jpeg_base64")) << answer;
    EXPECT_TRUE(answer.contains("error")) << answer;
  }
  EXPECT_EQ(answers[0]["error"], "it does not decode");
  EXPECT_EQ(answers[2]["error"], "the file is not there any more");
}

// An index refuses it for its bytes alone.
TEST_F(ThumbnailsTest, ShowWhatIsTooLargeForAnIndex) {
  std::string jpeg = Jpeg(300, 300);
  jpeg.append(33'000'000, '\0');
  ASSERT_FALSE(DecodeImage(jpeg).ok());
  testing::WriteAll(root_ / "large.jpg", jpeg);
  EXPECT_TRUE(Make({{{"path", "large.jpg"}}}).at(0).contains("jpeg_base64"));
}

TEST_F(ThumbnailsTest, SayWhereTheFileHasChanged) {
  const std::string jpeg = Jpeg(30, 30);
  testing::WriteAll(root_ / "a.jpg", jpeg);
  const auto answers =
      Make({{{"path", "a.jpg"}, {"sha256", ToHex(Sha256(jpeg))}},
            {{"path", "a.jpg"}, {"sha256", ToHex(Sha256("before"))}}});
  EXPECT_EQ(answers.at(0)["changed"], false);
  EXPECT_EQ(answers.at(1)["changed"], true);
}

TEST_F(ThumbnailsTest, RefuseWhatIsNotAsked) {
  EXPECT_STATUS(MakeThumbnails(dir_ / "no", ""), absl::StatusCode::kNotFound,
                (dir_ / "no").string());
  EXPECT_STATUS(MakeThumbnails(root_, "{\"path\": \"a\"}\n[1]\n"),
                absl::StatusCode::kInvalidArgument, "line 2 has no path");
}

}  // namespace
}  // namespace vitrine
