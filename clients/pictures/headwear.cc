// Caps and hats.
#include <algorithm>

#include "clients/pictures/garment.h"

namespace vitrine {
namespace {

void Emblem(Point at, double r, const Materials& m, Random& shape,
            Board& board) {
  switch (shape.Int(0, 3)) {
    case 0:
      board.Letters(shape.Pick({"NY", "LA", "SF", "A", "B", "K", "R", "X"}), at,
                    r * 1.5, 3, m.colours.second);
      break;
    case 1:
      board.Patch(Ellipse(at, r, r), m.colours.second);
      board.Patch(Ellipse(at, r * 0.6, r * 0.6), m.colours.third);
      break;
    case 2: {
      Outline star;
      for (int i = 0; i < 10; ++i) {
        star.push_back(at + Direction(180 + 36 * i) * (i % 2 ? 0.42 * r : r));
      }
      board.Patch(star, m.colours.second);
      break;
    }
    default:
      break;
  }
}

void CapFromTheSide(const Materials& m, Random& shape, Random& pose,
                    Board& board) {
  const double high = shape.Uniform(140, 168), brim = shape.Uniform(150, 168);
  const bool mesh = shape.Chance(0.25), two_tone = shape.Chance(0.3);
  const Cloth& peak = two_tone ? m.contrast : m.main;
  // The strap at the back, the far side of the opening.
  board.Piece(Closed({Corner(-104, 286), Round(-60, 276), Corner(40, 282),
                      Corner(40, 300), Corner(-100, 304)}),
              m.lining, {.puff = 0.3, .tone = 0.6});
  board.Piece(
      Closed({Corner(-106, 300), Round(-112, 244), Round(-84, high + 34),
              Round(-20, high), Round(48, high + 28), Round(76, 240),
              Corner(82, 296), Round(0, 306)}),
      m.main, {.puff = 2.4, .puff_radius = 26, .edge = 0.34, .edge_radius = 8});
  if (mesh) {
    const Outline back =
        Closed({Corner(-130, 320), Corner(-130, high), Corner(-18, high - 4),
                Round(-8, 240), Corner(-12, 320)});
    board.Patch(back, m.colours.second, 0.9);
    for (double y = high; y < 310; y += 4.5) {
      for (double x = -118; x < -12; x += 4.5) {
        board.Patch(Ellipse({x, y}, 1.1, 1.1), {20, 20, 22}, 0.5);
      }
    }
  }
  for (const double end : {-62.0, -8.0, 46.0}) {
    board.Seam(Open({Round(-20, high + 1), Round(-20 + (end + 20) * 0.8, 220),
                     Round(end, 302)}));
    board.Stitches(
        Shifted(Open({Round(-20, high + 1), Round(-20 + (end + 20) * 0.8, 220),
                      Round(end, 302)}),
                {3, 0}),
        m.thread, 0.8);
  }
  for (const double x : {-52.0, 14.0})
    board.Stud({x, high + 42}, 3, Scale(m.colours.ground, 0.8));
  Emblem({40, 236}, 20, m, shape, board);
  board.OnAll();
  board.Piece(Ellipse({-20, high - 1}, 8, 5), peak,
              {.puff = 1, .puff_radius = 4, .edge_radius = 2});
  const double dip = pose.Uniform(-3, 5);
  board.Piece(
      Closed({Corner(20, 303), Round(50, 290), Corner(84, 280),
              Round(128, 288 + dip), Round(brim, 318 + dip),
              Round(brim - 8, 332 + dip), Round(110, 314 + dip),
              Round(62, 308)}),
      peak,
      {.puff = 1.4, .puff_radius = 10, .edge = 0.3, .shadow = 0.4, .turn = 12});
  for (int i = 0; i < 4; ++i) {
    const double in = 6.0 * i;
    board.Stitches(Open({Corner(86 - in * 0.2, 286 + in * 0.6),
                         Round(126 - in * 0.4, 293 + dip + in * 0.6),
                         Round(brim - 6 - in, 318 + dip + in * 0.5)}),
                   Scale(peak.colour, 0.7), 0.8);
  }
}

void CapFromTheFront(const Materials& m, Random& shape, Random& pose,
                     Board& board) {
  const double high = shape.Uniform(146, 168), w = shape.Uniform(92, 104);
  const Cloth& peak = shape.Chance(0.35) ? m.contrast : m.main;
  board.Piece(Mirrored({Round(0, high), Round(w * 0.6, high + 24),
                        Round(w * 0.95, 228), Corner(w, 288), Round(0, 296)}),
              m.main,
              {.puff = 2.4, .puff_radius = 28, .edge = 0.34, .edge_radius = 8});
  board.Seam(Open({Corner(0, high), Corner(0, 292)}));
  for (const int side : {1, -1}) {
    const Outline seam = Open({Round(0, high + 1), Round(side * w * 0.52, 208),
                               Round(side * w * 0.62, 292)});
    board.Seam(seam);
    board.Stitches(Shifted(seam, {side * 3.0, 0}), m.thread, 0.8);
    board.Stud({side * w * 0.34, high + 44}, 3, Scale(m.colours.ground, 0.8));
  }
  Emblem({0, 236}, 24, m, shape, board);
  board.Piece(Ellipse({0, high - 1}, 8, 5), peak,
              {.puff = 1, .puff_radius = 4, .edge_radius = 2});
  const double drop = 334 + pose.Uniform(-4, 6);
  board.Piece(Mirrored({Round(0, 284), Round(w * 0.7, 286), Corner(w + 3, 294),
                        Round(w + 14, 318), Round(w * 0.92, 330),
                        Round(w * 0.45, drop), Round(0, drop + 3)}),
              peak,
              {.puff = 1.6, .puff_radius = 14, .edge = 0.3, .shadow = 0.45});
  for (int i = 1; i < 5; ++i) {
    const double t = i / 5.0;
    board.Stitches(Open({Round(-w - 6, 294 + 30 * t),
                         Round(-w * 0.5, 288 + (drop - 288) * t),
                         Round(0, 287 + (drop - 284) * t),
                         Round(w * 0.5, 288 + (drop - 288) * t),
                         Round(w + 6, 294 + 30 * t)}),
                   Scale(peak.colour, 0.7), 0.8);
  }
}

}  // namespace

void DrawCap(const Materials& m, Random& shape, Random& pose, Board& board) {
  (shape.Chance(0.55) ? CapFromTheSide : CapFromTheFront)(m, shape, pose,
                                                          board);
}

void DrawHat(const Materials& m, Random& shape, Random& pose, Board& board) {
  const int style = m.weave == Weave::kKnit || m.weave == Weave::kRib ? 3
                    : m.weave == Weave::kStraw ? shape.Pick({0, 1})
                                               : shape.Pick({0, 0, 1, 2});
  const double tilt = pose.Uniform(-3, 3);
  if (style == 3) {  // a knitted hat with a turned-up edge
    const double high = shape.Uniform(120, 160), w = shape.Uniform(90, 104);
    if (shape.Chance(0.45)) {
      const double r = shape.Uniform(24, 34);
      Outline ball;
      for (int i = 0; i < 60; ++i) {
        ball.push_back(Point(tilt, high - r * 0.6) +
                       Direction(6.0 * i) * (i % 2 ? r : r * 0.88));
      }
      board.Piece(ball, SolidCloth(m.contrast.colour, Weave::kFleece),
                  {.puff = 2, .puff_radius = 16, .edge = 0.4});
    }
    board.Piece(
        Mirrored({Round(0, high), Round(w * 0.62, high + 22),
                  Round(w * 0.96, high + 92), Corner(w, 300), Corner(0, 304)}),
        m.main,
        {.puff = 2.4, .puff_radius = 28, .edge = 0.35, .edge_radius = 8});
    for (int i = -3; i <= 3; ++i) {
      board.Crease(Open({Round(i * 5, high + 6), Round(i * w * 0.26, high + 70),
                         Round(i * w * 0.29, 300)}),
                   9, pose.Uniform(0.2, 1.2));
    }
    board.Piece(Mirrored({Round(0, 282), Corner(w + 3, 278), Round(w + 6, 305),
                          Corner(w + 2, 332), Round(0, 338)}),
                shape.Chance(0.35) ? m.contrast : m.plain,
                {.puff = 1.5, .puff_radius = 12, .shadow = 0.4});
    for (double x = -w; x <= w; x += 9) {
      board.Crease({{x, 280}, {x, 336}}, 4, -0.9);
    }
    return;
  }
  if (style == 2) {  // bucket
    const double w = shape.Uniform(76, 86), high = shape.Uniform(168, 186);
    board.Piece(
        Mirrored({Round(0, high), Round(w - 18, high + 3),
                  Round(w - 4, high + 12), Corner(w + 4, 276), Round(0, 286)}),
        m.main, {.puff = 2, .puff_radius = 24, .edge = 0.34, .edge_radius = 7});
    board.Seam(Open({Round(-w + 4, high + 16), Round(0, high + 24),
                     Round(w - 4, high + 16)}));
    board.Piece(Mirrored({Round(0, 270), Corner(w + 4, 262), Round(w + 34, 304),
                          Corner(w + 48, 330 + tilt), Round(w * 0.7, 348),
                          Round(0, 352)}),
                shape.Chance(0.2) ? m.contrast : m.main,
                {.puff = 1.4, .puff_radius = 14, .shadow = 0.35});
    for (int i = 1; i < 5; ++i) {
      const double t = i / 5.0;
      board.Stitches(
          Open({Round(-w - 4 - 44 * t, 266 + 60 * t), Round(0, 272 + 78 * t),
                Round(w + 4 + 44 * t, 266 + 60 * t)}),
          Scale(m.colours.ground, 0.7), 0.8);
    }
    return;
  }
  // A fedora, or a wide straw brim.
  const double brim =
      style == 1 ? shape.Uniform(150, 168) : shape.Uniform(118, 142);
  const double w = shape.Uniform(66, 78), high = shape.Uniform(168, 196),
               y = 292;
  const double depth = style == 1 ? 34 : 24;
  board.Piece(
      Closed({Round(-brim, y - 6 + tilt), Round(-brim * 0.6, y - depth),
              Round(0, y - depth - 6), Round(brim * 0.6, y - depth),
              Round(brim, y - 6 - tilt), Round(brim * 0.6, y + depth * 0.8),
              Round(0, y + depth), Round(-brim * 0.6, y + depth * 0.8)}),
      m.main, {.puff = 1.2, .puff_radius = 14, .edge = 0.3});
  board.Line(Open({Round(-brim + 4, y - 3 + tilt),
                   Round(-brim * 0.58, y + depth * 0.7),
                   Round(0, y + depth - 5), Round(brim * 0.58, y + depth * 0.7),
                   Round(brim - 4, y - 3 - tilt)}),
             Scale(m.colours.ground, 0.75), 1.6, 0.7);
  const double pinch = style == 0 ? shape.Uniform(8, 18) : -4;
  board.Piece(Mirrored({Round(0, high + pinch), Round(w * 0.5, high),
                        Round(w * 0.86, high + 14), Round(w, high + 60),
                        Corner(w + 4, y + 2), Round(0, y + 14)}),
              m.main,
              {.puff = 2.2,
               .puff_radius = 24,
               .edge = 0.36,
               .edge_radius = 8,
               .shadow = 0.45});
  if (style == 0) {
    board.Crease(Open({Round(0, high + 2), Round(3, high + 46)}), 15, -2.4);
    board.Crease(
        Open({Round(-w * 0.6, high + 16), Round(-w * 0.45, high + 60)}), 15,
        -1.6);
    board.Crease(Open({Round(w * 0.6, high + 16), Round(w * 0.45, high + 60)}),
                 15, -1.6);
  }
  board.Piece(Mirrored({Round(0, y - 12), Corner(w + 3, y - 24),
                        Corner(w + 5, y + 2), Round(0, y + 15)}),
              m.contrast, {.puff = 0.6, .puff_radius = 6, .edge_radius = 2});
  if (shape.Chance(0.6)) {
    for (const double lean : {-1.0, 1.0}) {
      board.Piece(
          Closed({Corner(w * 0.6, y - 4), Round(w * 0.6 + lean * 16, y - 16),
                  Round(w * 0.6 + lean * 16, y + 6)}),
          m.contrast, {.puff = 0.8, .puff_radius = 4, .edge_radius = 2});
    }
  }
}

}  // namespace vitrine
