#include "clients/eval/plots.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <vector>

namespace vitrine::eval {
namespace {

cv::Mat Decoded(const absl::StatusOr<std::string>& png) {
  EXPECT_TRUE(png.ok()) << png.status();
  if (!png.ok()) return {};
  return cv::imdecode(std::vector<uint8_t>(png->begin(), png->end()),
                      cv::IMREAD_COLOR);
}

// Where the page has exactly a colour (blue, green, red).
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

const cv::Scalar kFirst(178, 114, 0), kSecond(0, 159, 230);

// Of the bars alone: the legend stands above.
int BarHeight(const cv::Mat& page, const cv::Scalar& colour) {
  const cv::Rect below(0, 80, page.cols, page.rows - 80);
  return BoxOf(page(below), colour).height;
}

TEST(DrawBars, DrawsHeightsInProportion) {
  const cv::Mat page = Decoded(DrawBars(
      {"t", "y", {"a", "b"}, {{"g", "", {{.value = 0.8}, {.value = 0.4}}}}}));
  const int first = BarHeight(page, kFirst);
  EXPECT_GT(first, 100);
  EXPECT_NEAR(BarHeight(page, kSecond), first / 2, 2);
}

TEST(DrawBars, LeavesOutWhatIsNotKnown) {
  const cv::Mat page = Decoded(
      DrawBars({"t", "y", {"a", "b"}, {{"g", "", {{.value = 0.8}, {}}}}}));
  EXPECT_EQ(BarHeight(page, kSecond), 0);
}

TEST(DrawBars, WrapsManyGroups) {
  BarChart chart{"t", "y", {"a"}, {}};
  for (int i = 0; i < 30; ++i) {
    chart.groups.push_back({"an extractor with a long name", "", {{0.5}}});
  }
  const cv::Mat page = Decoded(DrawBars(chart));
  EXPECT_LE(page.cols, 1300);
  EXPECT_GT(page.rows, 800);
}

TEST(DrawScatter, PutsTheFasterToTheRightAndTheBetterUp) {
  const cv::Mat page = Decoded(
      DrawScatter({"t", "x", "y", {{"slow", 5, {0.4}}, {"fast", 100, {0.8}}}}));
  // The best is drawn in the first colour.
  const cv::Rect fast = BoxOf(page, kFirst), slow = BoxOf(page, kSecond);
  ASSERT_GT(fast.area(), 0);
  ASSERT_GT(slow.area(), 0);
  EXPECT_GT(fast.x, slow.x + slow.width);
  EXPECT_LT(fast.y + fast.height, slow.y);
}

TEST(DrawScatter, TakesOnePoint) {
  EXPECT_FALSE(
      Decoded(DrawScatter({"t", "x", "y", {{"only", 10, {0.5}}}})).empty());
}

TEST(DrawHeatMap, IsDarkestWhereAllIs) {
  const cv::Mat page = Decoded(
      DrawHeatMap({"t", "rows", "columns", {"a", "b"}, {{1, 0}, {NAN, NAN}}}));
  EXPECT_GT(BoxOf(page, kFirst).area(), 30 * 30);
}

}  // namespace
}  // namespace vitrine::eval
