#include "clients/pictures/backdrop.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "clients/pictures/cloth.h"

namespace vitrine {
namespace {

constexpr int kWrap = kTile - 1;

int At(const uint8_t* tile, int x, int y) {
  return tile[(y & kWrap) * kTile + (x & kWrap)];
}

void Put(cv::Vec3b& pixel, Rgb colour, double light) {
  const int l = static_cast<int>(light * 256);
  pixel[0] = cv::saturate_cast<uint8_t>(colour.b * l >> 8);
  pixel[1] = cv::saturate_cast<uint8_t>(colour.g * l >> 8);
  pixel[2] = cv::saturate_cast<uint8_t>(colour.r * l >> 8);
}

// Calls light(x, y) for each pixel, to be multiplied with one colour.
template <typename Light>
void Shade(cv::Mat& out, Rgb colour, const Light& light) {
  for (int y = 0; y < out.rows; ++y) {
    auto* row = out.ptr<cv::Vec3b>(y);
    for (int x = 0; x < out.cols; ++x) Put(row[x], colour, light(x, y));
  }
}

// Where a garment would be lost, moves away from its brightness.
Rgb Apart(Rgb colour, Rgb garment) {
  if (ColourDistance(colour, garment) > 90) return colour;
  return Luma(garment) > 110 ? Scale(colour, 0.62)
                             : Mix(colour, {255, 255, 255}, 0.55);
}

void Paper(cv::Mat& out, Rgb colour, Random& random) {
  // Light falls off from a point near the top, and the sweep turns to floor.
  const double cx = random.Uniform(0.2, 0.8) * out.cols;
  const double cy = random.Uniform(0.0, 0.5) * out.rows;
  const double fall = random.Uniform(0, 0.16);
  const bool floor = random.Chance(0.35);
  const double line = random.Uniform(0.72, 0.85) * out.rows;
  const double scale = 1.0 / (out.cols * out.cols + out.rows * out.rows);
  Shade(out, colour, [&](int x, int y) {
    const double d2 = ((x - cx) * (x - cx) + (y - cy) * (y - cy)) * scale;
    double light = 1 - fall * 2 * d2;
    if (floor) {
      light *= 1 - 0.07 * std::clamp((y - line) / 30 + 0.5, 0.0, 1.0);
    }
    return light;
  });
}

void Planks(cv::Mat& out, Rgb garment, Random& random) {
  const Rgb wood = Apart(random.Pick<Rgb>({{166, 120, 78},
                                           {196, 158, 116},
                                           {104, 72, 50},
                                           {150, 142, 132},
                                           {214, 190, 160},
                                           {128, 88, 58}}),
                         garment);
  const uint8_t* cloud = CloudTile();
  const uint8_t* grain = GrainTile();
  const bool upright = random.Chance(0.6);
  const int width = random.Int(38, 80), start = random.Int(0, width);
  std::vector<double> tone;
  std::vector<int> shift, joint;
  for (int i = 0; i < 20; ++i) {
    tone.push_back(random.Uniform(0.84, 1.1));
    shift.push_back(random.Int(0, kTile - 1));
    joint.push_back(random.Int(0, 700));
  }
  Shade(out, wood, [&](int x, int y) {
    const int across = (upright ? x : y) + start;
    const int along = upright ? y : x;
    const int plank = across / width % 20, in = across % width;
    const int to_joint = (along + joint[plank]) % 420;
    if (in < 2 || to_joint < 2) return 0.45;
    // Grain: noise drawn out along the plank, in rings.
    const int soft =
        At(cloud, across * 3 + shift[plank], along / 3 + shift[plank]);
    const double ring = std::abs((soft * 5 + across * 2) % 64 - 32) / 32.0;
    const int fine = At(grain, across + shift[plank], along / 24);
    return tone[plank] *
           (0.88 + 0.12 * ring + (fine - 128) * 0.0009 + (soft - 128) * 0.0008);
  });
}

void Tiles(cv::Mat& out, Rgb garment, Random& random) {
  const Rgb stone = Apart(
      random.Pick<Rgb>(
          {{222, 214, 200}, {190, 190, 188}, {120, 122, 126}, {236, 234, 230}}),
      garment);
  const uint8_t* cloud = CloudTile();
  const double angle = random.Chance(0.5) ? 0 : random.Uniform(0, 1.5);
  const double c = std::cos(angle), s = std::sin(angle);
  const int size = random.Int(90, 190), joint = random.Int(2, 4);
  const int sx = random.Int(0, 500), sy = random.Int(0, 500);
  const bool dark = random.Chance(0.5);
  Shade(out, stone, [&](int x, int y) {
    const int u = static_cast<int>(c * x - s * y) + 2000 + sx;
    const int v = static_cast<int>(s * x + c * y) + 2000 + sy;
    if (u % size < joint || v % size < joint) return dark ? 0.62 : 1.12;
    const int tile = u / size * 7 + v / size * 13;
    return 0.97 +
           (At(cloud, x * 2 + tile * 97, y * 2 + tile * 61) - 128) * 0.0009 +
           (tile % 5) * 0.008;
  });
}

// A bed sheet or a curtain: broad soft folds, lit from one side.
void Sheet(cv::Mat& out, Rgb colour, Random& random) {
  const uint8_t* cloud = CloudTile();
  const uint8_t* weave =
      WeaveTile(random.Chance(0.5) ? Weave::kPlain : Weave::kFleece);
  const int sx = random.Int(0, 511), sy = random.Int(0, 511);
  const double depth = random.Uniform(0.0015, 0.0035);
  const double angle = random.Uniform(0, std::numbers::pi);
  const double c = std::cos(angle), s = std::sin(angle);
  const bool stripes = random.Chance(0.2);
  const int period = random.Int(20, 60);
  Shade(out, colour, [&](int x, int y) {
    const int u = static_cast<int>((c * x - s * y) * 0.45) + sx;
    const int v = static_cast<int>((s * x + c * y) * 0.2) + sy;
    const int slope = At(cloud, u + 6, v) - At(cloud, u, v);
    double light =
        0.96 + depth * slope * 4 + (At(weave, x * 2, y * 2) - 128) / 128.0;
    if (stripes && (u + 1000) % period < period / 2) light *= 0.86;
    return light;
  });
}

void Carpet(cv::Mat& out, Rgb colour, Random& random) {
  const uint8_t* grain = GrainTile();
  const uint8_t* cloud = CloudTile();
  const int kind = random.Int(0, 2), size = random.Int(40, 90);
  const double contrast = random.Uniform(0.1, 0.3);
  Shade(out, colour, [&](int x, int y) {
    double light = 0.9 + (At(grain, x * 2, y * 2) - 128) * 0.0035 +
                   (At(cloud, x * 3, y * 3) - 128) * 0.001;
    const int u = std::abs(x % size - size / 2);
    const int v = std::abs(y % size - size / 2);
    if (kind == 1 && (u + v) % (size / 2) < size / 8) light *= 1 - contrast;
    if (kind == 2 && u * u + v * v < size * size / 16) light *= 1 + contrast;
    return light;
  });
}

}  // namespace

Backdrop DrawBackdrop(int width, int height, Rgb garment, double studio,
                      Random& random) {
  Backdrop backdrop{cv::Mat(height, width, CV_8UC3), true};
  cv::Mat& out = backdrop.pixels;
  if (random.Chance(studio)) {
    // A white garment keeps its white ground, as shops do: its shade shows it.
    const int level = random.Chance(0.6) ? 255 : random.Int(214, 246);
    Paper(out, {level, level, level - random.Int(0, 3)}, random);
    return backdrop;
  }
  const Rgb tint = Apart(Mix(random.Pick(Palette()).rgb, {236, 234, 230},
                             random.Uniform(0.35, 0.9)),
                         garment);
  switch (random.Weighted({2, 2.4, 1.2, 2, 1})) {
    case 0:
      Paper(out, tint, random);
      break;
    case 1:
      Planks(out, garment, random);
      backdrop.upright = false;
      break;
    case 2:
      Tiles(out, garment, random);
      backdrop.upright = false;
      break;
    case 3:
      Sheet(out, tint, random);
      backdrop.upright = false;
      break;
    default:
      Carpet(out, tint, random);
      backdrop.upright = false;
  }
  return backdrop;
}

}  // namespace vitrine
