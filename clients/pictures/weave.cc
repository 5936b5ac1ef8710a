// The tiles of brightness that make a surface look woven, knitted or tanned.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "clients/pictures/cloth.h"

namespace vitrine {
namespace {

using Tile = std::vector<uint8_t>;
constexpr double kTurn = 2 * std::numbers::pi;

Tile MakeGrain() {
  Random random(1, 0, 0);
  Tile tile(kTile * kTile);
  // The sum of four uniform numbers is close enough to a bell.
  for (uint8_t& v : tile) {
    v = static_cast<uint8_t>(63.75 * (random.Unit() + random.Unit() +
                                      random.Unit() + random.Unit()));
  }
  return tile;
}

// Value noise of `cells` × `cells` random corners, smoothly joined.
void AddNoise(int cells, double weight, Random& random,
              std::vector<double>& sum) {
  std::vector<double> corner(cells * cells);
  for (double& c : corner) c = random.Uniform(-1, 1);
  const int step = kTile / cells;
  for (int y = 0; y < kTile; ++y) {
    const int cy = y / step, ny = (cy + 1) % cells;
    double v = static_cast<double>(y % step) / step;
    v = v * v * (3 - 2 * v);
    for (int x = 0; x < kTile; ++x) {
      const int cx = x / step, nx = (cx + 1) % cells;
      double u = static_cast<double>(x % step) / step;
      u = u * u * (3 - 2 * u);
      const double top =
          corner[cy * cells + cx] * (1 - u) + corner[cy * cells + nx] * u;
      const double low =
          corner[ny * cells + cx] * (1 - u) + corner[ny * cells + nx] * u;
      sum[y * kTile + x] += weight * (top * (1 - v) + low * v);
    }
  }
}

Tile MakeCloud() {
  Random random(2, 0, 0);
  std::vector<double> sum(kTile * kTile);
  AddNoise(4, 0.5, random, sum);
  AddNoise(8, 0.3, random, sum);
  AddNoise(16, 0.2, random, sum);
  AddNoise(32, 0.1, random, sum);
  Tile tile(kTile * kTile);
  for (size_t i = 0; i < tile.size(); ++i) {
    tile[i] = static_cast<uint8_t>(std::clamp(128 + 160 * sum[i], 0.0, 255.0));
  }
  return tile;
}

double Wave(double phase) { return std::sin(kTurn * phase); }

// The brightness of one thread pattern at (x, y), as ± about 1.
double Structure(Weave weave, int x, int y) {
  switch (weave) {
    case Weave::kPlain:
    case Weave::kFleece:
      return 0;
    case Weave::kKnit: {
      // Columns of little Vs, 16 wide and 8 high.
      const double slope = std::abs((x % 16) / 8.0 - 1) * 8;
      return 0.7 * Wave((y + slope) / 8.0) +
             0.8 * std::abs(Wave((x % 16) / 32.0)) - 0.5;
    }
    case Weave::kRib:
      return 1.4 * std::abs(Wave((x % 16) / 32.0)) - 0.9;
    case Weave::kDenim:
      return 0.5 * Wave((x + y) / 8.0);
    case Weave::kLeather:
      return 0;
    case Weave::kCorduroy:
      return 1.2 * std::abs(Wave((x % 8) / 16.0)) - 0.8;
    case Weave::kStraw:
      return 0.9 * Wave(x / 16.0 + 0.25 * ((y / 8) % 2)) * Wave(y / 16.0);
  }
  return 0;
}

struct Strength {
  double structure;
  double grain;
  double cloud;
};

Strength StrengthOf(Weave weave) {
  switch (weave) {
    case Weave::kPlain:
      return {0, 0.07, 0.03};
    case Weave::kKnit:
      return {0.17, 0.10, 0.03};
    case Weave::kRib:
      return {0.17, 0.08, 0.03};
    case Weave::kDenim:
      return {0.07, 0.30, 0.12};
    case Weave::kLeather:
      return {0, 0.06, 0.10};
    case Weave::kCorduroy:
      return {0.16, 0.10, 0.04};
    case Weave::kFleece:
      return {0, 0.18, 0.10};
    case Weave::kStraw:
      return {0.22, 0.16, 0.05};
  }
  return {0, 0, 0};
}

Tile MakeWeave(Weave weave) {
  const uint8_t* grain = GrainTile();
  const uint8_t* cloud = CloudTile();
  const Strength strength = StrengthOf(weave);
  Tile tile(kTile * kTile);
  for (int y = 0; y < kTile; ++y) {
    for (int x = 0; x < kTile; ++x) {
      const int i = y * kTile + x;
      // Denim's threads are long: its grain is drawn out along the warp.
      const double g =
          weave == Weave::kDenim
              ? (grain[(y / 6 * kTile + x) % (kTile * kTile)] + grain[i]) /
                        255.0 -
                    1
              : grain[i] / 127.5 - 1;
      const double v = 1 + strength.structure * Structure(weave, x, y) +
                       strength.grain * g +
                       strength.cloud * (cloud[i] / 127.5 - 1);
      tile[i] = static_cast<uint8_t>(std::clamp(128 * v, 0.0, 255.0));
    }
  }
  return tile;
}

}  // namespace

const uint8_t* GrainTile() {
  static const Tile tile = MakeGrain();
  return tile.data();
}

const uint8_t* CloudTile() {
  static const Tile tile = MakeCloud();
  return tile.data();
}

const uint8_t* WeaveTile(Weave weave) {
  static const std::array<Tile, kWeaves> tiles = [] {
    std::array<Tile, kWeaves> made;
    for (int i = 0; i < kWeaves; ++i) {
      made[i] = MakeWeave(static_cast<Weave>(i));
    }
    return made;
  }();
  return tiles[static_cast<int>(weave)].data();
}

}  // namespace vitrine
