#include "clients/pictures/cloth.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace vitrine {
namespace {

cv::Vec4b Pixel(Rgb c) {
  return {static_cast<uint8_t>(c.b), static_cast<uint8_t>(c.g),
          static_cast<uint8_t>(c.r), 0};
}

// One repeat of stripes, pixel by pixel. Its length divides kTile.
using Profile = std::vector<Rgb>;

struct Band {
  Rgb colour;
  double share;
};

Profile MakeProfile(int period, const std::vector<Band>& bands) {
  Profile profile;
  double end = 0;
  for (const Band& band : bands) {
    end += band.share;
    const auto until = static_cast<size_t>(std::lround(end * period));
    profile.resize(std::max(until, profile.size()), band.colour);
  }
  profile.resize(period, bands.front().colour);
  return profile;
}

Profile StripeProfile(const PatternColours& c, Random& random) {
  switch (random.Int(0, 5)) {
    case 0:  // even
      return MakeProfile(random.Pick({32, 64, 64, 128}),
                         {{c.ground, 0.52}, {c.second, 0.48}});
    case 1:  // Breton
      return MakeProfile(random.Pick({32, 64}),
                         {{c.ground, 0.68}, {c.second, 0.32}});
    case 2:  // pin
      return MakeProfile(random.Pick({16, 32}),
                         {{c.ground, 0.8}, {c.second, 0.2}});
    case 3:  // broad with a line
      return MakeProfile(128, {{c.ground, 0.52},
                               {c.second, 0.2},
                               {c.third, 0.08},
                               {c.second, 0.2}});
    case 4:  // two lines
      return MakeProfile(64, {{c.ground, 0.6},
                              {c.second, 0.14},
                              {c.ground, 0.12},
                              {c.third, 0.14}});
    default:  // few and broad
      return MakeProfile(256, {{c.ground, 0.55},
                               {c.second, 0.25},
                               {c.ground, 0.06},
                               {c.third, 0.14}});
  }
}

void DrawStripes(const PatternColours& colours, StripeWay way, Random& random,
                 cv::Mat& tile) {
  const Profile profile = StripeProfile(colours, random);
  const int period = static_cast<int>(profile.size());
  if (way == StripeWay::kEither) {
    way = random.Chance(0.5) ? StripeWay::kAcross : StripeWay::kUpright;
  }
  for (int y = 0; y < kTile; ++y) {
    auto* row = tile.ptr<cv::Vec4b>(y);
    for (int x = 0; x < kTile; ++x) {
      row[x] = Pixel(profile[(way == StripeWay::kAcross ? y : x) % period]);
    }
  }
}

// Two sets of stripes woven through each other: where they cross, the mean of
// both, as dyed threads give.
void DrawChecks(const PatternColours& c, Random& random, cv::Mat& tile) {
  Profile profile;
  switch (random.Int(0, 4)) {
    case 0:  // gingham
      profile =
          MakeProfile(random.Pick({32, 64}),
                      {{c.ground, 0.5}, {Mix(c.ground, c.second, 0.9), 0.5}});
      break;
    case 1:  // buffalo
      profile = MakeProfile(128, {{c.ground, 0.5}, {c.second, 0.5}});
      break;
    case 2:  // windowpane
      profile = MakeProfile(random.Pick({64, 128}),
                            {{c.ground, 0.9}, {c.second, 0.1}});
      break;
    case 3:  // tartan
      profile = MakeProfile(128, {{c.ground, 0.42},
                                  {c.second, 0.18},
                                  {c.ground, 0.06},
                                  {c.third, 0.04},
                                  {c.ground, 0.06},
                                  {c.second, 0.18},
                                  {c.third, 0.06}});
      break;
    default:  // madras
      profile = MakeProfile(256, {{c.ground, 0.3},
                                  {c.second, 0.06},
                                  {c.ground, 0.1},
                                  {c.third, 0.16},
                                  {c.ground, 0.14},
                                  {c.second, 0.14},
                                  {c.ground, 0.06},
                                  {c.third, 0.04}});
  }
  const int period = static_cast<int>(profile.size());
  for (int y = 0; y < kTile; ++y) {
    auto* row = tile.ptr<cv::Vec4b>(y);
    for (int x = 0; x < kTile; ++x) {
      row[x] = Pixel(Mix(profile[x % period], profile[y % period], 0.5));
    }
  }
}

void DrawDots(const PatternColours& c, Random& random, cv::Mat& tile) {
  const int step = random.Pick({32, 64, 64, 128});
  const double r = step * random.Uniform(0.16, 0.3);
  const bool brick = random.Chance(0.8), two = random.Chance(0.25);
  const cv::Scalar second(c.second.b, c.second.g, c.second.r);
  const cv::Scalar third(c.third.b, c.third.g, c.third.r);
  constexpr int kShift = 4;
  for (int row = -1; row <= kTile / step; ++row) {
    for (int column = -1; column <= kTile / step; ++column) {
      const double x = (column + (brick && row % 2 ? 0.75 : 0.25)) * step;
      const double y = (row + 0.5) * step;
      cv::circle(tile,
                 {static_cast<int>(x * (1 << kShift)),
                  static_cast<int>(y * (1 << kShift))},
                 static_cast<int>(r * (1 << kShift)),
                 two && (row + column) % 2 ? third : second, cv::FILLED,
                 cv::LINE_AA, kShift);
    }
  }
}

}  // namespace

std::string_view PatternName(Pattern pattern) {
  constexpr std::string_view kNames[kPatterns] = {"Solid", "Striped", "Checked",
                                                  "Dotted", "Printed"};
  return kNames[static_cast<int>(pattern)];
}

Cloth SolidCloth(Rgb colour, Weave weave) {
  return {.colour = colour, .pattern = {}, .weave = WeaveTile(weave)};
}

Cloth PatternedCloth(Pattern pattern, const PatternColours& colours,
                     Weave weave, StripeWay way, Random& random) {
  Cloth cloth = SolidCloth(colours.ground, weave);
  if (pattern == Pattern::kSolid) return cloth;
  cloth.pattern.create(kTile, kTile, CV_8UC4);
  cloth.pattern.setTo(cv::Scalar(Pixel(colours.ground)));
  switch (pattern) {
    case Pattern::kSolid:
      break;
    case Pattern::kStriped:
      DrawStripes(colours, way, random, cloth.pattern);
      break;
    case Pattern::kChecked:
      DrawChecks(colours, random, cloth.pattern);
      break;
    case Pattern::kDotted:
      DrawDots(colours, random, cloth.pattern);
      break;
    case Pattern::kPrinted:
      PrintTile(colours, random, cloth.pattern);
      break;
  }
  return cloth;
}

}  // namespace vitrine
