// Dresses and skirts.
#include <algorithm>
#include <cmath>

#include "clients/pictures/torso.h"

namespace vitrine {
namespace {

struct Flare {
  double top_y, top;  // half width at the waist
  double hip_y, hip;  // where it is widest above the hem; 0: none
  double bottom, hem;
  double curve = 12;  // of the hem
  int folds = 5;      // to each side
  double depth = 1.6;
  bool pleated = false;
};

// Points along the hem, from -1 (left) to 1: lower in the middle, and wavy.
Point HemPoint(const Flare& f, double u, double wave) {
  return {u * f.hem, f.bottom + f.curve * (1 - u * u) + wave};
}

void DrawFlare(const Flare& f, const Cloth& cloth, Random& pose, Board& board) {
  std::vector<Knot> knots = {Corner(-f.top, f.top_y), Corner(f.top, f.top_y)};
  if (f.hip > 0) knots.push_back(Round(f.hip, f.hip_y));
  const int waves = std::max(2, f.folds);
  const double swing = f.pleated ? 2.2 : std::min(4.0, f.depth * 1.6);
  for (int i = waves; i >= -waves; --i) {
    const Point p = HemPoint(f, static_cast<double>(i) / waves,
                             i % 2 ? swing : -swing * 0.4);
    knots.push_back(f.pleated || std::abs(i) == waves ? Corner(p) : Round(p));
  }
  if (f.hip > 0) knots.push_back(Round(-f.hip, f.hip_y));
  board.Piece(Closed(knots), cloth, {.puff = 1.1, .puff_radius = 16});
  for (int i = -waves; i <= waves; ++i) {
    const double u = static_cast<double>(i) / waves;
    const Point to = HemPoint(f, u * 0.97, 4);
    const double start =
        f.pleated ? 2 : pose.Uniform(4, (f.bottom - f.top_y) * 0.35);
    const Point from(u * f.top * 0.96, f.top_y + start);
    const Point mid =
        Lerp(from, to, 0.5) + Point(f.pleated ? 0 : pose.Uniform(-5, 5), 0);
    const Outline fold =
        Open({Round(from), Round(mid), Round(to), Round(to + Point(0, 24))});
    if (f.pleated) {
      board.Line(fold, {0, 0, 0}, 1.1, 0.28);
      board.Crease(fold, 6, 1.8);
      board.Crease(Shifted(fold, {3.5, 0}), 6, -1.2);
    } else {
      board.Crease(fold, pose.Uniform(9, 17),
                   f.depth * pose.Uniform(0.6, 1.3) * (i % 2 ? 1 : -0.9));
    }
  }
  Outline hem;
  for (double u = -1; u <= 1.001; u += 0.05) {
    hem.push_back(HemPoint(f, u, -5));
  }
  board.Line(hem, Scale(cloth.colour, 0.7), 0.7, 0.45);
}

void DrawSash(double y, double half_width, double height, const Cloth& cloth,
              int kind, const Materials& m, Board& board) {
  board.Piece(
      {{-half_width, y - height / 2},
       {half_width, y - height / 2},
       {half_width, y + height / 2},
       {-half_width, y + height / 2}},
      cloth, {.puff = 0.8, .puff_radius = 5, .edge_radius = 2, .shadow = 0.35});
  if (kind == 1) {  // a bow
    for (const int side : {1, -1}) {
      board.Piece(Closed({Corner(0, y), Round(side * 15, y - 9),
                          Round(side * 20, y), Round(side * 15, y + 8)}),
                  cloth, {.puff = 1, .puff_radius = 5, .edge_radius = 3});
      board.Piece(Closed({Corner(0, y + 2), Corner(side * 6, y + 3),
                          Corner(side * 16, y + 44), Corner(side * 6, y + 46)}),
                  cloth, {.puff = 0.8, .puff_radius = 4, .edge_radius = 2});
    }
    board.Piece(RoundedBox({0, y}, 8, 10, 3), cloth,
                {.puff = 1, .puff_radius = 4, .edge_radius = 2});
  } else if (kind == 2) {  // a buckle
    board.Patch(RoundedBox({0, y}, 18, height + 6, 3), m.metal);
    board.Patch(RoundedBox({0, y}, 11, height - 1, 2), cloth.colour);
  }
}

}  // namespace

void DrawDress(const Materials& m, Random& shape, Random& pose, Board& board) {
  Torso t;
  t.neck = shape.Uniform(27, 37);
  t.v_neck = shape.Chance(0.35);
  t.neck_depth = t.v_neck ? shape.Uniform(38, 62) : shape.Uniform(20, 48);
  t.neck_y = 26;
  t.drop = 14;
  t.shoulder = shape.Uniform(50, 58);
  t.armhole = shape.Uniform(54, 64);
  t.chest = shape.Uniform(49, 56);
  t.waist = t.chest - shape.Uniform(4, 9);
  const double waist_y = shape.Uniform(140, 178);
  t.bottom = waist_y;
  t.hem = shape.Uniform(38, 44);
  t.hem_curve = 2;
  const int sleeves =
      shape.Weighted({4, 3, 2, 1.5});  // none, short, long, flutter
  const int cut =
      shape.Weighted({3, 3, 2, 1.5});  // A-line, flared, sheath, tiered
  const double bottom =
      waist_y + shape.Pick({shape.Uniform(105, 150), shape.Uniform(150, 200),
                            shape.Uniform(225, 270)});
  Flare f{.top_y = waist_y - 1,
          .top = t.hem,
          .hip_y = 0,
          .hip = 0,
          .bottom = bottom,
          .hem = 0};
  const double length = bottom - waist_y;
  switch (cut) {
    case 0:
      f.hem = t.hem + length * shape.Uniform(0.2, 0.32);
      break;
    case 1:
      f.hem = std::min(150.0, t.hem + length * shape.Uniform(0.45, 0.62));
      f.folds = shape.Int(6, 9);
      f.depth = 2.6;
      break;
    case 2:
      f.hip_y = waist_y + 48;
      f.hip = t.hem + shape.Uniform(9, 13);
      f.hem = f.hip - shape.Uniform(0, 7);
      f.curve = 3;
      f.folds = 2;
      f.depth = 0.8;
      break;
    default:
      f.hem = t.hem + length * shape.Uniform(0.25, 0.38);
      f.folds = 8;
  }
  f.pleated = cut < 2 && shape.Chance(0.2);
  if (f.pleated) f.folds = shape.Int(7, 10);
  const bool lower_contrast =
      m.pattern == Pattern::kSolid && shape.Chance(0.12);
  const Cloth& skirt = lower_contrast ? m.contrast : m.main;
  DrawBackNeck(t, m, board);
  if (sleeves > 0) {
    Sleeve sleeve{.length = shape.Uniform(40, 58),
                  .end = shape.Uniform(34, 40)};
    if (sleeves == 2) sleeve = {.length = 168, .end = 19, .cuff = 9};
    if (sleeves == 3) sleeve = {.length = 46, .end = 54, .puff = 1.8};
    DrawSleeves(t, sleeve, m.main, m.plain, true, pose, board);
  }
  DrawFlare(f, skirt, pose, board);
  if (cut == 3) {
    // Each tier lies over the next one.
    const int tiers = shape.Int(2, 3);
    for (int i = tiers - 1; i >= 1; --i) {
      Flare tier = f;
      tier.bottom = waist_y + length * i / tiers;
      tier.hem = t.hem + (f.hem - t.hem) * i / tiers + 6;
      DrawFlare(tier, skirt, pose, board);
    }
  }
  const double strap = shape.Chance(0.35) ? 5 : shape.Uniform(9, 17);
  const Outline bodice =
      sleeves == 1 || sleeves == 2
          ? BodyOutline(t)
          : SleevelessOutline(t, sleeves == 3 ? t.shoulder - t.neck : strap);
  board.Piece(bodice, m.main, {.puff = 1.2, .puff_radius = 14, .shadow = 0.2});
  // Darts.
  for (const int side : {1, -1}) {
    board.Seam(Open({Round(side * t.waist * 0.5, t.underarm().y + 4),
                     Round(side * t.waist * 0.46, waist_y)}),
               0.7);
  }
  FoldBody(t, 0.8, pose, board);
  if (shape.Chance(0.25)) {
    const double top = t.neck_y + t.neck_depth + 6;
    for (double y = top; y < waist_y - 6; y += 15) {
      board.Button({0, y}, 2.4, m.button);
    }
  }
  DrawNeckBand(t, m.plain, shape.Uniform(2.5, 4.5), board);
  const int sash = shape.Weighted({5, 2, 1.5, 1.5});
  if (sash > 0) {
    DrawSash(waist_y, t.hem + 1, shape.Uniform(8, 15),
             shape.Chance(0.6) ? m.contrast : m.plain, sash - 1, m, board);
  } else {
    board.OnAll();
    board.Seam({{-t.hem, waist_y}, {t.hem, waist_y}}, 1.2);
  }
}

void DrawSkirt(const Materials& m, Random& shape, Random& pose, Board& board) {
  const double top = 70, waist = shape.Uniform(44, 52);
  const int cut =
      shape.Weighted({3, 2.5, 2.5, 1.5});  // A, full, pencil, tiered
  const double length =
      shape.Pick({shape.Uniform(130, 165), shape.Uniform(180, 230),
                  shape.Uniform(280, 330)});
  Flare f{.top_y = top,
          .top = waist,
          .hip_y = top + 62,
          .hip = waist + shape.Uniform(16, 24),
          .bottom = top + length,
          .hem = 0,
          .curve = 14};
  switch (cut) {
    case 0:
      f.hem =
          std::min(140.0, f.hip + (length - 62) * shape.Uniform(0.2, 0.3) + 6);
      break;
    case 1:
      f.hip = 0;
      f.hem = std::min(165.0, waist + length * shape.Uniform(0.42, 0.6));
      f.folds = shape.Int(6, 10);
      f.depth = 2.8;
      f.curve = 20;
      break;
    case 2:
      f.hem = f.hip - shape.Uniform(2, 9);
      f.curve = 3;
      f.folds = 2;
      f.depth = 0.7;
      break;
    default:
      f.hip = 0;
      f.hem = std::min(150.0, waist + length * shape.Uniform(0.3, 0.42));
      f.folds = 8;
  }
  f.pleated = cut < 2 && shape.Chance(0.4);
  if (f.pleated) f.folds = shape.Int(7, 12);
  const bool denim = m.weave == Weave::kDenim;
  board.Piece(Ellipse({0, top - 8}, waist - 1, 5), m.lining,
              {.puff = 0.1, .tone = 0.6});
  DrawFlare(f, m.main, pose, board);
  if (cut == 3) {
    const int tiers = shape.Int(2, 4);
    for (int i = tiers - 1; i >= 1; --i) {
      Flare tier = f;
      tier.bottom = top + length * i / tiers;
      tier.hem = waist + (f.hem - waist) * i / tiers + 5;
      tier.curve = f.curve * i / tiers;
      DrawFlare(tier, m.main, pose, board);
    }
  }
  if (denim || (cut == 0 && shape.Chance(0.3))) {
    for (double y = top + 16; y < f.bottom - 10; y += 30) {
      board.Button({0, y}, 3.4, denim ? m.metal : m.button);
    }
    board.Line({{-8, top}, {-8, f.bottom + 10}}, m.thread, 0.8, 0.6);
    board.Line({{8, top}, {8, f.bottom + 10}}, m.thread, 0.8, 0.6);
  } else if (cut == 2) {
    board.Line({{0, f.bottom - 46}, {0, f.bottom + 6}}, {0, 0, 0}, 1.6, 0.5);
    for (const int side : {1, -1}) {
      board.Seam(
          {{side * waist * 0.5, top + 10}, {side * waist * 0.56, top + 46}},
          0.8);
    }
  }
  const double band = shape.Uniform(8, 20);
  const Cloth& cloth = shape.Chance(0.2) ? m.contrast : m.plain;
  board.Piece(
      Mirrored({Round(0, top - band / 2 + 3), Corner(waist, top - band / 2),
                Corner(waist + 1, top + band / 2),
                Round(0, top + band / 2 + 4)}),
      cloth, {.puff = 0.8, .puff_radius = 6, .edge_radius = 3, .shadow = 0.35});
  if (denim) board.Button({0, top + 3}, 4, m.metal);
  if (!denim && shape.Chance(0.25)) {
    DrawSash(top + 4, waist + 1, band, cloth, shape.Int(1, 2), m, board);
  }
}

}  // namespace vitrine
