#include "clients/pictures/cloth.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

namespace vitrine {
namespace {

const PatternColours kColours = {{200, 30, 40}, {240, 240, 240}, {20, 30, 90}};

// The share of a tile that has a colour.
double Share(const cv::Mat& tile, Rgb c) {
  cv::Mat mask;
  const cv::Scalar bgr(c.b, c.g, c.r, 0);
  cv::inRange(tile, bgr, bgr, mask);
  return cv::countNonZero(mask) / static_cast<double>(tile.total());
}

TEST(PatternedCloth, SolidHasNoTile) {
  Random random(1, 2, 3);
  const Cloth cloth = PatternedCloth(Pattern::kSolid, kColours, Weave::kPlain,
                                     StripeWay::kAcross, random);
  EXPECT_TRUE(cloth.pattern.empty());
  EXPECT_EQ(cloth.colour.r, kColours.ground.r);
}

TEST(PatternedCloth, KeepsTheGroundAndShowsAnotherColour) {
  for (const Pattern pattern :
       {Pattern::kStriped, Pattern::kDotted, Pattern::kPrinted}) {
    for (uint64_t id = 0; id < 40; ++id) {
      Random random(1, id, 0);
      const Cloth cloth = PatternedCloth(pattern, kColours, Weave::kPlain,
                                         StripeWay::kAcross, random);
      const double ground = Share(cloth.pattern, kColours.ground);
      EXPECT_GE(ground, 0.4) << PatternName(pattern) << " " << id;
      EXPECT_LE(ground, 0.97) << PatternName(pattern) << " " << id;
    }
  }
}

TEST(PatternedCloth, ChecksMixWhereThreadsCross) {
  for (uint64_t id = 0; id < 20; ++id) {
    Random random(1, id, 0);
    const Cloth cloth = PatternedCloth(
        Pattern::kChecked, kColours, Weave::kPlain, StripeWay::kAcross, random);
    const double ground = Share(cloth.pattern, kColours.ground);
    EXPECT_GT(ground, 0.15) << id;
    EXPECT_LT(ground, 0.9) << id;
    // The same across as upright.
    EXPECT_EQ(cv::norm(cloth.pattern, cloth.pattern.t(), cv::NORM_INF), 0);
  }
}

TEST(PatternedCloth, StripesRunAsAsked) {
  Random random(1, 4, 0);
  const Cloth across = PatternedCloth(
      Pattern::kStriped, kColours, Weave::kPlain, StripeWay::kAcross, random);
  for (int y = 0; y < kTile; ++y) {
    EXPECT_EQ(across.pattern.at<cv::Vec4b>(y, 0),
              across.pattern.at<cv::Vec4b>(y, 77));
  }
  const Cloth upright = PatternedCloth(
      Pattern::kStriped, kColours, Weave::kPlain, StripeWay::kUpright, random);
  for (int x = 0; x < kTile; ++x) {
    EXPECT_EQ(upright.pattern.at<cv::Vec4b>(0, x),
              upright.pattern.at<cv::Vec4b>(77, x));
  }
}

TEST(WeaveTile, KeepsTheMeanBrightness) {
  for (int i = 0; i < kWeaves; ++i) {
    const uint8_t* tile = WeaveTile(static_cast<Weave>(i));
    double sum = 0;
    for (int p = 0; p < kTile * kTile; ++p) sum += tile[p];
    EXPECT_NEAR(sum / (kTile * kTile), 128, 12) << i;
  }
}

}  // namespace
}  // namespace vitrine
