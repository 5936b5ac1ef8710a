// Scarves, belts, ties, watches, sunglasses.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "clients/pictures/garment.h"

namespace vitrine {
namespace {

// A tail from `top` to `bottom` with a fringe of `fringe`.
void DrawTail(Point top_left, Point top_right, Point bottom_right,
              Point bottom_left, double fringe, double turn, const Cloth& cloth,
              Random& pose, Board& board) {
  if (fringe > 0) {
    Outline comb;
    const int threads = 13;
    for (int i = 0; i < threads; ++i) {
      const Point a = Lerp(bottom_left, bottom_right, (i + 0.12) / threads);
      const Point b = Lerp(bottom_left, bottom_right, (i + 0.78) / threads);
      const Point end =
          Point(pose.Uniform(-3, 3), fringe * pose.Uniform(0.85, 1.1));
      comb.insert(comb.end(),
                  {a + Point(0, -4), a + end, b + end, b + Point(0, -4)});
    }
    board.Piece(comb, SolidCloth(cloth.colour, Weave::kPlain),
                {.puff = 0.5, .puff_radius = 3, .edge_radius = 1});
  }
  board.Piece(Closed({Corner(top_left), Corner(top_right),
                      Round(Lerp(top_right, bottom_right, 0.5) +
                            Point(pose.Uniform(-3, 5), 0)),
                      Corner(bottom_right), Corner(bottom_left),
                      Round(Lerp(top_left, bottom_left, 0.5) +
                            Point(pose.Uniform(-5, 3), 0))}),
              cloth,
              {.puff = 1.4, .puff_radius = 14, .shadow = 0.35, .turn = turn});
  for (int i = 0; i < 4; ++i) {
    const double u = pose.Uniform(0.1, 0.9), v = u + pose.Uniform(-0.2, 0.2);
    board.Crease(Open({Round(Lerp(top_left, top_right, u)),
                       Round(Lerp(Lerp(top_left, top_right, u),
                                  Lerp(bottom_left, bottom_right, v), 0.5) +
                             Point(pose.Uniform(-5, 5), 0)),
                       Round(Lerp(bottom_left, bottom_right, v))}),
                 11, pose.Uniform(-2, 2));
  }
}

}  // namespace

void DrawScarf(const Materials& m, Random& shape, Random& pose, Board& board) {
  const double w = shape.Uniform(48, 64),
               fringe = shape.Chance(0.7) ? shape.Uniform(14, 30) : 0;
  const double length = shape.Uniform(330, 400),
               tail = length - shape.Uniform(20, 70);
  const int style = shape.Int(0, 2);
  if (style == 2) {  // folded in two and laid flat, as in a shop
    const double half = w * 0.9;
    DrawTail({-half + 10, 84}, {half + 12, 80}, {half + 14, tail - 30},
             {-half + 12, tail - 26}, fringe, 0, m.main, pose, board);
    DrawTail({-half - 14, 80}, {half - 12, 84}, {half - 10, length - 40},
             {-half - 12, length - 36}, fringe, 0, m.main, pose, board);
    board.Piece(RoundedBox({0, 82}, 2 * half + 30, 22, 10), m.main,
                {.puff = 1.4, .puff_radius = 10, .shadow = 0.2});
    return;
  }
  // Hung around a neck: behind it, then two tails, then a loop in style 1.
  board.Piece(
      Mirrored({Round(0, 62), Round(52, 70), Round(76, 108), Corner(60, 150),
                Corner(20, 150), Round(30, 112), Round(0, 96)}),
      m.main, {.puff = 1.4, .puff_radius = 14, .tone = 0.8});
  DrawTail({-78, 104}, {-22, 112}, {-12 + w * 0.2, tail}, {-16 - w * 0.8, tail},
           fringe, 4, m.main, pose, board);
  DrawTail({22, 112}, {78, 104}, {16 + w * 0.8, length}, {12 - w * 0.2, length},
           fringe, -4, m.main, pose, board);
  if (style == 1) {
    for (int i = 0; i < 2; ++i) {
      const double y = 96 + 24.0 * i, x = 82 + 4.0 * i;
      board.Piece(Mirrored({Round(0, y + 34), Round(x * 0.62, y + 14),
                            Round(x * 0.94, y - 20), Round(x, y + 10),
                            Round(x * 0.72, y + 50), Round(0, y + 74)}),
                  m.main,
                  {.puff = 1.6,
                   .puff_radius = 12,
                   .shadow = 0.4,
                   .shift = Point(i * 23, i * 31)});
      board.Crease(Open({Round(-x * 0.8, y + 14), Round(0, y + 52),
                         Round(x * 0.8, y + 14)}),
                   9, pose.Uniform(-1.8, -0.8));
    }
  }
}

void DrawBelt(const Materials& m, Random& shape, Random& pose, Board& board) {
  const double width = shape.Uniform(22, 38), rx = shape.Uniform(128, 146),
               ry = pose.Uniform(34, 62);
  const double cy = 240;
  board.SetGloss(0.45);
  auto arc = [&](double from, double to, double grow) {
    Outline out;
    for (int i = 0; i <= 40; ++i) {
      const double a = (from + (to - from) * i / 40) * std::numbers::pi / 180;
      out.emplace_back((rx + grow) * std::cos(a),
                       cy + (ry + grow * 0.4) * std::sin(a));
    }
    return out;
  };
  const Lie lie{.puff = 0.8, .puff_radius = 8, .edge = 0.3, .edge_radius = 3};
  Lie far = lie;
  far.tone = 0.6;
  auto band = [&](const Outline& line) {
    Outline out = Shifted(line, {0, -width / 2});
    Outline low = Shifted(line, {0, width / 2});
    out.insert(out.end(), low.rbegin(), low.rend());
    return out;
  };
  board.Piece(band(arc(180, 360, -3)), m.lining, far);
  board.Piece(band(arc(0, 180, 0)), m.main, lie);
  const bool stitched = shape.Chance(0.6);
  if (stitched) {
    for (const double e : {-width / 2 + 3.5, width / 2 - 3.5}) {
      board.Stitches(Shifted(arc(4, 176, 0), {0, e}), m.thread, 1, 4, 2.4);
    }
  } else if (shape.Chance(0.4)) {
    for (double a = 12; a < 172; a += 7) {
      const Point at = arc(a, a + 1, 0).front();
      board.Line({at + Point(-4, -width / 2), at + Point(4, width / 2)},
                 {0, 0, 0}, 1.6, 0.3);
      board.Line({at + Point(4, -width / 2), at + Point(-4, width / 2)},
                 {0, 0, 0}, 1.6, 0.3);
    }
  }
  // The free end, laid over, with its holes.
  const Outline tip = arc(96, 52, 5);
  Outline end = band(tip);
  board.Piece(end, m.main,
              {.puff = 0.8,
               .puff_radius = 8,
               .thickness = 0.6,
               .follows = true,
               .edge = 0.3,
               .edge_radius = 3,
               .shadow = 0.45});
  for (const double a : {60.0, 66.0, 72.0, 78.0}) {
    board.Patch(Ellipse(arc(a, a + 1, 5).front(), 2, 2.4), {20, 16, 14}, 0.85);
  }
  board.Piece(band(arc(118, 112, 5)), m.plain,
              {.puff = 1,
               .puff_radius = 4,
               .thickness = 0.7,
               .follows = true,
               .edge_radius = 2});
  // The buckle.
  const Point at = arc(92, 93, 5).front();
  const Cloth metal = SolidCloth(m.metal, Weave::kPlain);
  const double bw = width * shape.Uniform(1.0, 1.35),
               bh = width + shape.Uniform(12, 20);
  const Lie hard{.puff = 1.2,
                 .puff_radius = 4,
                 .thickness = 0.8,
                 .follows = true,
                 .edge = 0.3,
                 .edge_radius = 2,
                 .shadow = 0.5};
  const int buckle = shape.Int(0, 2);
  if (buckle == 2) {  // a plate
    board.Piece(RoundedBox(at, bw * 1.4, bh * 0.9, 8), metal, hard);
    board.Line(Shifted(Ellipse({0, 0}, bw * 0.45, bh * 0.28), at),
               Scale(m.metal, 0.7), 2.4);
    return;
  }
  const double r = buckle == 0 ? 6 : bh / 2;
  Outline ring = Open([&] {
    std::vector<Knot> knots;
    for (const Point& p : RoundedBox(at, bw, bh, r)) knots.push_back(Corner(p));
    knots.push_back(knots.front());
    return knots;
  }());
  board.Piece(Strip(ring, 6), metal, hard);
  board.Piece(Strip({at + Point(-bw / 2, 0), at + Point(bw / 2 + 3, 0)}, 4.5),
              metal, hard);
}

void DrawTie(const Materials& m, Random& shape, Random& pose, Board& board) {
  const double blade = shape.Uniform(25, 38), knot = shape.Uniform(17, 22),
               sway = pose.Uniform(-6, 6);
  const double tip = shape.Chance(0.85) ? 30 : 0;
  const double turn = m.pattern == Pattern::kStriped ? 45 : 0;
  // The loop around the collar.
  board.Piece(
      Strip(Open({Corner(-12, 92), Round(-44, 66), Round(-36, 44), Round(0, 36),
                  Round(36, 44), Round(44, 66), Corner(12, 92)}),
            15),
      m.main,
      {.puff = 1,
       .puff_radius = 6,
       .edge_radius = 3,
       .tone = 0.85,
       .turn = turn + 40});
  board.Piece(Closed({Corner(-9, 118), Corner(9, 118), Corner(sway + 14, 360),
                      Corner(sway, 378), Corner(sway - 14, 360)}),
              m.main,
              {.puff = 0.8, .puff_radius = 8, .tone = 0.72, .turn = turn});
  board.Piece(
      Closed({Corner(-11, 112), Corner(11, 112), Round(blade * 0.72, 250),
              Corner(blade + sway * 0.3, 400),
              Corner(sway * 0.3, 400 + tip + 4),
              Corner(-blade + sway * 0.3, 400), Round(-blade * 0.72, 250)}),
      m.main,
      {.puff = 1.2,
       .puff_radius = 14,
       .edge = 0.3,
       .shadow = 0.4,
       .turn = turn});
  board.Crease(Open({Round(0, 114), Round(3, 150), Round(0, 190)}), 8, -1.8);
  board.Crease(Open({Round(-6, 120), Round(-9, 220), Round(-8, 330)}), 12, 0.9);
  board.Piece(Closed({Corner(-knot, 82), Round(0, 78), Corner(knot, 82),
                      Corner(knot * 0.62, 118), Corner(-knot * 0.62, 118)}),
              m.main,
              {.puff = 1.6, .puff_radius = 10, .shadow = 0.45, .turn = -turn});
  board.SetGloss(0.25);
}

void DrawWatch(const Materials& m, Random& shape, Random& pose, Board& board) {
  const double r = shape.Uniform(58, 76), strap = r * shape.Uniform(0.52, 0.66),
               cy = 240;
  const bool bracelet = shape.Chance(0.45), square = shape.Chance(0.25),
             chrono = shape.Chance(0.35);
  const Rgb case_colour = bracelet ? m.colours.ground : m.metal;
  const Rgb dial = shape.Pick<Rgb>({{244, 243, 238},
                                    {34, 34, 38},
                                    {28, 44, 88},
                                    Mix(m.colours.ground, {250, 250, 250}, 0.7),
                                    m.colours.second});
  const Rgb ink = Luma(dial) > 120 ? Rgb{36, 36, 40} : Rgb{236, 236, 232};
  const double up = shape.Uniform(150, 170), down = shape.Uniform(160, 185);
  board.SetGloss(bracelet ? 0.7 : 0.35);
  const Cloth steel = SolidCloth(case_colour, Weave::kPlain);
  for (const int side : {-1, 1}) {
    const double end = cy + side * (side < 0 ? up : down), taper = strap * 0.82;
    board.Piece(
        Closed({Corner(-strap, cy + side * r * 0.7),
                Corner(strap, cy + side * r * 0.7),
                Corner(taper, end - side * 12.0), Round(taper * 0.7, end),
                Round(-taper * 0.7, end), Corner(-taper, end - side * 12.0)}),
        bracelet ? steel : m.main,
        {.puff = 1.2, .puff_radius = 14, .edge = 0.34, .edge_radius = 5});
    if (bracelet) {
      for (double y = cy + side * (r * 0.9);
           std::abs(y - cy) < std::abs(end - cy) - 4; y += side * 13) {
        board.Line({{-strap, y}, {strap, y}}, {0, 0, 0}, 1.6, 0.45);
        board.Crease({{-strap, y}, {strap, y}}, 4, -1.6);
      }
      for (const double x : {-0.34, 0.34}) {
        board.Line({{x * strap, cy + side * r * 0.7}, {x * strap * 0.9, end}},
                   {0, 0, 0}, 1.3, 0.35);
      }
    } else {
      for (const double x : {-1.0, 1.0}) {
        board.Stitches({{x * (strap - 5), cy + side * r * 0.9},
                        {x * (taper - 5), end - side * 10.0}},
                       m.thread, 1.2, 5, 3);
      }
      if (side > 0) {
        for (int i = 0; i < 5; ++i)
          board.Patch(Ellipse({0, end - 30 - 16.0 * i}, 3, 4), {20, 18, 18},
                      0.9);
      } else {
        board.Patch(RoundedBox({0, end + 6}, taper * 2.2, 16, 4), m.metal);
      }
    }
  }
  if (!bracelet) {
    board.Piece(RoundedBox({0, cy - up + 4}, strap * 2, 18, 4),
                SolidCloth(m.metal, Weave::kPlain),
                {.puff = 0.8, .puff_radius = 4, .edge_radius = 2});
  }
  board.Piece(RoundedBox({r + 6, cy}, 14, 17, 3), steel,
              {.puff = 0.8, .puff_radius = 4, .edge_radius = 2});
  if (chrono) {
    for (const double a : {-32.0, 32.0}) {
      board.Piece(
          RoundedBox(Point(0, cy) + Direction(90 + a) * (r + 5), 11, 11, 3),
          steel, {.puff = 0.8, .puff_radius = 3, .edge_radius = 2});
    }
  }
  auto frame = [&](double size) {
    return square ? RoundedBox({0, cy}, 2 * size * 0.88, 2 * size, size * 0.22)
                  : Ellipse({0, cy}, size, size);
  };
  board.Piece(frame(r), steel,
              {.puff = 1.6,
               .puff_radius = 8,
               .thickness = 0.8,
               .follows = true,
               .edge = 0.35,
               .edge_radius = 4,
               .shadow = 0.5});
  board.Piece(frame(r * 0.84), SolidCloth(dial, Weave::kPlain),
              {.puff = 0.1, .edge = 0.3, .edge_radius = 3, .shadow = 0});
  const Point centre(0, cy);
  const int marks = shape.Int(0, 2);
  for (int i = 0; i < 12; ++i) {
    const Point way = Direction(30 * i);
    const double out = r * 0.76, in = r * (i % 3 == 0 ? 0.6 : 0.67);
    if (marks == 2 && i % 3 == 0) {
      board.Letters(i == 6   ? "12"
                    : i == 9 ? "9"
                    : i == 0 ? "6"
                             : "3",
                    centre + way * r * 0.62, r * 0.2, 1.2, ink);
    } else if (marks == 1) {
      board.Patch(Ellipse(centre + way * r * 0.7, 2.6, 2.6), ink);
    } else {
      board.Line({centre + way * in, centre + way * out}, ink,
                 i % 3 == 0 ? 3.4 : 2);
    }
  }
  if (chrono) {
    for (const double a : {90.0, 0.0, 270.0}) {
      const Point at = centre + Direction(a) * r * 0.38;
      board.Patch(Ellipse(at, r * 0.17, r * 0.17), Mix(dial, ink, 0.18));
      board.Line({at, at + Direction(a + 130) * r * 0.13}, ink, 1.2);
    }
  }
  const double minute = pose.Uniform(0, 360), hour = pose.Uniform(0, 360);
  const Rgb hand = shape.Chance(0.3) ? m.metal : ink;
  board.Line(
      {centre - Direction(hour) * 6.0, centre + Direction(hour) * r * 0.42},
      hand, 4.4);
  board.Line(
      {centre - Direction(minute) * 8.0, centre + Direction(minute) * r * 0.64},
      hand, 3);
  board.Line({centre, centre + Direction(minute + 70) * r * 0.68},
             {190, 40, 40}, 1.2);
  board.Stud(centre, 3.6, hand);
  board.Patch(
      Closed({Corner(-r * 0.7, cy - r * 0.3), Corner(-r * 0.2, cy - r * 0.8),
              Corner(0, cy - r * 0.8), Corner(-r * 0.7, cy - r * 0.05)}),
      {255, 255, 255}, 0.10);
}

void DrawSunglasses(const Materials& m, Random& shape, Random& pose,
                    Board& board) {
  const int style =
      shape.Int(0, 4);  // square, round, aviator, cat's eye, shield
  const double w = shape.Uniform(50, 60), x = w + shape.Uniform(9, 13), y = 240;
  const double h = style == 1 ? w * 0.94 : w * shape.Uniform(0.72, 0.88);
  const bool wire = style == 2 || (style == 1 && shape.Chance(0.5));
  const double rim = wire ? 4 : shape.Uniform(8, 13);
  const Rgb lens = shape.Pick<Rgb>({{38, 38, 42},
                                    {38, 38, 42},
                                    {84, 58, 40},
                                    {46, 66, 54},
                                    {52, 74, 112},
                                    {150, 90, 40}});
  const Cloth& cloth = wire ? m.plain : m.main;
  board.SetGloss(0.8);
  auto lens_shape = [&](double side) {
    auto at = [&](double u, double v) {
      return Point(side * (x + u * w), y + v * h);
    };
    switch (style) {
      case 0:
        return Closed({Round(at(-0.92, -0.7)), Round(at(0, -0.82)),
                       Round(at(0.95, -0.78)), Round(at(0.9, 0.1)),
                       Round(at(0.6, 0.8)), Round(at(-0.5, 0.8)),
                       Round(at(-0.9, 0.1))});
      case 1:
        return Ellipse(at(0, 0), w * 0.88, h * 0.94);
      case 2:
        return Closed({Round(at(-0.9, -0.6)), Round(at(0, -0.78)),
                       Round(at(0.95, -0.7)), Round(at(0.9, 0.2)),
                       Round(at(0.35, 1.0)), Round(at(-0.45, 0.75)),
                       Round(at(-0.92, 0.0))});
      case 3:
        return Closed({Round(at(-0.9, -0.4)), Round(at(0.2, -0.75)),
                       Corner(at(1.12, -1.0)), Round(at(0.85, 0.15)),
                       Round(at(0.2, 0.8)), Round(at(-0.65, 0.55))});
      default:
        return Closed({Round(at(-1.05, -0.62)), Round(at(0, -0.72)),
                       Round(at(1.0, -0.66)), Round(at(0.92, 0.2)),
                       Round(at(0.3, 0.62)), Round(at(-0.7, 0.5)),
                       Round(at(-1.1, 0.0))});
    }
  };
  // The temples, folded behind or open and going away.
  const double back = pose.Uniform(20, 46);
  for (const double side : {1.0, -1.0}) {
    board.Piece(
        Strip(Open({Corner(side * (x + w * 0.9), y - h * 0.5),
                    Round(side * (x + w * 0.95), y - h * 0.5 - back),
                    Round(side * (x + w * 0.5), y - h * 0.5 - back * 1.5),
                    Corner(side * (x * 0.4), y - h * 0.4 - back * 1.3)}),
              wire ? 4 : 8),
        cloth, {.puff = 0.8, .puff_radius = 4, .edge_radius = 2, .tone = 0.75});
  }
  const Outline bridge =
      Open({Corner(-x + w * 0.9, y - h * 0.35), Round(0, y - h * 0.52),
            Corner(x - w * 0.9, y - h * 0.35)});
  board.Piece(Strip(bridge, wire ? 4 : 11), cloth,
              {.puff = 0.8, .puff_radius = 4, .edge_radius = 2});
  if (style == 2) {
    board.Piece(
        Strip({{-x + w * 0.5, y - h * 0.82}, {x - w * 0.5, y - h * 0.82}}, 4),
        cloth, {.puff = 0.8, .puff_radius = 4, .edge_radius = 2});
  }
  for (const double side : {1.0, -1.0}) {
    Outline outer = lens_shape(side);
    const Point centre(side * x, y);
    for (Point& p : outer) p += Unit(p - centre) * (rim * 0.75);
    const Lie hard{.puff = 1.2,
                   .puff_radius = 5,
                   .thickness = 0.4,
                   .follows = true,
                   .edge = 0.3,
                   .edge_radius = 2,
                   .shadow = 0.35};
    board.Piece(outer, cloth, hard);
    board.Piece(lens_shape(side), SolidCloth(lens, Weave::kPlain),
                {.puff = 0.1, .edge = 0.35, .edge_radius = 3, .shadow = 0.1});
    // The sky in the lens.
    board.Tint(Ellipse(centre + Point(-w * 0.1, h * 0.7), w, h * 0.7),
               Mix(lens, {255, 236, 214}, 0.55), 0.4, 16);
    board.Patch(Closed({Corner(centre + Point(-w * 0.6, -h * 0.1)),
                        Corner(centre + Point(-w * 0.1, -h * 0.75)),
                        Corner(centre + Point(w * 0.12, -h * 0.75)),
                        Corner(centre + Point(-w * 0.5, h * 0.2))}),
                {255, 255, 255}, 0.2);
    if (!wire) {
      board.OnAll();
      board.Stud({side * (x + w * 0.86), y - h * 0.62}, 2.4, m.metal);
    }
  }
}

}  // namespace vitrine
