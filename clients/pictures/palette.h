// The colours that products are sold in, by the names that the Fashion Product
// Images set uses where it has them.
#pragma once

#include <span>
#include <string_view>

namespace vitrine {

struct Rgb {
  int r = 0;
  int g = 0;
  int b = 0;
};

struct NamedColour {
  std::string_view name;
  Rgb rgb;
  double weight;  // how common it is among clothes
};

// All of them; names are unique.
std::span<const NamedColour> Palette();
// The colour of that name, which must be one of the palette's.
const NamedColour& ColourNamed(std::string_view name);

// `t` of the way from a to b, component by component.
Rgb Mix(Rgb a, Rgb b, double t);
// Times `factor`, kept within 0 … 255.
Rgb Scale(Rgb colour, double factor);
// Rec. 601 luma, 0 … 255.
double Luma(Rgb colour);
// A distance that follows the eye (the "redmean" weighting of RGB,
// compuphase.com/cmetric.htm), 0 … about 765.
double ColourDistance(Rgb a, Rgb b);
// The palette's nearest by ColourDistance.
const NamedColour& NearestColour(Rgb colour);

}  // namespace vitrine
