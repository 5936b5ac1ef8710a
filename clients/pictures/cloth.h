// Cloth: a colour or a pattern, and the weave that it is made in.
#pragma once

#include <opencv2/core.hpp>
#include <string_view>

#include "clients/pictures/palette.h"
#include "clients/pictures/random.h"

namespace vitrine {

enum class Pattern { kSolid, kStriped, kChecked, kDotted, kPrinted };
inline constexpr int kPatterns = 5;
// "Solid", "Striped", …
std::string_view PatternName(Pattern pattern);

enum class Weave {
  kPlain,
  kKnit,
  kRib,
  kDenim,
  kLeather,
  kCorduroy,
  kFleece,
  kStraw
};
inline constexpr int kWeaves = 8;

// Tiles are square, repeat in both directions, and have two pixels a unit of
// the drawing board.
inline constexpr int kTile = 512;

struct Cloth {
  Rgb colour;       // the ground of the pattern, or all there is
  cv::Mat pattern;  // kTile × kTile, 8UC4 as BGR and nothing; empty: solid
  const uint8_t* weave = nullptr;  // kTile × kTile, 128 = as it is; static
};

// The brightness of a weave, shared and immutable. Thread-safe.
const uint8_t* WeaveTile(Weave weave);
// Cloud-like noise without a seam, kTile × kTile, 0 … 255; likewise.
const uint8_t* CloudTile();
// White noise, 0 … 255; likewise.
const uint8_t* GrainTile();

Cloth SolidCloth(Rgb colour, Weave weave);

// Which way stripes run.
enum class StripeWay { kAcross, kUpright, kEither };
struct PatternColours {
  Rgb ground;  // keeps at least half of the area
  Rgb second;
  Rgb third;
};
Cloth PatternedCloth(Pattern pattern, const PatternColours& colours,
                     Weave weave, StripeWay way, Random& random);

// All-over prints: flowers, leaves, leopard, … The tile comes filled with the
// ground.
void PrintTile(const PatternColours& colours, Random& random, cv::Mat& tile);

}  // namespace vitrine
