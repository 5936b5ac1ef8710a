#include "clients/eval/views.h"

#include <algorithm>
#include <array>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <random>
#include <vector>

#include "common/image/image.h"

namespace vitrine::eval {
namespace {

// Evenly from low to high, alike with every standard library.
class Random {
 public:
  explicit Random(uint64_t seed) : bits_(seed) {}
  double Uniform(double low, double high) {
    const double share = static_cast<double>(bits_() >> 11) * 0x1p-53;
    return low + (high - low) * share;
  }

 private:
  std::mt19937_64 bits_;
};

// Each corner moves in by up to 14 % of the side, on its own: a crop and a
// perspective at once.
cv::Mat Tilted(const cv::Mat& view, Random& random) {
  const auto w = static_cast<float>(view.cols);
  const auto h = static_cast<float>(view.rows);
  const std::array<cv::Point2f, 4> frame = {{{0, 0}, {0, h}, {w, h}, {w, 0}}};
  std::array<cv::Point2f, 4> corners;
  for (size_t i = 0; i < frame.size(); ++i) {
    const auto x = static_cast<float>(random.Uniform(0, 0.14)) * w;
    const auto y = static_cast<float>(random.Uniform(0, 0.14)) * h;
    corners[i] = {frame[i].x > 0 ? w - x : x, frame[i].y > 0 ? h - y : y};
  }
  cv::Mat tilted;
  cv::warpPerspective(view, tilted,
                      cv::getPerspectiveTransform(corners.data(), frame.data()),
                      view.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  return tilted;
}

// Brightness by up to 30 %, contrast by up to 20 % about the mean grey, and the
// white balance between warm and cold by up to 8 %.
void Relight(cv::Mat& view, Random& random) {
  const double light = random.Uniform(0.7, 1.3);
  const double contrast = random.Uniform(0.8, 1.2);
  const double warmth = random.Uniform(-0.08, 0.08);
  cv::Mat grey;
  cv::cvtColor(view, grey, cv::COLOR_RGB2GRAY);
  const double mean = cv::mean(grey)[0] * light;
  const std::array<double, 3> gains = {1 + warmth, 1, 1 - warmth};
  view.forEach<cv::Vec3b>([&](cv::Vec3b& pixel, const int*) {
    for (int c = 0; c < 3; ++c) {
      const double lit = mean + (pixel[c] * light - mean) * contrast;
      pixel[c] = cv::saturate_cast<uint8_t>(lit * gains[c]);
    }
  });
}

}  // namespace

absl::StatusOr<Image> OtherView(const Image& photo, uint64_t seed) try {
  Random random(seed);
  const cv::Mat original(photo.height, photo.width, CV_8UC3,
                         const_cast<uint8_t*>(photo.rgb.data()));
  cv::Mat view = Tilted(original, random);
  if (random.Uniform(0, 1) < 0.5) cv::flip(view, view, 1);
  Relight(view, random);
  const double blur = random.Uniform(0, 1.2);
  if (blur > 0.1) cv::GaussianBlur(view, view, {}, blur);
  cv::cvtColor(view, view, cv::COLOR_RGB2BGR);
  std::vector<uint8_t> jpeg;
  const int quality = static_cast<int>(random.Uniform(40, 90));
  if (!cv::imencode(".jpg", view, jpeg, {cv::IMWRITE_JPEG_QUALITY, quality})) {
    return absl::InternalError("cannot encode another view as JPEG");
  }
  return DecodeImage({reinterpret_cast<const char*>(jpeg.data()), jpeg.size()});
} catch (const cv::Exception& error) {
  return absl::InternalError(error.what());
}

}  // namespace vitrine::eval
