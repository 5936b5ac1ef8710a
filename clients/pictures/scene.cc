#include "clients/pictures/scene.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "clients/pictures/backdrop.h"

namespace vitrine {
namespace {

constexpr double kRadians = std::numbers::pi / 180;

// From a pixel of the picture to units of the board's top-left corner.
cv::Matx33d PickPose(const Board& board, const Shot& shot, Random& random,
                     double* scale) {
  const cv::Rect2d& box = board.bounds();
  const double turn =
      random.Uniform(-1, 1) * shot.max_turn * (random.Chance(0.4) ? 0.25 : 1);
  const double c = std::cos(turn * kRadians), s = std::sin(turn * kRadians);
  const double wide = std::abs(c) * box.width + std::abs(s) * box.height;
  const double high = std::abs(s) * box.width + std::abs(c) * box.height;
  const double fit = std::min(kPictureWidth / wide, kPictureHeight / high);
  *scale = fit * random.Uniform(shot.fill_low, shot.fill_high);
  const double room_x = kPictureWidth - wide * *scale;
  const double room_y = kPictureHeight - high * *scale;
  const Point centre(kPictureWidth / 2 + random.Uniform(-0.22, 0.22) * room_x,
                     kPictureHeight / 2 + random.Uniform(-0.22, 0.22) * room_y);
  const double shear = random.Uniform(-0.05, 0.05);
  const double mirror = shot.may_flip && random.Chance(0.5) ? -1 : 1;
  const cv::Matx33d to_origin(1, 0, -(box.x + box.width / 2), 0, 1,
                              -(box.y + box.height / 2), 0, 0, 1);
  const cv::Matx33d bend(mirror, shear, 0, 0, random.Uniform(0.96, 1.04), 0,
                         random.Uniform(-2e-4, 2e-4),
                         random.Uniform(-3e-4, 3e-4), 1);
  const cv::Matx33d place(c * *scale, -s * *scale, centre.x, s * *scale,
                          c * *scale, centre.y, 0, 0, 1);
  cv::Matx33d inverse = (place * bend * to_origin).inv();
  inverse(0, 0) += Board::kWidth / 2 * inverse(2, 0);
  inverse(0, 1) += Board::kWidth / 2 * inverse(2, 1);
  inverse(0, 2) += Board::kWidth / 2 * inverse(2, 2);
  return inverse;
}

// Slope of the relief a pixel: across, down, and lit from `light`.
cv::Mat Slopes(const cv::Mat& relief, Point light, double steepness) {
  cv::Mat out(relief.size(), CV_32FC3, cv::Scalar(0, 0, 0));
  const auto lx = static_cast<float>(light.x), ly = static_cast<float>(light.y);
  const auto k = static_cast<float>(steepness / 2);
  for (int y = 1; y + 1 < relief.rows; ++y) {
    const float* above = relief.ptr<float>(y - 1);
    const float* row = relief.ptr<float>(y);
    const float* below = relief.ptr<float>(y + 1);
    auto* o = out.ptr<cv::Vec3f>(y);
    for (int x = 1; x + 1 < relief.cols; ++x) {
      const float gx = (row[x + 1] - row[x - 1]) * k;
      const float gy = (below[x] - above[x]) * k;
      const float norm = 1 / std::sqrt(1 + gx * gx + gy * gy);
      o[x] = {gx, gy, (lx * gx + ly * gy) * norm};
    }
  }
  return out;
}

struct Light {
  double strength;  // of the relief's light and dark
  double gain[3];   // of blue, green, red
  double vignette;  // how dark the corners are
  double slant[2];  // across and down the picture
  double shadow;    // on the backdrop
  double noise;     // of the sensor, in levels
};

Light PickLight(Random& random) {
  const double exposure = random.Uniform(0.9, 1.06);
  const double warmth = random.Uniform(-0.05, 0.05);
  return {.strength = random.Uniform(0.42, 0.7),
          .gain = {exposure * (1 - warmth), exposure, exposure * (1 + warmth)},
          .vignette = random.Chance(0.5) ? 0 : random.Uniform(0.03, 0.2),
          .slant = {random.Uniform(-0.08, 0.08), random.Uniform(-0.08, 0.08)},
          .shadow = random.Uniform(0.25, 0.55),
          .noise = random.Chance(0.5) ? random.Uniform(0.5, 1.5)
                                      : random.Uniform(1.5, 3)};
}

// 255 = no shadow. A tight one where the garment touches, a wide one beside it.
cv::Mat ShadowOf(const cv::Mat& coverage, bool upright, Point towards,
                 double strength) {
  cv::Mat small, shifted, tight, wide, out;
  cv::resize(coverage, small, coverage.size() / 2, 0, 0, cv::INTER_AREA);
  const double reach = upright ? 5 : 3;
  const cv::Matx23d move(1, 0, towards.x * reach, 0, 1, towards.y * reach + 1);
  cv::warpAffine(small, shifted, move, small.size());
  const int r = upright ? 17 : 9;
  cv::blur(shifted, wide, {r, r});
  cv::blur(wide, wide, {r, r});
  cv::blur(small, tight, {5, 5});
  for (int y = 0; y < wide.rows; ++y) {
    uint8_t* w = wide.ptr(y);
    const uint8_t* t = tight.ptr(y);
    for (int x = 0; x < wide.cols; ++x) {
      const double dark = strength * (0.7 * w[x] + 0.5 * t[x]) / 255;
      w[x] = static_cast<uint8_t>(255 * std::max(0.2, 1 - dark));
    }
  }
  cv::resize(wide, out, coverage.size(), 0, 0, cv::INTER_LINEAR_EXACT);
  return out;
}

}  // namespace

Picture Photograph(const Board& board, const Shot& shot, Random& random) {
  double scale = 1;
  const cv::Matx33d pose = PickPose(board, shot, random, &scale);
  const double lit_from = random.Uniform(0, 360);
  const Point light_at(std::cos(lit_from * kRadians) * 0.8,
                       -std::abs(std::sin(lit_from * kRadians)));
  const Light light = PickLight(random);
  const cv::Size size(kPictureWidth, kPictureHeight);

  cv::Mat slope_map(size, CV_32FC2), colour_map(size, CV_32FC2),
      shade_map(size, CV_32FC2);
  for (int y = 0; y < size.height; ++y) {
    auto* to_slope = slope_map.ptr<cv::Vec2f>(y);
    for (int x = 0; x < size.width; ++x) {
      const double w = pose(2, 0) * x + pose(2, 1) * y + pose(2, 2);
      to_slope[x] = {
          static_cast<float>((pose(0, 0) * x + pose(0, 1) * y + pose(0, 2)) /
                             (w * Board::kRelief)),
          static_cast<float>((pose(1, 0) * x + pose(1, 1) * y + pose(1, 2)) /
                             (w * Board::kRelief))};
    }
  }
  cv::Mat slopes;
  cv::remap(Slopes(board.Relief(), light_at, 0.8), slopes, slope_map,
            cv::noArray(), cv::INTER_LINEAR, cv::BORDER_CONSTANT);
  // Cloth that rises and falls shows its pattern bent.
  constexpr float kBend = 1.6f;
  for (int y = 0; y < size.height; ++y) {
    const auto* at = slope_map.ptr<cv::Vec2f>(y);
    const auto* slope = slopes.ptr<cv::Vec3f>(y);
    auto* to_colour = colour_map.ptr<cv::Vec2f>(y);
    auto* to_shade = shade_map.ptr<cv::Vec2f>(y);
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < 2; ++c) {
        const float unit = at[x][c] * Board::kRelief +
                           kBend * std::clamp(slope[x][c], -1.5f, 1.5f);
        to_shade[x][c] = unit;
        to_colour[x][c] = unit * Board::kScale;
      }
    }
  }
  cv::Mat sheet;
  cv::merge(std::array{board.colour(), board.coverage()}, sheet);
  if (scale < 0.8) cv::blur(sheet, sheet, {3, 3});
  cv::Mat seen, shade;
  cv::remap(sheet, seen, colour_map, cv::noArray(), cv::INTER_LINEAR,
            cv::BORDER_CONSTANT);
  cv::remap(board.shade(), shade, shade_map, cv::noArray(), cv::INTER_LINEAR,
            cv::BORDER_REPLICATE);

  Picture picture;
  cv::extractChannel(seen, picture.coverage, 3);
  const Backdrop backdrop =
      DrawBackdrop(size.width, size.height, shot.garment, shot.studio, random);
  const cv::Mat shadow =
      ShadowOf(picture.coverage, backdrop.upright, -light_at, light.shadow);
  picture.pixels.create(size, CV_8UC3);
  const uint8_t* grain = GrainTile();
  const int grain_x = random.Int(0, kTile - 1),
            grain_y = random.Int(0, kTile - 1);
  const auto strength = static_cast<float>(light.strength);
  const auto gloss = static_cast<float>(board.gloss());
  const auto noise = static_cast<float>(light.noise / 37);
  for (int y = 0; y < size.height; ++y) {
    const auto* s = seen.ptr<cv::Vec4b>(y);
    const auto* sl = slopes.ptr<cv::Vec3f>(y);
    const auto* back = backdrop.pixels.ptr<cv::Vec3b>(y);
    const uint8_t* dark = shade.ptr(y);
    const uint8_t* cast = shadow.ptr(y);
    const uint8_t* g = grain + (y + grain_y) % kTile * kTile;
    auto* out = picture.pixels.ptr<cv::Vec3b>(y);
    const float v = static_cast<float>(y) / size.height - 0.5f;
    for (int x = 0; x < size.width; ++x) {
      const float u = static_cast<float>(x) / size.width - 0.5f;
      const float fall =
          (1 + static_cast<float>(light.slant[0]) * u +
           static_cast<float>(light.slant[1]) * v) *
          (1 - static_cast<float>(light.vignette) * 2 * (u * u + v * v));
      const float alpha = s[x][3] / 255.0f;
      const float relief = sl[x][2];
      const float lit = dark[x] / 255.0f * (1 + strength * relief);
      const float rise = std::max(0.0f, relief);
      // A sheen keeps dark cloth from looking flat; gloss is a tight light.
      const float sheen =
          10 * relief + 16 * rise + gloss * 190 * rise * rise * rise * rise;
      const float grit = (g[(x + grain_x) % kTile] - 127) * noise;
      for (int c = 0; c < 3; ++c) {
        const float cloth = s[x][c] * lit + sheen * alpha;
        const float ground = back[x][c] * (cast[x] / 255.0f);
        const float value = (ground * (1 - alpha) + cloth) * fall *
                                static_cast<float>(light.gain[c]) +
                            grit;
        out[x][c] = cv::saturate_cast<uint8_t>(value);
      }
    }
  }
  const double focus = random.Uniform(0, 0.8);
  if (focus > 0.35) {
    cv::GaussianBlur(picture.pixels, picture.pixels, {3, 3}, focus);
  }
  return picture;
}

}  // namespace vitrine
