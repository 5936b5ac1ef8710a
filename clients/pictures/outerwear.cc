// Jackets, blazers, coats.
#include <algorithm>

#include "clients/pictures/torso.h"

namespace vitrine {
namespace {

Torso PickOuter(Random& shape) {
  Torso t;
  t.neck = shape.Uniform(24, 29);
  t.drop = shape.Uniform(13, 19);
  t.shoulder = shape.Uniform(66, 76);
  t.armhole = shape.Uniform(66, 78);
  t.chest = t.shoulder + shape.Uniform(2, 7);
  t.waist = t.chest - shape.Uniform(0, 8);
  t.hem = t.waist + shape.Uniform(0, 6);
  t.hem_curve = 2;
  return t;
}

// Lapels from the neck to (0, `to`), the inside seen above them.
void Lapels(const Torso& t, double to, double width, bool peak,
            const Materials& m, Board& board) {
  const double y = t.neck_y;
  for (const int side : {1, -1}) {
    auto at = [side](double px, double py) { return Corner(side * px, py); };
    const double notch = y + (to - y) * 0.34;
    const Lie lie{.puff = 0.5,
                  .puff_radius = 6,
                  .thickness = 0.5,
                  .follows = true,
                  .edge = 0.16,
                  .edge_radius = 2,
                  .shadow = 0.4,
                  .turn = side * 14.0};
    board.Piece(
        Closed({at(t.neck * 0.8, y + 2), at(t.neck + 4, y + 8),
                at(width * 0.82, notch - 2),
                at(width + 3, notch - (peak ? 10 : -1)), at(width, notch + 6),
                Round(side * width * 0.62, notch + (to - notch) * 0.55),
                at(0.5, to), Round(side * t.neck * 0.42, notch)}),
        m.main, lie);
    board.Piece(
        Closed({at(t.neck - 6, y - 7), Round(side * (t.neck + 5), y - 1),
                at(t.neck + 9, y + 11), at(width * 0.82, notch - 3),
                at(t.neck * 0.72, notch - 10),
                Round(side * t.neck * 0.76, y + 8)}),
        m.main, lie);
  }
}

void Inside(const Torso& t, double to, const Materials& m, Board& board) {
  board.Piece(Mirrored({Round(0, t.neck_y - 6), Corner(t.neck, t.neck_y - 6),
                        Corner(t.neck + 5, t.neck_y + 6), Corner(0, to + 4)}),
              m.lining, {.puff = 0.1, .edge = 0.5, .tone = 0.7});
  board.Patch(RoundedBox({0, t.neck_y + 8}, 18, 9, 1), {225, 222, 214});
}

void WeltPocket(Point centre, double width, double lean, const Materials& m,
                bool flap, Board& board) {
  const Point half = Point(width / 2, lean);
  if (flap) {
    board.Piece({centre - half, centre + half, centre + half + Point(0, 13),
                 centre - half + Point(0, 13)},
                m.main,
                {.puff = 0.3,
                 .puff_radius = 4,
                 .thickness = 0.4,
                 .follows = true,
                 .edge = 0.16,
                 .edge_radius = 2,
                 .shadow = 0.35});
  } else {
    board.Line({centre - half, centre + half}, {0, 0, 0}, 3.2, 0.32);
    board.Line({centre - half + Point(0, -1.6), centre + half + Point(0, -1.6)},
               {255, 255, 255}, 0.8, 0.18);
  }
}

}  // namespace

void DrawJacket(const Materials& m, Random& shape, Random& pose, Board& board) {
  Torso t = PickOuter(shape);
  // Bomber, biker, denim, puffer, windbreaker with a hood.
  const int style = m.weave == Weave::kLeather ? 1
                    : m.weave == Weave::kDenim ? 2
                                               : shape.Pick({0, 3, 3, 4});
  t.neck_depth = style == 1 ? 60 : 14;
  t.v_neck = style == 1;
  t.bottom = shape.Uniform(232, 278);
  const bool banded = style == 0 || (style == 3 && shape.Chance(0.5));
  const Cloth& trim = style == 0 && shape.Chance(0.4) ? m.contrast : m.plain;
  const Sleeve sleeve{.length = shape.Uniform(184, 202),
                      .end = shape.Uniform(26, 32),
                      .cuff = banded || style == 2 ? 15.0 : 7.0,
                      .puff = style == 3 ? 2.2 : 1.4};
  if (style == 1) board.SetGloss(0.55);
  if (style == 3) board.SetGloss(0.3);
  if (style == 4) {
    const double up = shape.Uniform(24, 34);
    board.Piece(
        Mirrored({Round(0, t.neck_y - up),
                  Round(t.neck + 9, t.neck_y - up + 12),
                  Round(t.neck + 13, t.neck_y + 8),
                  Corner(t.neck, t.neck_y + 18), Round(0, t.neck_y + 24)}),
        m.plain, {.puff = 1.4, .puff_radius = 12});
    board.Piece(
        Mirrored({Round(0, t.neck_y - up + 13), Round(t.neck - 2, t.neck_y - 4),
                  Round(0, t.neck_y + 18)}),
        m.lining, {.puff = 0.2, .edge = 0.5, .tone = 0.7});
  }
  Inside(t, t.neck_y + t.neck_depth, m, board);
  DrawSleeves(t, sleeve, m.main, trim, true, pose, board);
  board.Piece(BodyOutline(t), m.main, {.puff = 1.5, .puff_radius = 16});
  if (style == 3) {
    // Quilted across: a valley at each seam, a cushion between.
    const double step = shape.Uniform(17, 30);
    board.OnAll();
    for (double y = t.neck_y + 26; y < t.bottom - 8; y += step) {
      for (const int side : {1, -1}) {
        const Outline across =
            Open({Round(side * 3.0, y + 2), Round(side * t.chest * 0.5, y + 3),
                  Round(side * (t.chest + 6), y)});
        board.Line(across, {0, 0, 0}, 1.3, 0.3);
        board.Crease(across, 6, -2.2);
        board.Crease(Shifted(across, {0, step / 2}), 11, 1.6);
      }
      // Sleeves are quilted along their length.
      for (const int side : {1, -1}) {
        const double x = t.chest + 6;
        board.Crease(Open({Round(side * x, y), Round(side * (x + 60), y - 24)}),
                     7, -1.8);
      }
    }
  } else {
    FoldBody(t, style == 1 ? 1.6 : 1.2, pose, board);
  }
  if (style == 2) {
    for (const int side : {1, -1}) {
      board.Stitches(
          {{side * 20.0, t.underarm().y - 8}, {side * 27.0, t.bottom - 14}},
          m.thread);
      board.Stitches(
          {{side * 36.0, t.underarm().y - 8}, {side * 34.0, t.bottom - 14}},
          m.thread);
      DrawPocket({side * t.chest * 0.48, t.underarm().y - 2}, 32, 30, true,
                 m.main, m, board);
    }
  } else if (shape.Chance(0.8)) {
    for (const int side : {1, -1}) {
      const Point at(side * t.waist * 0.55, t.bottom - 62);
      if (style == 1) {
        board.OnAll();
        board.Zip({at + Point(side * 14, -9), at + Point(-side * 12, 9)},
                  m.metal, Scale(m.colours.ground, 0.6), 4);
      } else {
        WeltPocket(at, 28, -side * 9.0, m, false, board);
      }
    }
  }
  if (banded || style == 2) DrawHemBand(t, 17, trim, board);
  board.OnAll();
  const double top = t.neck_y + t.neck_depth;
  if (style == 2) {
    board.Line({{0, top}, {0, t.bottom}}, {0, 0, 0}, 1, 0.5);
    board.Stitches({{-7, top}, {-7, t.bottom}}, m.thread);
    board.Stitches({{7, top}, {7, t.bottom}}, m.thread);
    for (double y = top + 12; y < t.bottom; y += 31) {
      board.Stud({0, y}, 3.3, m.metal);
    }
    DrawCollar(t, 17, 30, m.main, m, board);
  } else if (style == 1) {
    Lapels(t, top, 50, true, m, board);
    board.OnAll();
    board.Zip({{0, top}, {-9, t.bottom + 2}}, m.metal,
              Scale(m.colours.ground, 0.6), 6);
    for (const int side : {1, -1}) {
      board.Stud({side * 42.0, t.neck_y + 30}, 2.2, m.metal);
    }
  } else {
    board.Zip({{0, t.neck_y - 2}, {0, t.bottom + 3}}, m.metal,
              Scale(m.colours.ground, 0.65), 7);
    board.Piece(
        Mirrored({Round(0, t.neck_y - 12), Corner(t.neck - 2, t.neck_y - 11),
                  Corner(t.neck + 4, t.neck_y + 5),
                  Round(t.neck * 0.6, t.neck_y + 15),
                  Corner(0, t.neck_y + 19)}),
        trim, {.puff = 0.9, .puff_radius = 6, .shadow = 0.4});
    board.Line({{0, t.neck_y - 12}, {0, t.neck_y + 19}}, {0, 0, 0}, 1.4, 0.5);
  }
}

void DrawBlazer(const Materials& m, Random& shape, Random& pose, Board& board) {
  Torso t = PickOuter(shape);
  t.v_neck = true;
  t.waist = t.chest - shape.Uniform(6, 14);
  t.hem = t.waist + shape.Uniform(6, 12);
  t.bottom = shape.Uniform(268, 312);
  const bool doubled = shape.Chance(0.25), peak = doubled || shape.Chance(0.2);
  const double to = t.neck_y + shape.Uniform(108, 150);
  t.neck_depth = to - t.neck_y;
  const Sleeve sleeve{.length = shape.Uniform(196, 208),
                      .end = shape.Uniform(26, 30)};
  Inside(t, to, m, board);
  DrawSleeves(t, sleeve, m.main, m.main, false, pose, board);
  board.Piece(BodyOutline(t), m.main, {.puff_radius = 16});
  // The fronts part below the last button.
  board.Patch({{0, to + 60}, {9, t.bottom + 6}, {-9, t.bottom + 6}},
              Scale(m.lining.colour, 0.35));
  for (const int side : {1, -1}) {
    board.Seam(Open({Round(side * t.chest * 0.62, t.underarm().y - 12),
                     Round(side * t.waist * 0.56, t.waist_y()),
                     Round(side * t.hem * 0.6, t.bottom - 60)}),
               0.8);
    WeltPocket({side * t.waist * 0.58, t.bottom - 70}, 36, -side * 2.0, m, true,
               board);
  }
  WeltPocket({t.chest * 0.55, t.underarm().y - 22}, 22, -2, m, false, board);
  FoldBody(t, 0.8, pose, board);
  board.OnAll();
  board.Line({{doubled ? 12.0 : 0, to}, {doubled ? 12.0 : 0, t.bottom - 20}},
             {0, 0, 0}, 1.3, 0.45);
  const int buttons = doubled ? 2 : shape.Int(1, 3);
  for (int i = 0; i < buttons; ++i) {
    const double y = to + 8 + 24.0 * i;
    board.Button({doubled ? 20.0 : 0, y}, 3.7, m.button);
    if (doubled) board.Button({-20, y}, 3.7, m.button);
  }
  Lapels(t, to, shape.Uniform(38, 48), peak, m, board);
}

void DrawCoat(const Materials& m, Random& shape, Random& pose, Board& board) {
  Torso t = PickOuter(shape);
  t.v_neck = true;
  t.bottom = shape.Uniform(365, 440);
  t.hem = t.waist + shape.Uniform(6, 22);
  const bool trench = shape.Chance(0.35), doubled = trench || shape.Chance(0.4);
  const double to = t.neck_y + shape.Uniform(78, 118);
  t.neck_depth = to - t.neck_y;
  const Sleeve sleeve{.length = shape.Uniform(198, 212),
                      .end = shape.Uniform(29, 35),
                      .cuff = trench ? 12.0 : 0,
                      .puff = 1.4};
  Inside(t, to, m, board);
  DrawSleeves(t, sleeve, m.main, m.main, true, pose, board);
  board.Piece(BodyOutline(t), m.main, {.puff = 1.4, .puff_radius = 18});
  const double edge = doubled ? 20 : 5;
  board.Line({{edge, to - 8}, {edge + 3, t.bottom + 2}}, {0, 0, 0}, 1.5, 0.45);
  board.Crease(Open({Round(edge + 2, to), Round(edge + 5, t.bottom)}), 5, 1.2);
  for (const int side : {1, -1}) {
    WeltPocket({side * t.waist * 0.66, t.waist_y() + 52}, trench ? 12 : 40,
               trench ? -side * 22.0 : 0, m, !trench, board);
    for (int i = 0; i < 2; ++i) {
      const double x = side * t.hem * pose.Uniform(0.3, 0.9);
      board.Crease(
          Open({Round(x * 0.85, t.waist_y() + 30),
                Round(x * 0.95, t.bottom - 60), Round(x, t.bottom + 3)}),
          14, pose.Uniform(1, 2.2));
    }
  }
  FoldBody(t, 1.2, pose, board);
  board.OnAll();
  const double step = shape.Uniform(34, 46);
  for (int i = 0; i < (trench ? 4 : 3); ++i) {
    const double y = to + 12 + step * i;
    board.Button({doubled ? 24.0 : 0, y}, 4.6, m.button);
    if (doubled) board.Button({-24, y}, 4.6, m.button);
  }
  if (trench || shape.Chance(0.3)) {
    const double y = t.waist_y() - 4, w = t.waist + 3;
    board.Piece(
        {{-w, y - 8}, {w, y - 8}, {w, y + 8}, {-w, y + 8}}, m.main,
        {.puff = 0.9, .puff_radius = 6, .edge_radius = 3, .shadow = 0.4});
    board.Piece(RoundedBox({6, y}, 22, 22, 3),
                SolidCloth(m.button, Weave::kPlain),
                {.puff = 0.6, .puff_radius = 4});
    board.Patch(RoundedBox({6, y}, 12, 12, 2), m.colours.ground);
  }
  Lapels(t, to, shape.Uniform(44, 56), shape.Chance(0.3), m, board);
  if (trench) {
    for (const int side : {1, -1}) {
      board.Piece(Shifted({{-13, -4}, {13, 2}, {13, 9}, {-13, 4}},
                          {side * 52.0, t.neck_y + 9}),
                  m.main, {.puff = 0.4, .puff_radius = 4, .edge_radius = 2});
    }
  }
}

}  // namespace vitrine
