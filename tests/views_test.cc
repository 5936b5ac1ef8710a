#include "clients/eval/views.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vitrine::eval {
namespace {

// Red on the left, fading to blue on the right.
Image Photo() {
  Image image;
  image.width = 120;
  image.height = 160;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      image.rgb.push_back(static_cast<uint8_t>(220 - x));
      image.rgb.push_back(static_cast<uint8_t>(60 + y / 2));
      image.rgb.push_back(static_cast<uint8_t>(60 + x));
    }
  }
  return image;
}

double Difference(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) {
    sum += std::abs(int{a.rgb[i]} - int{b.rgb[i]});
  }
  return sum / static_cast<double>(a.rgb.size());
}

TEST(OtherView, ChangesThePhotoAndKeepsItsSize) {
  const auto view = OtherView(Photo(), 3);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->width, 120);
  EXPECT_EQ(view->height, 160);
  EXPECT_GT(Difference(*view, Photo()), 3);
}

TEST(OtherView, IsTheSameForTheSameSeed) {
  EXPECT_EQ(OtherView(Photo(), 3)->rgb, OtherView(Photo(), 3)->rgb);
  EXPECT_NE(OtherView(Photo(), 3)->rgb, OtherView(Photo(), 4)->rgb);
}

// Half of the views are mirrored: red is on the other side.
TEST(OtherView, MirrorsSome) {
  int mirrored = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const auto view = OtherView(Photo(), seed);
    ASSERT_TRUE(view.ok());
    const size_t row = size_t{80} * 120 * 3;
    mirrored += view->rgb[row + 15] < view->rgb[row + 105 * 3];
  }
  EXPECT_GT(mirrored, 8);
  EXPECT_LT(mirrored, 32);
}

TEST(OtherView, TakesTheSmallestPhoto) {
  Image dot;
  dot.width = dot.height = 1;
  dot.rgb = {10, 20, 30};
  EXPECT_TRUE(OtherView(dot, 1).ok());
}

}  // namespace
}  // namespace vitrine::eval
