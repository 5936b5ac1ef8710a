// T-shirts, tops, shirts, sweaters, sweatshirts.
#include <algorithm>

#include "clients/pictures/torso.h"

namespace vitrine {
namespace {

Torso PickTorso(Random& shape) {
  Torso t;
  t.neck = shape.Uniform(23, 32);
  t.neck_depth = shape.Uniform(13, 24);
  t.drop = shape.Uniform(13, 21);
  t.shoulder = shape.Uniform(60, 74);
  t.armhole = shape.Uniform(60, 76);
  t.chest = t.shoulder + shape.Uniform(-2, 7);
  const double fit = shape.Uniform(-7, 2);
  t.waist = t.chest + fit;
  t.hem = t.waist + shape.Uniform(0, 7);
  t.bottom = shape.Uniform(262, 315);
  t.hem_curve = shape.Uniform(1, 6);
  return t;
}

void Placket(const Torso& t, double bottom, double buttons, const Cloth& cloth,
             const Materials& m, Board& board) {
  const double top = t.neck_y + t.neck_depth - 2;
  board.Piece({{-6, top}, {6, top}, {6, bottom}, {-6, bottom}}, cloth,
              {.puff = 0.2,
               .puff_radius = 4,
               .thickness = 0.25,
               .follows = true,
               .edge = 0.16,
               .edge_radius = 2,
               .shadow = 0.22});
  for (const double x : {-4.6, 4.6}) {
    board.Line({{x, top}, {x, bottom}}, m.thread, 0.55, 0.5);
  }
  const double step = (bottom - top - 14) / buttons;
  for (int i = 0; i <= buttons; ++i) {
    board.Button({0, top + 7 + step * i}, 2.6, m.button);
  }
}

}  // namespace

void DrawTshirt(const Materials& m, Random& shape, Random& pose, Board& board) {
  Torso t = PickTorso(shape);
  t.v_neck = shape.Chance(0.22);
  if (t.v_neck) t.neck_depth = shape.Uniform(32, 52);
  const bool polo = !t.v_neck && shape.Chance(0.2);
  if (polo) t.neck_depth = 15;
  const bool is_long = shape.Chance(0.15), ringer = shape.Chance(0.18);
  const bool raglan = !polo && shape.Chance(0.14);
  const Cloth& trim = ringer || raglan ? m.contrast : m.plain;
  Sleeve sleeve;
  sleeve.length = is_long ? shape.Uniform(170, 195) : shape.Uniform(46, 74);
  sleeve.end = is_long ? shape.Uniform(19, 24) : shape.Uniform(42, 52);
  sleeve.cuff = ringer || is_long ? 7 : 0;
  DrawBackNeck(t, m, board);
  DrawSleeves(t, sleeve, raglan ? m.contrast : m.main, trim, true, pose, board);
  board.Piece(BodyOutline(t), m.main, {.puff_radius = 14});
  if (raglan) {
    for (const int side : {1, -1}) {
      board.Patch(
          Closed({Corner(side * t.neck, t.neck_y - 1),
                  Corner(side * (t.shoulder + 2), t.neck_y + t.drop - 2),
                  Corner(side * (t.chest + 2), t.underarm().y),
                  Round(side * t.chest * 0.72, t.underarm().y - 24),
                  Corner(side * t.neck * 0.95, t.neck_y + 6)}),
          m.contrast.colour);
      board.Seam(Open({Corner(side * t.neck * 0.95, t.neck_y + 6),
                       Round(side * t.chest * 0.72, t.underarm().y - 24),
                       Corner(side * t.chest, t.underarm().y)}));
    }
  }
  if (m.badge) DrawBadge(t, m.colours, shape, board);
  DrawHemStitches(t, 5, Scale(m.colours.ground, 0.72), board);
  FoldBody(t, 1, pose, board);
  if (!m.badge && !polo && shape.Chance(0.2)) {
    DrawPocket({t.chest * 0.45, t.underarm().y - 6}, 30, 32, false, m.main, m,
               board);
  }
  if (polo) {
    Placket(t, t.neck_y + 72, 2, m.plain, m, board);
    DrawCollar(t, 17, 25, trim, m, board);
  } else {
    DrawNeckBand(t, trim, shape.Uniform(5, 9), board);
  }
}

void DrawTop(const Materials& m, Random& shape, Random& pose, Board& board) {
  Torso t = PickTorso(shape);
  t.neck = shape.Uniform(30, 40);
  t.neck_depth = shape.Uniform(34, 60);
  t.v_neck = shape.Chance(0.35);
  t.chest = shape.Uniform(54, 62);
  t.armhole = shape.Uniform(62, 74);
  t.waist = t.chest - shape.Uniform(2, 8);
  t.hem = t.waist + shape.Uniform(4, 26);
  t.bottom = shape.Uniform(220, 282);
  t.side_rise = shape.Chance(0.3) ? shape.Uniform(5, 14) : 0;
  const bool flutter = shape.Chance(0.3);
  const double strap = shape.Chance(0.4) ? 7 : shape.Uniform(12, 24);
  DrawBackNeck(t, m, board);
  if (flutter) {
    t.shoulder = t.neck + strap;
    Sleeve sleeve{.length = shape.Uniform(34, 52),
                  .end = shape.Uniform(52, 66),
                  .puff = 1.6};
    DrawSleeves(t, sleeve, m.main, m.main, true, pose, board);
  }
  board.Piece(SleevelessOutline(t, strap), m.main, {.puff_radius = 14});
  if (m.badge) DrawBadge(t, m.colours, shape, board);
  const bool peplum = shape.Chance(0.25);
  if (peplum) {
    const double y = t.waist_y() + 8;
    board.Seam({{-t.waist - 4, y}, {t.waist + 4, y}}, 1.6);
    for (int i = -4; i <= 4; ++i) {
      const double x = i * t.waist / 4.5;
      board.Crease(Open({Round(x, y + 2),
                         Round(x * 1.15 + pose.Uniform(-3, 3), t.bottom)}),
                   10, pose.Uniform(0.8, 2));
    }
  }
  DrawHemStitches(t, 4, Scale(m.colours.ground, 0.72), board);
  FoldBody(t, 1, pose, board);
  DrawNeckBand(t, m.plain, shape.Uniform(3, 5), board);
  if (shape.Chance(0.25)) {
    for (int i = 0; i < 3; ++i) {
      board.Button({0, t.neck_y + t.neck_depth + 10 + 13.0 * i}, 2, m.button);
    }
  }
}

void DrawShirt(const Materials& m, Random& shape, Random& pose, Board& board) {
  Torso t = PickTorso(shape);
  t.neck = shape.Uniform(20, 25);
  t.neck_depth = shape.Uniform(13, 17);
  t.bottom = shape.Uniform(290, 330);
  t.side_rise = shape.Chance(0.7) ? shape.Uniform(10, 24) : 0;
  const bool is_short = shape.Chance(0.3);
  Sleeve sleeve;
  sleeve.length = is_short ? shape.Uniform(60, 78) : shape.Uniform(186, 205);
  sleeve.end = is_short ? 48 : shape.Uniform(22, 26);
  sleeve.cuff = is_short ? 0 : shape.Uniform(14, 19);
  const bool trimmed = shape.Chance(0.15);
  const Cloth& trim = trimmed ? m.contrast : m.main;
  DrawSleeves(t, sleeve, m.main, trim, true, pose, board);
  board.Piece(BodyOutline(t), m.main, {.puff_radius = 14});
  // The yoke's seam.
  board.Seam(Open({Round(-t.shoulder, t.neck_y + t.drop + 12),
                   Round(0, t.neck_y + t.drop + 9),
                   Round(t.shoulder, t.neck_y + t.drop + 12)}),
             0.8);
  DrawHemStitches(t, 4, Scale(m.colours.ground, 0.72), board);
  FoldBody(t, 1.1, pose, board);
  const int pockets = shape.Weighted({4, 4, 3});
  const bool flap = shape.Chance(0.4);
  for (int i = 0; i < pockets; ++i) {
    DrawPocket({(i == 0 ? 1 : -1) * t.chest * 0.52, t.underarm().y - 2}, 34, 38,
               flap, m.main, m, board);
  }
  Placket(t, t.bottom + t.hem_curve - 3, 6, m.main, m, board);
  DrawCollar(t, shape.Uniform(15, 24), shape.Uniform(20, 31), trim, m, board);
}

void DrawSweater(const Materials& m, Random& shape, Random& pose,
                 Board& board) {
  Torso t = PickTorso(shape);
  t.shoulder += 3;
  t.chest += 5;
  t.bottom = shape.Uniform(255, 305);
  const int neck = shape.Int(0, 3);  // round, V, turtle, cardigan
  t.v_neck = neck == 1 || neck == 3;
  t.neck_depth = neck == 3  ? shape.Uniform(70, 105)
                 : t.v_neck ? shape.Uniform(38, 56)
                            : shape.Uniform(12, 18);
  if (neck == 2) t.neck = shape.Uniform(20, 25);
  const bool trimmed = shape.Chance(0.2);
  const Cloth& trim = trimmed ? m.contrast : m.plain;
  const Sleeve sleeve{.length = shape.Uniform(178, 198),
                      .end = shape.Uniform(23, 31),
                      .cuff = shape.Uniform(13, 20),
                      .puff = 1.3};
  if (neck != 2) DrawBackNeck(t, m, board);
  DrawSleeves(t, sleeve, m.main, trim, false, pose, board);
  board.Piece(BodyOutline(t), m.main, {.puff = 1.3, .puff_radius = 16});
  // Cables, plaits down the front of plain ones.
  if (m.pattern == Pattern::kSolid && shape.Chance(0.35)) {
    const double step = t.chest * shape.Uniform(0.4, 0.6);
    for (int c = -1; c <= 1; ++c) {
      for (double y = t.neck_y + t.neck_depth; y < t.bottom - 20; y += 13) {
        for (const int side : {1, -1}) {
          board.Crease(Open({Round(c * step - side * 5, y),
                             Round(c * step + side * 4, y + 7),
                             Round(c * step - side * 5, y + 14)}),
                       5, side * 1.6);
        }
      }
      board.Line({{c * step - 8, t.neck_y}, {c * step - 8, t.bottom}},
                 {0, 0, 0}, 1.2, 0.14);
      board.Line({{c * step + 8, t.neck_y}, {c * step + 8, t.bottom}},
                 {0, 0, 0}, 1.2, 0.14);
    }
  }
  if (m.badge) DrawBadge(t, m.colours, shape, board);
  FoldBody(t, 1.3, pose, board);
  DrawHemBand(t, shape.Uniform(14, 22), trim, board);
  if (neck == 2) {
    const double high = shape.Uniform(16, 30);
    board.Piece(Mirrored({Round(0, t.neck_y - high),
                          Corner(t.neck - 1, t.neck_y - high + 3),
                          Corner(t.neck + 3, t.neck_y + 3),
                          Round(0, t.neck_y + t.neck_depth + 4)}),
                trim, {.puff = 1.2, .puff_radius = 8, .shadow = 0.4});
    board.Crease(Open({Round(-t.neck, t.neck_y - high * 0.4),
                       Round(0, t.neck_y - high * 0.3),
                       Round(t.neck, t.neck_y - high * 0.4)}),
                 6, -1.2);
  } else if (neck == 3) {
    const double top = t.neck_y + t.neck_depth - 3;
    board.Piece({{-6, top}, {6, top}, {6, t.bottom + 3}, {-6, t.bottom + 3}},
                trim, {.puff = 0.6, .puff_radius = 5, .edge_radius = 2});
    for (double y = top + 10; y < t.bottom - 4; y += 27) {
      board.Button({0, y}, 3.8, m.button);
    }
    DrawNeckBand(t, trim, 10, board);
  } else {
    DrawNeckBand(t, trim, shape.Uniform(8, 13), board);
  }
}

void DrawSweatshirt(const Materials& m, Random& shape, Random& pose,
                    Board& board) {
  Torso t = PickTorso(shape);
  t.chest += 6;
  t.shoulder += 3;
  t.hem = t.waist + 2;
  t.bottom = shape.Uniform(262, 300);
  const bool hood = shape.Chance(0.7), zip = hood && shape.Chance(0.4);
  t.neck = hood ? 27 : 24;
  t.neck_depth = hood ? 30 : 15;
  const Cloth& trim = shape.Chance(0.2) ? m.contrast : m.plain;
  const Sleeve sleeve{.length = shape.Uniform(182, 200),
                      .end = shape.Uniform(26, 32),
                      .cuff = shape.Uniform(15, 20),
                      .puff = 1.4};
  if (hood) {
    // Behind the neck, its edge folded forward on both sides.
    const double up = shape.Uniform(26, 38);
    board.Piece(
        Mirrored({Round(0, t.neck_y - up),
                  Round(t.neck + 10, t.neck_y - up + 12),
                  Round(t.neck + 17, t.neck_y + 8),
                  Corner(t.neck + 6, t.neck_y + 22), Round(0, t.neck_y + 34)}),
        m.plain, {.puff = 1.4, .puff_radius = 12, .tone = 0.95});
    board.Piece(Mirrored({Round(0, t.neck_y - up + 13),
                          Round(t.neck - 3, t.neck_y - up + 22),
                          Round(t.neck - 1, t.neck_y + 8),
                          Corner(6, t.neck_y + t.neck_depth + 6),
                          Round(0, t.neck_y + t.neck_depth + 8)}),
                m.lining, {.puff = 0.3, .edge = 0.5, .tone = 0.66});
  } else {
    DrawBackNeck(t, m, board);
  }
  DrawSleeves(t, sleeve, m.main, trim, false, pose, board);
  board.Piece(BodyOutline(t), m.main, {.puff = 1.3, .puff_radius = 16});
  if (m.badge) DrawBadge(t, m.colours, shape, board);
  FoldBody(t, 1.4, pose, board);
  const double low = t.bottom - 18, high = low - shape.Uniform(48, 60);
  if (hood) {
    board.Piece(Mirrored({Corner(0, high), Corner(t.hem * 0.5, high),
                          Round(t.hem * 0.62, high + 14),
                          Corner(t.hem * 0.84, low - 12),
                          Corner(t.hem * 0.84, low), Corner(0, low)}),
                m.plain,
                {.puff = 0.5,
                 .puff_radius = 8,
                 .thickness = 0.3,
                 .follows = true,
                 .edge = 0.2,
                 .edge_radius = 3});
  }
  DrawHemBand(t, 17, trim, board);
  board.OnAll();
  const double top = t.neck_y + t.neck_depth;
  if (zip) {
    board.Zip({{0, top - 2}, {0, t.bottom + 2}}, m.metal,
              Scale(m.colours.ground, 0.7), 6);
  }
  if (!hood) {
    DrawNeckBand(t, trim, 9, board);
    return;
  }
  for (const int side : {1, -1}) {
    board.Piece(Strip(Open({Corner(side * (t.neck - 2), t.neck_y - 2),
                            Round(side * t.neck * 0.8, t.neck_y + 16),
                            Corner(side * 1.0, top + 3)}),
                      9),
                m.plain, {.puff = 0.9, .puff_radius = 5, .edge_radius = 2});
    const double hang = pose.Uniform(38, 60), x = side * pose.Uniform(7, 12);
    board.OnAll();
    const Outline cord = Open({Corner(side * 8.0, top - 7), Round(x, top + 10),
                               Round(x + pose.Uniform(-4, 4), top + hang)});
    board.Line(Shifted(cord, {0.8, 1}), {0, 0, 0}, 2, 0.3);
    board.Line(cord,
               trim.colour.r + trim.colour.g > 300
                   ? Rgb{250, 250, 248}
                   : Mix(m.colours.second, {255, 255, 255}, 0.5),
               1.8);
    board.Stud({side * 8.0, top - 7}, 2.2, m.metal);
  }
}

}  // namespace vitrine
