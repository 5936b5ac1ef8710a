// Handbags and backpacks.
#include <algorithm>

#include "clients/pictures/garment.h"

namespace vitrine {
namespace {

struct Bag {
  double top = 170, bottom = 350;
  double top_width = 100, bottom_width = 120;  // half
  double round = 16;                           // of the lower corners
};

Outline BagOutline(const Bag& b) {
  return Mirrored(
      {Corner(0, b.top), Corner(b.top_width - 4, b.top),
       Round(b.top_width, b.top + 4), Round(b.bottom_width, b.bottom - b.round),
       Round(b.bottom_width - b.round * 0.35, b.bottom - b.round * 0.35),
       Round(b.bottom_width - b.round, b.bottom), Corner(0, b.bottom)});
}

void Border(const Bag& b, Rgb thread, Board& board) {
  Bag in = b;
  in.top += 5;
  in.bottom -= 5;
  in.top_width -= 5;
  in.bottom_width -= 5;
  Outline path = BagOutline(in);
  path.push_back(path.front());
  board.Stitches(path, thread, 0.9, 3.2, 2);
}

// Two handles; the far one behind, higher and darker.
void Handle(double x, double from, double top, double width, const Cloth& cloth,
            double tone, Board& board) {
  board.Piece(Strip(Open({Corner(-x, from), Round(-x * 0.86, (from + top) / 2),
                          Round(-x * 0.4, top + 5), Round(0, top),
                          Round(x * 0.4, top + 5),
                          Round(x * 0.86, (from + top) / 2), Corner(x, from)}),
                    width),
              cloth,
              {.puff = 1.2,
               .puff_radius = 4,
               .edge = 0.35,
               .edge_radius = 2,
               .tone = tone});
}

void Chain(const Outline& curve, Rgb metal, Board& board) {
  const Cloth cloth = SolidCloth(metal, Weave::kPlain);
  for (size_t i = 0; i + 1 < curve.size(); ++i) {
    const Point mid = Lerp(curve[i], curve[i + 1], 0.5);
    const double half = Length(curve[i + 1] - curve[i]) * 0.62;
    const Point along = Unit(curve[i + 1] - curve[i]);
    board.Piece(
        Strip({mid - along * half, mid + along * half}, i % 2 ? 3.4 : 6), cloth,
        {.puff = 0.8,
         .puff_radius = 3,
         .edge = 0.3,
         .edge_radius = 1,
         .shadow = 0.1});
  }
}

}  // namespace

void DrawHandbag(const Materials& m, Random& shape, Random& pose,
                 Board& board) {
  // Tote, satchel with a flap, bucket, chain bag, clutch, hobo.
  const int style = shape.Weighted({3, 2.5, 1.5, 2, 1.2, 1.5});
  board.SetGloss(m.weave == Weave::kLeather ? shape.Uniform(0.2, 0.6) : 0.05);
  Bag b;
  b.top = 190;
  b.bottom = b.top + shape.Uniform(130, 190);
  b.top_width = shape.Uniform(86, 120);
  b.bottom_width = b.top_width + shape.Uniform(-4, 26);
  b.round = shape.Uniform(6, 34);
  const double strap = shape.Uniform(8, 14);
  const Cloth& trim = shape.Chance(0.35) ? m.contrast : m.plain;
  const double lift = pose.Uniform(-8, 8);
  const Lie body{.puff = 2, .puff_radius = 26, .edge = 0.32, .edge_radius = 8};
  const Lie flap_lie{.puff = 0.8,
                     .puff_radius = 10,
                     .thickness = 0.7,
                     .follows = true,
                     .edge = 0.2,
                     .edge_radius = 4,
                     .shadow = 0.45};
  switch (style) {
    case 1:
      b.bottom = b.top + shape.Uniform(110, 140);
      break;
    case 2:
      b.top_width = shape.Uniform(74, 90);
      b.bottom_width = b.top_width - shape.Uniform(2, 14);
      b.bottom = b.top + shape.Uniform(160, 200);
      break;
    case 3:
      b.top_width = shape.Uniform(92, 112);
      b.bottom_width = b.top_width;
      b.bottom = b.top + shape.Uniform(96, 124);
      break;
    case 4:
      b.top_width = shape.Uniform(120, 142);
      b.bottom_width = b.top_width + 2;
      b.bottom = b.top + shape.Uniform(78, 100);
      break;
    default:
      break;
  }
  const double high =
      b.top - (style == 0 ? shape.Uniform(80, 150) : shape.Uniform(60, 100)) +
      lift;
  const double grip = b.top_width * shape.Uniform(0.42, 0.6);
  if (style == 5) {
    // A crescent hung from one broad strap.
    board.Piece(
        Strip(Open({Corner(-96, 212), Round(-70, 110), Round(0, 62 + lift),
                    Round(70, 110), Corner(96, 212)}),
              strap + 8),
        trim, {.puff = 1.2, .puff_radius = 6, .edge_radius = 3});
    board.Piece(Mirrored({Round(0, 232 + shape.Uniform(0, 20)), Round(60, 222),
                          Corner(104, 190), Round(124, 250), Round(104, 326),
                          Round(50, 356), Round(0, 362)}),
                m.main, body);
    for (int i = 0; i < 7; ++i) {
      const double x = -75 + 25.0 * i;
      board.Crease(
          Open({Round(x, 236), Round(x * 0.85 + pose.Uniform(-6, 6), 290)}), 9,
          pose.Uniform(-1.8, 1.6));
    }
    board.OnAll();
    board.Line(Open({Round(-92, 208), Round(0, 244), Round(92, 208)}),
               Scale(m.colours.ground, 0.55), 3);
    board.Stud({-96, 204}, 7, m.metal);
    board.Stud({96, 204}, 7, m.metal);
    return;
  }
  if (style == 3) {
    Outline chain;
    const Outline curve = Open(
        {Corner(-b.top_width + 8, b.top + 8), Round(-b.top_width * 0.8, high),
         Round(0, high - 34), Round(b.top_width * 0.8, high),
         Corner(b.top_width - 8, b.top + 8)});
    double walked = 0;
    for (size_t i = 0; i < curve.size(); ++i) {
      if (i > 0) walked += Length(curve[i] - curve[i - 1]);
      if (chain.empty() || walked >= 8) {
        chain.push_back(curve[i]);
        walked = 0;
      }
    }
    Chain(chain, m.metal, board);
  } else if (style != 4) {
    Handle(grip, b.top + 6, high - 10, strap - 2, trim, 0.7, board);
  }
  board.Piece(
      Mirrored({Round(0, b.top - 6), Corner(b.top_width - 6, b.top),
                Corner(b.top_width - 8, b.top + 10), Corner(0, b.top + 12)}),
      m.lining, {.puff = 0.2, .tone = 0.6});
  board.Piece(BagOutline(b), m.main, body);
  board.Crease(Open({Round(-b.top_width * 0.6, b.top + 10),
                     Round(-b.bottom_width * 0.5 + pose.Uniform(-10, 10),
                           (b.top + b.bottom) / 2),
                     Round(-b.bottom_width * 0.65, b.bottom - 10)}),
               14, pose.Uniform(-1.8, 1.8));
  board.Crease(Open({Round(b.top_width * 0.5, b.top + 10),
                     Round(b.bottom_width * 0.55, (b.top + b.bottom) / 2),
                     Round(b.bottom_width * 0.4, b.bottom - 6)}),
               14, pose.Uniform(-1.8, 1.8));
  const double mid = (b.top + b.bottom) / 2;
  switch (style) {
    case 0: {
      if (shape.Chance(0.5)) {
        board.Patch(
            Mirrored({Corner(0, b.bottom - 46), Corner(200, b.bottom - 46),
                      Corner(200, b.bottom + 4), Corner(0, b.bottom + 4)}),
            trim.colour);
        board.Seam({{-200, b.bottom - 46}, {200, b.bottom - 46}}, 1.2);
      }
      Border(b, m.thread, board);
      board.OnAll();
      for (const int side : {1, -1}) {
        board.Line({{side * grip, b.top - 2}, {side * grip, b.top + 34}},
                   trim.colour, strap + 3);
        board.Stud({side * grip, b.top + 28}, 3.4, m.metal);
      }
      break;
    }
    case 1: {
      Border(b, m.thread, board);
      const double drop = (b.bottom - b.top) * shape.Uniform(0.45, 0.68);
      board.Piece(
          Mirrored({Corner(0, b.top - 5), Corner(b.top_width + 2, b.top - 4),
                    Corner(b.top_width + 4, b.top + drop * 0.7),
                    Round(b.top_width * 0.82, b.top + drop * 0.95),
                    Round(0, b.top + drop)}),
          m.main, flap_lie);
      board.Stitches(Open({Corner(-b.top_width, b.top + drop * 0.66),
                           Round(-b.top_width * 0.8, b.top + drop * 0.9),
                           Round(0, b.top + drop - 5),
                           Round(b.top_width * 0.8, b.top + drop * 0.9),
                           Corner(b.top_width, b.top + drop * 0.66)}),
                     m.thread);
      const int locks = shape.Int(1, 2);
      for (int i = 0; i < locks; ++i) {
        const double x = locks == 1 ? 0 : (i == 0 ? -1 : 1) * b.top_width * 0.5;
        board.Piece(RoundedBox({x, b.top + drop + 2}, 17, 40, 5), trim,
                    {.puff = 0.6,
                     .puff_radius = 4,
                     .thickness = 0.6,
                     .follows = true,
                     .edge_radius = 2});
        board.Patch(RoundedBox({x, b.top + drop + 4}, 13, 15, 3), m.metal);
        board.Patch(Ellipse({x, b.top + drop + 4}, 2.4, 2.4), {50, 40, 30});
      }
      break;
    }
    case 2: {
      for (double x = -b.top_width + 12; x < b.top_width; x += 22) {
        board.Stud({x, b.top + 18}, 3, m.metal);
        board.Crease({{x + 11, b.top + 2}, {x + 9, b.top + 60}}, 8,
                     pose.Uniform(-2, 2));
      }
      board.Line({{-b.top_width, b.top + 18}, {b.top_width, b.top + 18}},
                 trim.colour, 3.5);
      for (const int side : {1, -1}) {
        board.Line(
            Open({Round(side * 4.0, b.top + 18), Round(side * 11.0, b.top + 44),
                  Round(side * 8.0, b.top + 84)}),
            trim.colour, 4);
        board.Line({{side * 8.0, b.top + 84}, {side * 8.0, b.top + 100}},
                   trim.colour, 8);
      }
      break;
    }
    case 3: {
      const double step = shape.Uniform(20, 30);
      const bool quilted = shape.Chance(0.7);
      const double drop = (b.bottom - b.top) * shape.Uniform(0.5, 0.7);
      auto quilt = [&] {
        if (!quilted) return;
        for (double d = -260; d < 260; d += step) {
          for (const int side : {1, -1}) {
            const Outline line = {{side * d, b.top - 6},
                                  {side * (d + 130), b.top + 124}};
            board.Line(line, {0, 0, 0}, 1, 0.3);
            board.Crease(line, 5, -1.5);
          }
        }
      };
      quilt();
      board.Piece(
          Mirrored({Corner(0, b.top - 4), Corner(b.top_width + 1, b.top - 4),
                    Corner(b.top_width + 2, b.top + drop * 0.5),
                    Round(b.top_width * 0.5, b.top + drop * 0.86),
                    Corner(0, b.top + drop)}),
          m.main, flap_lie);
      quilt();
      board.OnAll();
      board.Patch(RoundedBox({0, b.top + drop - 3}, 24, 18, 4), m.metal);
      board.Patch(RoundedBox({0, b.top + drop - 4}, 15, 9, 3),
                  Mix(m.metal, {255, 255, 255}, 0.6));
      break;
    }
    case 4: {
      Border(b, m.thread, board);
      board.Piece(
          Mirrored({Corner(0, b.top - 4), Corner(b.top_width + 1, b.top - 4),
                    Corner(b.top_width - 6, b.top + 26),
                    Corner(0, mid + shape.Uniform(8, 26))}),
          shape.Chance(0.3) ? m.contrast : m.main, flap_lie);
      board.Stud({0, mid + 2}, 7, m.metal);
      board.OnAll();
      const Outline wrist = Open({Corner(b.top_width - 2, b.top + 12),
                                  Round(b.top_width + 22, b.top + 40),
                                  Round(b.top_width + 8, b.top + 92),
                                  Corner(b.top_width - 2, b.top + 20)});
      board.Piece(Strip(wrist, 6), trim,
                  {.puff = 0.8, .puff_radius = 4, .edge_radius = 2});
      return;
    }
    default:
      break;
  }
  if (style != 3) Handle(grip, b.top + 20, high, strap, trim, 1, board);
}

void DrawBackpack(const Materials& m, Random& shape, Random& pose,
                  Board& board) {
  const double w = shape.Uniform(84, 106), top = 92,
               bottom = top + shape.Uniform(245, 290);
  const double crown = shape.Uniform(0.25, 0.6);  // how round the top is
  const bool flap = shape.Chance(0.3), sides = shape.Chance(0.6);
  const Cloth& pocket = shape.Chance(0.4) ? m.contrast : m.main;
  const Cloth& strap = shape.Chance(0.3) ? m.contrast : m.plain;
  const Rgb dark = Scale(m.colours.ground, 0.6);
  const Lie lie{.puff = 2.2, .puff_radius = 26, .edge = 0.32, .edge_radius = 8};
  // Straps peep out at both sides.
  for (const int side : {1, -1}) {
    board.Piece(Strip(Open({Corner(side * w * 0.5, top + 8),
                            Round(side * (w + 10), top + 60),
                            Round(side * (w + pose.Uniform(15, 24)), top + 150),
                            Corner(side * (w - 2), bottom - 36)}),
                      18),
                strap, {.puff = 1, .puff_radius = 7, .tone = 0.78});
  }
  board.Piece(Strip(Open({Corner(-22, top + 10), Round(-20, top - 16),
                          Round(0, top - 26), Round(20, top - 16),
                          Corner(22, top + 10)}),
                    10),
              strap, {.puff = 1, .puff_radius = 4, .edge_radius = 2});
  if (sides) {
    for (const int side : {1, -1}) {
      board.Piece(Closed({Corner(side * (w - 10), bottom - 104),
                          Corner(side * (w + 14), bottom - 98),
                          Round(side * (w + 14), bottom - 20),
                          Corner(side * (w - 10), bottom - 8)}),
                  m.plain, {.puff = 1.2, .puff_radius = 9, .tone = 0.9});
    }
  }
  board.Piece(Mirrored({Round(0, top), Round(w * (1 - crown * 0.5), top + 8),
                        Round(w, top + 26 + 60 * crown),
                        Round(w + 4, bottom - 50), Round(w - 2, bottom - 14),
                        Round(w - 22, bottom), Corner(0, bottom)}),
              m.main, lie);
  const Outline zip =
      Open({Corner(w - 4, top + 130), Round(w - 9, top + 48 + 40 * crown),
            Round(w * (0.86 - crown * 0.4), top + 22), Round(0, top + 14),
            Round(-w * (0.86 - crown * 0.4), top + 22),
            Round(-w + 9, top + 48 + 40 * crown), Corner(-w + 4, top + 130)});
  if (!flap) board.Zip(zip, m.metal, dark, 6);
  for (int i = 0; i < 4; ++i) {
    const double x = pose.Uniform(-0.8, 0.8) * w;
    board.Crease(
        Open({Round(x, top + 50), Round(x + pose.Uniform(-16, 16), top + 110)}),
        12, pose.Uniform(-1.6, 1.6));
  }
  const double py = bottom - shape.Uniform(112, 138),
               pw = w * shape.Uniform(0.72, 0.84);
  board.Piece(Mirrored({Corner(0, py), Round(pw - 12, py), Round(pw, py + 14),
                        Round(pw + 1, bottom - 26), Round(pw - 14, bottom - 12),
                        Corner(0, bottom - 12)}),
              pocket,
              {.puff = 1.6,
               .puff_radius = 16,
               .thickness = 0.8,
               .follows = true,
               .edge = 0.25});
  board.Zip(Open({Corner(-pw + 7, py + 44), Round(-pw + 10, py + 20),
                  Round(-pw + 26, py + 10), Round(pw - 26, py + 10),
                  Round(pw - 10, py + 20), Corner(pw - 7, py + 44)}),
            m.metal, dark, 5);
  if (flap) {
    board.Piece(Mirrored({Round(0, top - 4), Round(w * 0.8, top + 4),
                          Round(w + 5, top + 40), Round(w + 4, py - 14),
                          Round(w * 0.6, py + 8), Round(0, py + 14)}),
                m.main,
                {.puff = 1.6,
                 .puff_radius = 18,
                 .thickness = 0.8,
                 .follows = true,
                 .shadow = 0.45});
    for (const int side : {1, -1}) {
      board.Piece(RoundedBox({side * w * 0.5, py + 6}, 14, 76, 4), strap,
                  {.puff = 0.6,
                   .puff_radius = 5,
                   .thickness = 0.6,
                   .follows = true,
                   .edge_radius = 2});
      board.Patch(RoundedBox({side * w * 0.5, py + 24}, 19, 15, 3), m.metal);
      board.Patch(RoundedBox({side * w * 0.5, py + 24}, 10, 8, 2),
                  strap.colour);
    }
  } else if (shape.Chance(0.6)) {
    const Point at(0, top + 76);
    board.Piece(RoundedBox(at, 46, 34, shape.Chance(0.5) ? 17 : 5), m.contrast,
                {.puff = 0.4,
                 .puff_radius = 4,
                 .thickness = 0.3,
                 .follows = true,
                 .edge_radius = 2});
    board.Letters(shape.Pick({"NOMAD", "PEAK", "URBAN", "TRAIL", "ATLAS"}), at,
                  7, 1, m.colours.ground);
  }
}

}  // namespace vitrine
