// The kinds of garment: how each is drawn, and what a shop would write of it.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "clients/pictures/board.h"
#include "clients/pictures/cloth.h"
#include "clients/pictures/random.h"

namespace vitrine {

// What one product is made of.
struct Materials {
  PatternColours colours;
  Pattern pattern = Pattern::kSolid;
  Weave weave = Weave::kPlain;
  Cloth main;      // patterned
  Cloth plain;     // the ground colour alone
  Cloth contrast;  // the second colour
  Cloth lining;    // for insides
  Rgb thread;      // of visible stitches
  Rgb button;
  Rgb metal;
  bool badge = false;  // a picture on the chest rather than all over
};

// Draws one product. `shape` decides what does not change between two pictures
// of it, `pose` what does.
using DrawGarment = void (*)(const Materials& materials, Random& shape,
                             Random& pose, Board& board);

void DrawTshirt(const Materials&, Random& shape, Random& pose, Board&);
void DrawTop(const Materials&, Random& shape, Random& pose, Board&);
void DrawShirt(const Materials&, Random& shape, Random& pose, Board&);
void DrawSweater(const Materials&, Random& shape, Random& pose, Board&);
void DrawSweatshirt(const Materials&, Random& shape, Random& pose, Board&);
void DrawJacket(const Materials&, Random& shape, Random& pose, Board&);
void DrawBlazer(const Materials&, Random& shape, Random& pose, Board&);
void DrawCoat(const Materials&, Random& shape, Random& pose, Board&);
void DrawDress(const Materials&, Random& shape, Random& pose, Board&);
void DrawSkirt(const Materials&, Random& shape, Random& pose, Board&);
void DrawTrousers(const Materials&, Random& shape, Random& pose, Board&);
void DrawJeans(const Materials&, Random& shape, Random& pose, Board&);
void DrawShorts(const Materials&, Random& shape, Random& pose, Board&);
void DrawCasualShoe(const Materials&, Random& shape, Random& pose, Board&);
void DrawSportsShoe(const Materials&, Random& shape, Random& pose, Board&);
void DrawFormalShoe(const Materials&, Random& shape, Random& pose, Board&);
void DrawHeel(const Materials&, Random& shape, Random& pose, Board&);
void DrawBoot(const Materials&, Random& shape, Random& pose, Board&);
void DrawHandbag(const Materials&, Random& shape, Random& pose, Board&);
void DrawBackpack(const Materials&, Random& shape, Random& pose, Board&);
void DrawCap(const Materials&, Random& shape, Random& pose, Board&);
void DrawHat(const Materials&, Random& shape, Random& pose, Board&);
void DrawScarf(const Materials&, Random& shape, Random& pose, Board&);
void DrawBelt(const Materials&, Random& shape, Random& pose, Board&);
void DrawTie(const Materials&, Random& shape, Random& pose, Board&);
void DrawWatch(const Materials&, Random& shape, Random& pose, Board&);
void DrawSunglasses(const Materials&, Random& shape, Random& pose, Board&);

// A line of the catalogue's table of kinds.
struct GarmentKind {
  std::string_view article_type;
  std::string_view sub_category;
  std::string_view master_category;
  DrawGarment draw;
  double weight;  // how many there are of it
  // Solid, striped, checked, dotted, printed.
  std::array<double, kPatterns> patterns;
  std::vector<Weave> weaves;
  StripeWay stripes;
  double badge;  // the share of printed ones with a picture on the chest
  // Men, Women, Boys, Girls, Unisex.
  std::array<double, 5> genders;
  std::vector<std::string_view> usages;
  std::vector<std::string_view> seasons;
  std::vector<std::string_view> colours;  // of the palette; empty: any
  std::vector<std::string_view> nouns;    // for its name
  double crumple;                         // how wrinkled it lies, 0 … 1
  double max_turn;                        // degrees
  bool may_flip;
};

std::span<const GarmentKind> GarmentKinds();

}  // namespace vitrine
