#include "common/image/quality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace vitrine {
namespace {

constexpr int kSize = 256;

std::vector<uint8_t> Draw(const std::function<double(int x, int y)>& luma) {
  std::vector<uint8_t> rgb;
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      const auto value = static_cast<uint8_t>(
          std::lround(255 * std::clamp(luma(x, y), 0.0, 1.0)));
      rgb.insert(rgb.end(), 3, value);
    }
  }
  return rgb;
}

// A dark square on light ground, with edges `soft` pixels wide.
double Square(int x, int y, double soft) {
  const double inside =
      70 - std::max(std::abs(x - kSize / 2), std::abs(y - kSize / 2));
  return 0.5 - 0.4 * std::tanh(inside / soft);
}

std::vector<std::string> WarningsOf(
    const std::function<double(int x, int y)>& luma, int width = 400,
    int height = 500) {
  return QualityWarnings(MeasureQuality(Draw(luma).data(), kSize), width,
                         height);
}

bool Warns(const std::vector<std::string>& warnings, const std::string& of) {
  return warnings.size() == 1 && warnings[0].starts_with(of);
}

TEST(Quality, MeasuresWhatItSays) {
  const ImageQuality flat =
      MeasureQuality(Draw([](int, int) { return 0.4; }).data(), kSize);
  EXPECT_NEAR(flat.brightness, 0.4, 0.002);
  EXPECT_NEAR(flat.contrast, 0, 1e-3);
  EXPECT_NEAR(flat.sharpness, 0, 1e-5);
  const ImageQuality halves = MeasureQuality(
      Draw([](int x, int) { return x < kSize / 2 ? 0.2 : 0.6; }).data(), kSize);
  EXPECT_NEAR(halves.brightness, 0.4, 0.002);
  EXPECT_NEAR(halves.contrast, 0.2, 0.002);
  // Each pixel of a chequerboard of 0 and 1 differs by 1 from its four
  // neighbours.
  const ImageQuality board = MeasureQuality(
      Draw([](int x, int y) { return (x + y) % 2; }).data(), kSize);
  EXPECT_NEAR(board.sharpness, 4, 0.01);
}

TEST(Quality, WarnsOfWhatPeopleWouldSee) {
  const auto sharp = [](int x, int y) { return Square(x, y, 0.5); };
  EXPECT_TRUE(WarningsOf(sharp).empty());
  EXPECT_TRUE(Warns(WarningsOf([](int x, int y) { return Square(x, y, 12); }),
                    "blurred"));
  EXPECT_TRUE(
      Warns(WarningsOf([&](int x, int y) { return 0.15 * sharp(x, y); }),
            "too dark"));
  EXPECT_TRUE(Warns(WarningsOf([](int, int) { return 0.97; }), "nearly blank"));
  EXPECT_TRUE(Warns(WarningsOf([](int, int) { return 0; }), "nearly blank"));
  EXPECT_TRUE(Warns(WarningsOf(sharp, 60, 80), "too small: 60 × 80 pixels"));
  // Smooth because it was made larger.
  EXPECT_TRUE(
      Warns(WarningsOf([](int x, int y) { return Square(x, y, 12); }, 100, 300),
            "too small"));
}

}  // namespace
}  // namespace vitrine
