#include "clients/pictures/palette.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace vitrine {
namespace {

constexpr NamedColour kPalette[] = {
    {"Black", {36, 36, 40}, 12},        {"White", {240, 240, 238}, 8},
    {"Grey", {142, 144, 148}, 6},       {"Charcoal", {78, 82, 90}, 3},
    {"Silver", {196, 199, 204}, 1},     {"Navy Blue", {32, 44, 92}, 7},
    {"Blue", {46, 98, 178}, 9},         {"Turquoise Blue", {64, 188, 204}, 2},
    {"Teal", {18, 116, 122}, 2},        {"Green", {42, 134, 72}, 4},
    {"Lime Green", {158, 206, 64}, 1},  {"Olive", {106, 108, 52}, 3},
    {"Khaki", {170, 152, 110}, 2},      {"Red", {202, 36, 44}, 5},
    {"Maroon", {108, 24, 42}, 3},       {"Pink", {238, 142, 176}, 4},
    {"Magenta", {204, 36, 132}, 1.5},   {"Purple", {106, 58, 148}, 3},
    {"Lavender", {190, 170, 222}, 1.5}, {"Yellow", {246, 212, 62}, 2.5},
    {"Mustard", {206, 154, 38}, 1.5},   {"Orange", {240, 126, 38}, 2},
    {"Rust", {174, 78, 42}, 1.5},       {"Peach", {248, 188, 154}, 1.5},
    {"Brown", {108, 70, 46}, 5},        {"Tan", {192, 146, 100}, 2},
    {"Beige", {218, 200, 170}, 3},      {"Cream", {244, 233, 206}, 2},
    {"Gold", {204, 168, 88}, 1},
};

}  // namespace

std::span<const NamedColour> Palette() { return kPalette; }

const NamedColour& ColourNamed(std::string_view name) {
  return *std::find_if(std::begin(kPalette), std::end(kPalette) - 1,
                       [name](const auto& c) { return c.name == name; });
}

Rgb Mix(Rgb a, Rgb b, double t) {
  auto mix = [t](int x, int y) {
    return static_cast<int>(std::lround(x + (y - x) * t));
  };
  return {mix(a.r, b.r), mix(a.g, b.g), mix(a.b, b.b)};
}

Rgb Scale(Rgb colour, double factor) {
  auto scale = [factor](int x) {
    return std::clamp(static_cast<int>(std::lround(x * factor)), 0, 255);
  };
  return {scale(colour.r), scale(colour.g), scale(colour.b)};
}

double Luma(Rgb colour) {
  return 0.299 * colour.r + 0.587 * colour.g + 0.114 * colour.b;
}

double ColourDistance(Rgb a, Rgb b) {
  const double mean_r = (a.r + b.r) / 2.0;
  const double dr = a.r - b.r, dg = a.g - b.g, db = a.b - b.b;
  return std::sqrt((2 + mean_r / 256) * dr * dr + 4 * dg * dg +
                   (2 + (255 - mean_r) / 256) * db * db);
}

const NamedColour& NearestColour(Rgb colour) {
  return *std::min_element(std::begin(kPalette), std::end(kPalette),
                           [colour](const auto& a, const auto& b) {
                             return ColourDistance(a.rgb, colour) <
                                    ColourDistance(b.rgb, colour);
                           });
}

}  // namespace vitrine
