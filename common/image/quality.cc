#include "common/image/quality.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace vitrine {
namespace {

constexpr int kTiles = 8;

// Of 500 shop photos the least has 0.23, 0.053 and 0.046; what lies below these
// can hardly be told by eye.
constexpr double kDark = 0.1;
constexpr double kBlank = 0.02;
constexpr double kBlurred = 0.02;
constexpr int kSmallSide = 160;

// Rec. 601.
float LumaOf(const uint8_t* rgb) {
  return (0.299f * static_cast<float>(rgb[0]) +
          0.587f * static_cast<float>(rgb[1]) +
          0.114f * static_cast<float>(rgb[2])) /
         255;
}

}  // namespace

ImageQuality MeasureQuality(const uint8_t* rgb, int size) {
  const auto side = static_cast<size_t>(size);
  std::vector<float> luma(side * side);
  double sum = 0, squares = 0;
  for (size_t i = 0; i < luma.size(); ++i) {
    luma[i] = LumaOf(rgb + 3 * i);
    sum += luma[i];
    squares += double{luma[i]} * luma[i];
  }
  ImageQuality quality;
  const auto n = static_cast<double>(luma.size());
  quality.brightness = sum / n;
  quality.contrast = std::sqrt(
      std::max(0.0, squares / n - quality.brightness * quality.brightness));
  // The border has no second derivative.
  const size_t tile = (side - 2) / kTiles;
  for (size_t ty = 0; ty < kTiles; ++ty) {
    for (size_t tx = 0; tx < kTiles; ++tx) {
      float total = 0;
      for (size_t y = 1 + ty * tile; y < 1 + (ty + 1) * tile; ++y) {
        const float* row = luma.data() + y * side;
        for (size_t x = 1 + tx * tile; x < 1 + (tx + 1) * tile; ++x) {
          total += std::fabs(4 * row[x] - row[x - 1] - row[x + 1] -
                             row[x - side] - row[x + side]);
        }
      }
      quality.sharpness = std::max(
          quality.sharpness, double{total} / static_cast<double>(tile * tile));
    }
  }
  return quality;
}

std::vector<std::string> QualityWarnings(const ImageQuality& quality, int width,
                                         int height) {
  std::vector<std::string> warnings;
  if (std::min(width, height) < kSmallSide) {
    warnings.push_back(absl::StrFormat(
        "too small: %d × %d pixels; at least %d a side are found better", width,
        height, kSmallSide));
  }
  if (quality.contrast < kBlank) {
    warnings.push_back(
        absl::StrFormat("nearly blank: its brightness hardly varies (%.3f of "
                        "1); is it the right picture?",
                        quality.contrast));
    return warnings;
  }
  if (quality.brightness < kDark) {
    warnings.push_back(
        absl::StrFormat("too dark: its mean brightness is %.2f of 1; take it "
                        "with more light",
                        quality.brightness));
    // Whether it is sharp can hardly be told.
    return warnings;
  }
  // A picture that was small is smooth when it is made larger.
  if (quality.sharpness < kBlurred && std::min(width, height) >= kSmallSide) {
    warnings.push_back(absl::StrFormat(
        "blurred: nothing in it is sharp (%.3f, where photos of garments have "
        "0.05 and more); take it again",
        quality.sharpness));
  }
  return warnings;
}

}  // namespace vitrine
