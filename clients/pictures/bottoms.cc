// Trousers, jeans, shorts.
#include <algorithm>

#include "clients/pictures/torso.h"

namespace vitrine {
namespace {

struct Legs {
  double waist_y = 52;
  double waist = 47;  // half width
  double hip_y = 118;
  double hip = 62;
  double crotch_y = 162;
  double knee = 29;  // widths of a leg
  double hem = 24;
  double bottom = 420;
  double spread = 4;  // degrees between a leg and straight down

  double knee_y() const { return crotch_y + 0.45 * (bottom - crotch_y); }
  // The middle of the right leg at height y.
  double middle(double y) const {
    const double start = hip * 0.5;
    return start + (y - crotch_y) * Direction(spread).x;
  }
};

Outline LegOutline(const Legs& l) {
  const double ky = l.knee_y(), kx = l.middle(ky), ex = l.middle(l.bottom);
  std::vector<Knot> knots = {Corner(-1.5, l.waist_y + 6),
                             Corner(l.waist, l.waist_y), Round(l.hip, l.hip_y)};
  // Shorts have no knee.
  if (l.bottom - l.crotch_y > 130) knots.push_back(Round(kx + l.knee / 2, ky));
  knots.push_back(Corner(ex + l.hem / 2, l.bottom));
  knots.push_back(Corner(ex - l.hem / 2, l.bottom + 2));
  if (l.bottom - l.crotch_y > 130) knots.push_back(Round(kx - l.knee / 2, ky));
  knots.push_back(Corner(0.5, l.crotch_y + 2));
  knots.push_back(Corner(-1.5, l.crotch_y));
  return Closed(knots);
}

void FoldLegs(const Legs& l, double depth, bool pressed, Random& pose,
              Board& board, int side) {
  auto at = [side](double x, double y) { return Round(side * x, y); };
  const bool is_long = l.bottom - l.crotch_y > 130;
  // From the crotch outwards.
  for (int i = 0; i < 3; ++i) {
    const double y = l.crotch_y - 6 + 7.0 * i;
    board.Crease(
        Open({at(5, y), at(l.hip * 0.45, y - pose.Uniform(-4, 12)),
              at(l.hip * pose.Uniform(0.6, 0.9), y - pose.Uniform(-8, 26))}),
        pose.Uniform(6, 10),
        depth * pose.Uniform(0.5, 1.3) * (pose.Chance(0.6) ? -1 : 1));
  }
  if (pressed) {
    board.Crease(Open({at(l.hip * 0.52, l.waist_y + 20),
                       at(l.middle(l.knee_y()), l.knee_y()),
                       at(l.middle(l.bottom), l.bottom)}),
                 5, 1.7);
  }
  if (!is_long) {
    for (int i = 0; i < 2; ++i) {
      const double x = l.middle(l.bottom) + pose.Uniform(-0.4, 0.4) * l.hem;
      board.Crease(Open({at(x * 0.9, l.crotch_y + 6), at(x, l.bottom + 3)}), 12,
                   depth * pose.Uniform(-1.4, 1.4));
    }
    return;
  }
  for (int i = pose.Int(3, 5); i > 0; --i) {
    const double y = l.knee_y() + pose.Uniform(-34, 34), x = l.middle(y);
    const double w = l.knee * 0.5;
    board.Crease(
        Open({at(x - w, y + pose.Uniform(-9, 9)), at(x, y + 4),
              at(x + w * pose.Uniform(0.1, 0.8), y + pose.Uniform(-9, 9))}),
        pose.Uniform(5, 9), depth * pose.Uniform(-1.3, 1.0));
  }
  for (int i = pose.Int(1, 3); i > 0; --i) {
    const double y = l.bottom - pose.Uniform(10, 50), x = l.middle(y);
    board.Crease(Open({at(x - l.hem * 0.5, y),
                       at(x + l.hem * 0.4, y + pose.Uniform(-9, 9))}),
                 7, depth * pose.Uniform(-1.2, 1.0));
  }
  board.Crease(Open({at(l.middle(l.crotch_y + 30), l.crotch_y + 24),
                     at(l.middle(l.knee_y()), l.knee_y()),
                     at(l.middle(l.bottom - 40), l.bottom - 40)}),
               14, depth * pose.Uniform(0.3, 1.0));
}

struct Waistband {
  double height = 15;
  bool elastic = false;
  bool loops = true;
  bool cord = false;
};

void DrawWaistband(const Legs& l, const Waistband& w, const Cloth& cloth,
                   const Materials& m, Board& board) {
  const double y = l.waist_y;
  board.Piece(Mirrored({Round(0, y - w.height * 0.5 + 3),
                        Corner(l.waist, y - w.height * 0.5 - 1),
                        Corner(l.waist + 1.5, y + w.height * 0.5),
                        Round(0, y + w.height * 0.5 + 4)}),
              cloth,
              {.puff = 0.7, .puff_radius = 5, .edge_radius = 2, .shadow = 0.3});
  if (w.elastic) {
    for (double x = -l.waist + 3; x < l.waist; x += 4.5) {
      board.Line({{x, y - w.height * 0.5}, {x, y + w.height * 0.6 + 4}},
                 {0, 0, 0}, 1.2, 0.16);
      board.Crease({{x, y - w.height * 0.5}, {x, y + w.height * 0.6 + 4}}, 3,
                   0.8);
    }
  } else {
    for (const double e : {-w.height * 0.5 + 4, w.height * 0.5 + 2.4}) {
      board.Line(Open({Corner(-l.waist, y + e - 3), Round(0, y + e),
                       Corner(l.waist, y + e - 3)}),
                 m.thread, 0.6, 0.55);
    }
  }
  if (w.loops) {
    for (const double x : {-0.62, -0.25, 0.25, 0.62}) {
      board.Piece(RoundedBox({x * l.waist, y + 2.5}, 5, w.height + 6, 1), cloth,
                  {.puff = 0.4,
                   .puff_radius = 3,
                   .thickness = 0.4,
                   .follows = true,
                   .edge_radius = 1,
                   .shadow = 0.35});
    }
  }
  board.OnAll();
  if (w.cord) {
    for (const int side : {1, -1}) {
      const Outline cord =
          Open({Round(side * 5.0, y + 4), Round(side * 11.0, y + 24),
                Round(side * 7.0, y + 50)});
      board.Line(Shifted(cord, {0.8, 1}), {0, 0, 0}, 2, 0.35);
      board.Line(cord, m.colours.second, 2);
    }
  }
}

void DrawFly(const Legs& l, const Materials& m, bool stitched, Board& board) {
  board.OnAll();
  const Outline curve =
      Open({Corner(11, l.waist_y + 8), Round(11, l.crotch_y - 48),
            Round(7, l.crotch_y - 34), Corner(0, l.crotch_y - 28)});
  if (stitched) {
    board.Stitches(curve, m.thread);
    board.Stitches(Shifted(curve, {-2, -2}), m.thread);
  } else {
    board.Line(curve, m.thread, 0.7, 0.5);
  }
  board.Line({{0, l.waist_y + 6}, {0, l.crotch_y}}, {0, 0, 0}, 1.2, 0.4);
  board.Crease({{1, l.waist_y + 8}, {0, l.crotch_y}}, 4, -1);
}

void DrawLegs(const Legs& l, const Cloth& cloth, double puff, double depth,
              bool pressed, Random& pose, Board& board) {
  board.Piece(Ellipse({0, l.waist_y - 5}, l.waist - 1, 4),
              SolidCloth(Scale(cloth.colour, 0.7), Weave::kPlain),
              {.puff = 0.1, .tone = 0.7});
  const Outline right = LegOutline(l);
  for (const int side : {-1, 1}) {
    board.Piece(side > 0 ? right : Flipped(right), cloth,
                {.puff = puff,
                 .puff_radius = 12,
                 .edge = 0.24,
                 .shadow = 0.15,
                 .turn = -side * l.spread,
                 .shift = Point(side * 7, 0)});
    FoldLegs(l, depth, pressed, pose, board, side);
  }
}

void SlantPockets(const Legs& l, const Materials& m, bool stitched,
                  Board& board) {
  board.OnAll();
  for (const int side : {1, -1}) {
    const Outline slit =
        stitched ? Open({Corner(side * l.waist * 0.5, l.waist_y + 8),
                         Round(side * l.waist * 0.62, l.waist_y + 30),
                         Corner(side * (l.waist + 10), l.waist_y + 40)})
                 : Open({Corner(side * l.waist * 0.66, l.waist_y + 8),
                         Corner(side * (l.hip - 5), l.waist_y + 56)});
    board.Line(slit, {0, 0, 0}, 1.8, 0.35);
    if (stitched) {
      board.Stitches(Shifted(slit, {0, 2.6}), m.thread);
      board.Stitches(Shifted(slit, {0, 4.6}), m.thread);
    } else {
      board.Line(Shifted(slit, {-side * 3.0, 0}), m.thread, 0.7, 0.5);
    }
  }
}

void TurnUps(const Legs& l, double height, const Cloth& cloth, Board& board) {
  const double x = l.middle(l.bottom), w = l.hem / 2 + 1.5;
  for (const int side : {1, -1}) {
    board.Piece({{side * (x - w), l.bottom - height + 2},
                 {side * (x + w), l.bottom - height},
                 {side * (x + w), l.bottom},
                 {side * (x - w), l.bottom + 2}},
                cloth,
                {.puff = 0.7,
                 .puff_radius = 5,
                 .thickness = 0.5,
                 .follows = true,
                 .edge_radius = 2});
  }
}

Legs PickLegs(Random& shape, Random& pose) {
  Legs l;
  l.waist = shape.Uniform(43, 51);
  l.hip = l.waist + shape.Uniform(10, 17);
  l.crotch_y = shape.Uniform(150, 172);
  l.bottom = shape.Uniform(395, 432);
  l.spread = pose.Uniform(1.5, 7);
  return l;
}

}  // namespace

void DrawTrousers(const Materials& m, Random& shape, Random& pose,
                  Board& board) {
  Legs l = PickLegs(shape, pose);
  // Pressed, chinos, joggers, wide, cargo.
  const int style = shape.Weighted({2, 3, 2, 1.5, 1});
  l.knee = style == 3 ? shape.Uniform(50, 60) : shape.Uniform(36, 46);
  l.hem = style == 3   ? shape.Uniform(56, 72)
          : style == 2 ? shape.Uniform(22, 26)
                       : shape.Uniform(26, 37);
  DrawLegs(l, m.main, style == 2 ? 1.5 : 1.2, style == 0 ? 0.8 : 1.3,
           style == 0 || style == 3, pose, board);
  const bool striped = style == 2 && shape.Chance(0.5);
  if (style != 2) DrawFly(l, m, false, board);
  SlantPockets(l, m, false, board);
  if (striped) {
    for (const int side : {1, -1}) {
      for (const double in : {4.0, 9.0}) {
        board.Line(Open({Corner(side * (l.waist - in), l.waist_y),
                         Round(side * (l.hip - in), l.hip_y),
                         Round(side * (l.middle(l.knee_y()) + l.knee / 2 - in),
                               l.knee_y()),
                         Corner(side * (l.middle(l.bottom) + l.hem / 2 - in),
                                l.bottom)}),
                   m.colours.second, 2.4);
      }
    }
  }
  if (style == 4) {
    const double y = l.knee_y() - 18;
    for (const int side : {1, -1}) {
      DrawPocket({side * (l.middle(y) + l.knee * 0.22), y}, 26, 40, true,
                 m.main, m, board);
    }
  }
  if (style == 2) {
    TurnUps(l, 15, m.plain, board);
  } else if (shape.Chance(0.25)) {
    TurnUps(l, 13, m.main, board);
  }
  const bool elastic = style == 2 || (style == 3 && shape.Chance(0.5));
  DrawWaistband(l,
                {.height = elastic ? 17.0 : 14.0,
                 .elastic = elastic,
                 .loops = !elastic,
                 .cord = style == 2},
                m.plain, m, board);
  if (!elastic) board.Button({0, l.waist_y + 3}, 3.4, m.button);
}

void DrawJeans(const Materials& m, Random& shape, Random& pose, Board& board) {
  Legs l = PickLegs(shape, pose);
  const int cut =
      shape.Weighted({3, 3, 1.5, 1.5});  // skinny, straight, flared, wide
  l.knee = cut == 3   ? 50
           : cut == 1 ? shape.Uniform(37, 43)
                      : shape.Uniform(30, 36);
  l.hem = cut == 0   ? shape.Uniform(20, 25)
          : cut == 1 ? shape.Uniform(30, 38)
                     : shape.Uniform(48, 62);
  DrawLegs(l, m.main, 1.3, 1.7, false, pose, board);
  board.OnAll();
  // Worn light on the thighs and knees, dark along the seams.
  const double wear = shape.Chance(0.7) ? shape.Uniform(0.12, 0.4) : 0.03;
  const Rgb light = Mix(m.colours.ground, {236, 240, 246}, 0.8);
  for (const int side : {1, -1}) {
    board.Tint(Ellipse({side * l.middle(l.crotch_y + 20), l.crotch_y + 26},
                       l.knee * 0.28, 62),
               light, wear, 9);
    board.Tint(Ellipse({side * l.middle(l.knee_y()), l.knee_y() + 6},
                       l.knee * 0.24, 24),
               light, wear * 0.7, 8);
    const Outline seam =
        Open({Corner(side * (l.hip - 4), l.hip_y),
              Round(side * (l.middle(l.knee_y()) + l.knee / 2 - 4), l.knee_y()),
              Corner(side * (l.middle(l.bottom) + l.hem / 2 - 4), l.bottom)});
    board.Line(seam, {0, 0, 0}, 1, 0.15);
  }
  const bool ripped = shape.Chance(0.25);
  if (ripped) {
    for (const int side : {1, -1}) {
      const double y = l.knee_y() + shape.Uniform(-30, 20),
                   x = side * l.middle(y);
      const double w = l.knee * shape.Uniform(0.25, 0.36);
      board.Patch(Closed({Corner(x - w, y), Round(x, y - 5),
                          Corner(x + w, y + 1), Round(x, y + 6)}),
                  Scale(m.colours.ground, 0.35));
      for (double d = -4; d <= 5; d += 2.2) {
        board.Line({{x - w * 0.8, y + d * 0.7}, {x + w * 0.8, y + d}},
                   {232, 234, 238}, 0.9, 0.85);
      }
    }
  }
  DrawFly(l, m, true, board);
  SlantPockets(l, m, true, board);
  board.Stitches(
      {{14, l.waist_y + 21}, {26, l.waist_y + 21}, {26, l.waist_y + 35}},
      m.thread);
  if (shape.Chance(0.25)) {
    TurnUps(
        l, 15,
        SolidCloth(Mix(m.colours.ground, {220, 226, 236}, 0.5), Weave::kDenim),
        board);
  } else {
    for (const int side : {1, -1}) {
      const double x = l.middle(l.bottom), w = l.hem / 2;
      board.Stitches(
          {{side * (x - w), l.bottom - 4.0}, {side * (x + w), l.bottom - 6.0}},
          m.thread);
    }
  }
  DrawWaistband(l, {.height = 14}, m.plain, m, board);
  board.Stud({0, l.waist_y + 3}, 4.2, m.metal);
  for (const int side : {1, -1}) {
    board.Stud({side * l.waist * 0.54, l.waist_y + 12}, 1.6, m.metal);
  }
}

void DrawShorts(const Materials& m, Random& shape, Random& pose, Board& board) {
  Legs l = PickLegs(shape, pose);
  l.waist += 14;
  l.hip = l.waist + shape.Uniform(12, 20);
  l.hip_y = 128;
  l.crotch_y = shape.Uniform(166, 186);
  l.bottom = l.crotch_y + shape.Uniform(24, 112);
  l.hem = l.hip * shape.Uniform(0.86, 1.02);
  l.spread = pose.Uniform(6, 13);
  const bool denim = m.weave == Weave::kDenim;
  const bool sport = !denim && shape.Chance(0.4);
  DrawLegs(l, m.main, 1.3, 1.4, false, pose, board);
  if (!sport) DrawFly(l, m, denim, board);
  SlantPockets(l, m, denim, board);
  if (sport && shape.Chance(0.6)) {
    board.OnAll();
    for (const int side : {1, -1}) {
      board.Line(
          Open({Corner(side * (l.waist - 6), l.waist_y),
                Round(side * (l.hip - 7), l.hip_y),
                Corner(side * (l.middle(l.bottom) + l.hem / 2 - 7), l.bottom)}),
          m.colours.second, 5);
    }
  }
  if (shape.Chance(0.4)) {
    TurnUps(l, 14, m.main, board);
  } else {
    board.OnAll();
    for (const int side : {1, -1}) {
      const double x = l.middle(l.bottom), w = l.hem / 2 + 2;
      board.Line(
          {{side * (x - w), l.bottom - 5}, {side * (x + w), l.bottom - 7}},
          m.thread, 0.8, 0.6);
    }
  }
  if (!denim && !sport && l.bottom - l.crotch_y > 70 && shape.Chance(0.4)) {
    for (const int side : {1, -1}) {
      DrawPocket(
          {side * (l.middle(l.bottom - 50) + l.hem * 0.18), l.bottom - 52}, 32,
          40, true, m.main, m, board);
    }
  }
  DrawWaistband(
      l, {.height = 15, .elastic = sport, .loops = !sport, .cord = sport},
      m.plain, m, board);
  if (!sport) board.Button({0, l.waist_y + 3}, 3.6, denim ? m.metal : m.button);
}

}  // namespace vitrine
