#include "clients/pictures/contact_sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <string>

#include "absl/strings/escaping.h"
#include "common/image/image.h"
#include "tests/test_util.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;

const cv::Scalar kRed(0, 0, 255), kGreen(0, 255, 0);

cv::Mat Plain(const cv::Scalar& colour, int width = 90, int height = 120) {
  return cv::Mat(height, width, CV_8UC3, colour);
}

// Where a page has exactly a colour.
cv::Rect BoxOf(const cv::Mat& page, const cv::Scalar& colour) {
  cv::Mat mask;
  cv::inRange(page, colour, colour, mask);
  cv::Rect box;
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      if (mask.at<uint8_t>(y, x) != 0) box |= cv::Rect(x, y, 1, 1);
    }
  }
  return box;
}

std::string JpegBase64() {
  Image image;
  image.width = 30;
  image.height = 40;
  image.rgb.assign(30 * 40 * 3, 90);
  return absl::Base64Escape(*EncodeThumbnail(image));
}

ContactSheet SheetOf(size_t hits) {
  ContactSheet sheet;
  sheet.title = "generation 7";
  sheet.query = {Plain(kRed)};
  sheet.query_label = "query: IMG_1.jpg";
  sheet.rows.resize(1);
  for (size_t i = 0; i < hits; ++i) {
    SheetHit& hit = sheet.rows[0].hits.emplace_back();
    hit.picture = Plain(kGreen);
    hit.score = 0.9;
    hit.product_id = std::to_string(i);
    hit.category = "Dresses";
  }
  return sheet;
}

TEST(DrawContactSheet, PutsTheQueryFirstAndLarger) {
  const cv::Mat page = DrawContactSheet(SheetOf(1));
  const cv::Rect query = BoxOf(page, kRed), hit = BoxOf(page, kGreen);
  EXPECT_LT(query.x + query.width, hit.x);
  EXPECT_GT(query.area(), hit.area());
}

TEST(DrawContactSheet, KeepsTheShapeOfPictures) {
  ContactSheet sheet = SheetOf(1);
  sheet.rows[0].hits[0].picture = Plain(kGreen, 400, 100);
  const cv::Rect hit = BoxOf(DrawContactSheet(sheet), kGreen);
  EXPECT_NEAR(static_cast<double>(hit.width) / hit.height, 4, 0.3);
}

TEST(DrawContactSheet, FramesWhatIsRightOrWrong) {
  const cv::Scalar right(72, 132, 24), wrong(48, 48, 208);
  ContactSheet sheet = SheetOf(2);
  EXPECT_EQ(BoxOf(DrawContactSheet(sheet), wrong).area(), 0);
  sheet.rows[0].hits[0].right = true;
  sheet.rows[0].hits[1].right = false;
  const cv::Mat page = DrawContactSheet(sheet);
  const cv::Rect first = BoxOf(page, right), second = BoxOf(page, wrong);
  ASSERT_GT(first.area(), 0);
  EXPECT_EQ(first.size(), second.size());
  EXPECT_LT(first.x, second.x);
}

TEST(DrawContactSheet, PutsAsManyBesideEachOtherAsAreAskedFor) {
  ContactSheet sheet = SheetOf(10);
  const int rows = DrawContactSheet(sheet).rows;
  sheet.columns = 10;
  EXPECT_LT(DrawContactSheet(sheet).rows, rows);
}

TEST(DrawContactSheet, GrowsByRowsAndRefusesToGrowForEver) {
  const cv::Mat one = DrawContactSheet(SheetOf(5));
  const cv::Mat two = DrawContactSheet(SheetOf(10));
  EXPECT_EQ(one.cols, two.cols);
  EXPECT_GT(two.rows, one.rows);
  const cv::Mat most = DrawContactSheet(SheetOf(kMaxHitsDrawn));
  const cv::Mat more = DrawContactSheet(SheetOf(kMaxHitsDrawn + 5000));
  EXPECT_LT(more.rows, most.rows + 60);
}

TEST(DrawContactSheet, HasRoomForEveryRow) {
  ContactSheet sheet = SheetOf(5);
  const int height = DrawContactSheet(sheet).rows;
  for (int i = 0; i < 3; ++i) {
    sheet.rows.push_back(sheet.rows[0]);
    sheet.rows.back().title = "shoes";
  }
  EXPECT_GT(DrawContactSheet(sheet).rows, 3 * height);
}

TEST(DrawContactSheet, DrawsWithoutPicturesAndWithoutHits) {
  ContactSheet sheet = SheetOf(2);
  sheet.query.clear();
  sheet.rows[0].hits[0].picture = cv::Mat();
  sheet.rows.emplace_back();
  const cv::Mat page = DrawContactSheet(sheet);
  EXPECT_FALSE(BoxOf(page, kGreen).empty());
  EXPECT_GT(page.rows, 200);
  EXPECT_FALSE(DrawContactSheet({}).empty());
}

TEST(DrawContactSheet, ShowsSeveralQueryPictures) {
  ContactSheet sheet = SheetOf(3);
  sheet.query.push_back(Plain({255, 0, 0}));
  sheet.query.push_back(cv::Mat());
  const cv::Mat page = DrawContactSheet(sheet);
  const cv::Rect first = BoxOf(page, kRed), second = BoxOf(page, {255, 0, 0});
  EXPECT_LT(first.x + first.width, second.x);
  EXPECT_EQ(first.y, second.y);
}

TEST(DrawContactSheet, CutsTextsThatAreTooLong) {
  ContactSheet sheet = SheetOf(4);
  sheet.title = std::string(5000, 'x') + "\xff\n";
  sheet.query_label = "赤い靴 " + std::string(300, 'y');
  sheet.rows[0].title = std::string(900, 'z');
  for (SheetHit& hit : sheet.rows[0].hits) {
    hit.product_id = std::string(1024, '7');
    hit.category = std::string(200, 'w');
  }
  const cv::Mat page = DrawContactSheet(sheet);
  EXPECT_EQ(page.size(), DrawContactSheet(SheetOf(4)).size());
  const cv::Mat margin = page.colRange(page.cols - 28, page.cols).clone();
  EXPECT_EQ(cv::countNonZero(margin.reshape(1) != 255), 0);
  // The captions of neighbours keep apart.
  const int between = BoxOf(page, kGreen).x + 168 + 9;
  EXPECT_EQ(cv::countNonZero(page.rowRange(120, page.rows)
                                 .colRange(between - 4, between + 4)
                                 .clone()
                                 .reshape(1) != 255),
            0);
}

TEST(ParseContactSheet, ReadsWhatItIsGiven) {
  testing::TempDir dir;
  std::string jpeg;
  ASSERT_TRUE(absl::Base64Unescape(JpegBase64(), &jpeg));
  testing::WriteAll(dir / "q.jpg", jpeg);
  const auto sheet = ParseContactSheet(
      R"({"title":"T","query":{"label":"L","images":[{"path":")" +
      (dir / "q.jpg").string() + R"("},{"jpeg_base64":")" + JpegBase64() +
      R"("}]},"rows":[{"title":"similar","hits":[{"jpeg_base64":")" +
      JpegBase64() +
      R"(","score":0.973,"same_content":true,"product_id":"123",)"
      R"("category":"Dress","title":"A dress"},{"score":null}]}]})");
  ASSERT_TRUE(sheet.ok()) << sheet.status();
  EXPECT_EQ(sheet->title, "T");
  EXPECT_EQ(sheet->query_label, "L");
  ASSERT_EQ(sheet->query.size(), 2u);
  EXPECT_EQ(sheet->query[0].size(), cv::Size(30, 40));
  ASSERT_EQ(sheet->rows.size(), 1u);
  ASSERT_EQ(sheet->rows[0].hits.size(), 2u);
  const SheetHit& hit = sheet->rows[0].hits[0];
  EXPECT_EQ(hit.score, 0.973);
  EXPECT_TRUE(hit.same_content);
  EXPECT_EQ(hit.product_id, "123");
  EXPECT_EQ(hit.category, "Dress");
  EXPECT_FALSE(hit.picture.empty());
  EXPECT_TRUE(std::isnan(sheet->rows[0].hits[1].score));
  EXPECT_TRUE(sheet->rows[0].hits[1].picture.empty());
}

TEST(ParseContactSheet, LeavesOutDamagedThumbnails) {
  for (const char* text : {"!!!", "AAAA"}) {
    const auto sheet =
        ParseContactSheet(std::string(R"({"rows":[{"hits":[{"jpeg_base64":")") +
                          text + "\"}]}]}");
    ASSERT_TRUE(sheet.ok()) << sheet.status();
    EXPECT_TRUE(sheet->rows[0].hits[0].picture.empty());
  }
}

TEST(ParseContactSheet, NamesWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "not JSON"},
      {"{\"rows\":[", "not JSON"},
      {"[1]", "must be a JSON object, not an array"},
      {"{}", "rows must be an array"},
      {R"({"rows":{}})", "rows must be an array, not an object"},
      {R"({"rows":[{"hits":7}]})", "rows[0].hits must be an array, not 7"},
      {R"({"rows":[{"hits":[{},{"score":"x"}]}]})",
       "rows[0].hits[1].score must be a number, not \"x\""},
      {R"({"rows":[{"hits":[{"product_id":5}]}]})",
       "rows[0].hits[0].product_id must be a string, not 5"},
      {R"({"rows":[],"title":3})", "title must be a string, not 3"},
      {R"({"rows":[],"query":{"images":[3]}})", "query.images[0]"},
      {R"({"rows":[],"query":{"images":[{"path":"/no/such.jpg"}]}})",
       "/no/such.jpg"},
      {R"({"rows":[],"query":{"images":[{"jpeg_base64":"AAAA"}]}})",
       "query.images[0].jpeg_base64"}};
  for (const auto& [text, message] : cases) {
    const auto sheet = ParseContactSheet(text);
    ASSERT_FALSE(sheet.ok()) << text;
    EXPECT_THAT(std::string(sheet.status().message()), HasSubstr(message))
        << text;
  }
}

TEST(ParseContactSheet, RefusesAQueryPictureThatIsNone) {
  testing::TempDir dir;
  testing::WriteAll(dir / "q.jpg", "hello");
  const auto sheet =
      ParseContactSheet(R"({"rows":[],"query":{"images":[{"path":")" +
                        (dir / "q.jpg").string() + "\"}]}}");
  EXPECT_EQ(sheet.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(sheet.status().message()), HasSubstr("q.jpg"));
}

TEST(ParseContactSheet, SurvivesDeepNesting) {
  EXPECT_FALSE(ParseContactSheet(std::string(200'000, '[')).ok());
  EXPECT_FALSE(ParseContactSheet("{\"rows\":" + std::string(200'000, '[') +
                                 std::string(200'000, ']') + "}")
                   .ok());
}

}  // namespace
}  // namespace vitrine
