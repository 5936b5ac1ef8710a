// Casual, sports and formal shoes, from the side, the toe to the right.
#include <algorithm>

#include "clients/pictures/garment.h"

namespace vitrine {
namespace {

constexpr double kGround = 330;

struct Shoe {
  double sole = 24;     // its height
  double toe = 0;       // how far the toe reaches beyond x = 140
  double collar = 216;  // y of the top of the heel
  double tongue = 188;  // y of the top of the throat
  double box = 262;     // y of the top of the toe
  double throat = 62;   // x where the throat ends
};

// The line along which uppers meet soles.
double SoleTop(const Shoe& s) { return kGround - s.sole; }

Outline UpperOutline(const Shoe& s) {
  const double y = SoleTop(s) + 4,
               dip = s.collar + (SoleTop(s) - s.collar) * 0.2;
  return Closed(
      {Corner(-139, y), Round(-146, y - (y - s.collar) * 0.5),
       Round(-136, s.collar + 6), Round(-120, s.collar - 2), Round(-94, dip),
       Round(-62, dip - 2), Round(-36, s.tongue + 20), Corner(-24, s.tongue),
       Corner(-8, s.tongue + 2),
       Round(s.throat * 0.5, (s.tongue + s.box) / 2 + 2),
       Round(s.throat + 14, s.box - 7), Round(108 + s.toe * 0.6, s.box + 4),
       Round(138 + s.toe, (s.box + y) / 2 + 4), Corner(144 + s.toe, y)});
}

Outline SoleOutline(const Shoe& s, double heel_block) {
  const double y = SoleTop(s);
  if (heel_block > 0) {
    return Closed({Corner(-146, y - 1), Corner(-142, kGround),
                   Corner(-72, kGround), Corner(-66, kGround - heel_block),
                   Round(10, kGround - heel_block * 0.4), Round(70, kGround),
                   Round(120 + s.toe, kGround - 3), Corner(152 + s.toe, y + 2),
                   Corner(146 + s.toe, y - 1)});
  }
  return Closed({Corner(-147, y - 2), Round(-149, kGround - 8),
                 Corner(-138, kGround), Corner(92, kGround),
                 Round(132 + s.toe, kGround - 5), Round(153 + s.toe, y + 2),
                 Corner(147 + s.toe, y - 2)});
}

void DrawInside(const Shoe& s, const Materials& m, Board& board) {
  const double dip = s.collar + (SoleTop(s) - s.collar) * 0.2;
  board.Piece(Closed({Corner(-128, s.collar), Round(-90, dip - 10),
                      Corner(-30, s.tongue - 4), Corner(-20, s.tongue + 16),
                      Round(-60, dip + 10), Corner(-122, s.collar + 12)}),
              m.lining, {.puff = 0.3, .edge = 0.3, .tone = 0.62});
}

// A point along the throat, 0 at the top, and the direction across it.
Point Throat(const Shoe& s, double t) {
  const Point top(-14, s.tongue + 6), bottom(s.throat, s.box - 6);
  return Lerp(top, bottom, t) + Point(0, -3 * t * (1 - t));
}

void DrawLaces(const Shoe& s, int rows, Rgb lace, bool eyelets, Board& board) {
  board.OnAll();
  const Point down = Unit(Throat(s, 1) - Throat(s, 0));
  for (int i = 0; i < rows; ++i) {
    const Point at = Throat(s, (i + 0.4) / rows);
    const Point out = at + Normal(down) * 17 - down * 2.0;
    if (eyelets) board.Stud(out, 2.2, Scale(lace, 0.8));
    const Outline lacing = Open({Corner(at - Normal(down) * 3 + down * 3.0),
                                 Round(at + Normal(down) * 7), Corner(out)});
    board.Line(Shifted(lacing, {1, 1.6}), {0, 0, 0}, 4.4, 0.3);
    board.Line(lacing, lace, 4.2);
    board.Line(Shifted(lacing, {-0.4, -0.8}), Mix(lace, {255, 255, 255}, 0.5),
               1, 0.6);
  }
}

void DrawTongue(const Shoe& s, const Cloth& cloth, Board& board) {
  const Point down = Unit(Throat(s, 1) - Throat(s, 0));
  const Point top(-16, s.tongue - 12);
  board.Piece(
      Closed({Corner(-30, s.tongue + 8), Round(top + Point(-8, -6)),
              Round(top + Point(8, -4)),
              Corner(Throat(s, 0.3) - Normal(down) * 5), Corner(Throat(s, 1)),
              Corner(Throat(s, 0.4) + Normal(down) * 14)}),
      cloth, {.puff = 0.9, .puff_radius = 8, .tone = 0.95});
}

// The strip along the throat that the eyelets sit in.
void DrawEyestay(const Shoe& s, const Cloth& cloth, double width, Rgb thread,
                 Board& board) {
  const Point down = Unit(Throat(s, 1) - Throat(s, 0));
  const Point in = Normal(down) * width;
  const Outline strip = Closed({Corner(Throat(s, 0) + Point(-6, -4)),
                                Corner(Throat(s, 0.5)), Corner(Throat(s, 1)),
                                Round(Throat(s, 1) + in * 0.55 + down * 7.0),
                                Round(Throat(s, 0.6) + in),
                                Corner(Throat(s, 0.05) + in + Point(-8, 6))});
  board.Piece(strip, cloth,
              {.puff = 0.4,
               .puff_radius = 5,
               .thickness = 0.4,
               .follows = true,
               .edge = 0.16,
               .edge_radius = 2,
               .shadow = 0.2});
  board.Stitches(Open({Corner(Throat(s, 0.08) + in * 0.86 + Point(-5, 4)),
                       Round(Throat(s, 0.6) + in * 0.86),
                       Round(Throat(s, 1) + in * 0.42 + down * 4.0)}),
                 thread, 0.8, 2.4, 1.6);
}

// Draws the far shoe of a pair, half hidden, and then the near one.
template <typename Draw>
void DrawPair(bool pair, Board& board, const Draw& draw) {
  if (pair) {
    board.Place({22, -34}, 0.94);
    draw();
    board.Place({-16, 14}, 0.96);
  }
  draw();
}

}  // namespace

void DrawCasualShoe(const Materials& m, Random& shape, Random& pose,
                    Board& board) {
  Shoe s;
  const int style = shape.Weighted({4, 2, 2, 1.5});  // low, high, slip-on, boat
  s.sole = shape.Uniform(20, 32);
  s.box = shape.Uniform(254, 270);
  s.toe = shape.Uniform(-4, 6);
  s.throat = shape.Uniform(48, 72);
  s.collar = style == 1 ? shape.Uniform(132, 165) : shape.Uniform(208, 228);
  s.tongue = style == 1 ? s.collar - 22 : shape.Uniform(182, 202);
  if (style >= 2) s.tongue = s.collar + 4;
  const Rgb white{238, 236, 230};
  const Rgb rubber = shape.Pick<Rgb>(
      {white, white, white, {196, 150, 96}, {52, 52, 56}, m.colours.second});
  const bool cap = style < 2 && shape.Chance(0.45);
  const bool heel_patch = shape.Chance(0.6), stripe = shape.Chance(0.45);
  const bool foxing = shape.Chance(0.6);
  const int mark = shape.Int(0, 2), rows = style == 1 ? 8 : shape.Int(5, 6);
  const Cloth& accent = shape.Chance(0.5) ? m.contrast : m.plain;
  const Rgb lace = shape.Chance(0.7) ? white : m.colours.second;
  const double y = SoleTop(s);
  DrawPair(pose.Chance(0.3), board, [&] {
    DrawInside(s, m, board);
    if (style < 2) DrawTongue(s, accent, board);
    board.Piece(
        UpperOutline(s), m.main,
        {.puff = 1.7, .puff_radius = 20, .edge = 0.35, .edge_radius = 7});
    if (heel_patch) {
      const Outline patch = Closed(
          {Corner(-150, s.collar + 10), Round(-118, s.collar + 12),
           Round(-104, y - 30), Corner(-98, y + 6), Corner(-150, y + 6)});
      board.Patch(patch, accent.colour, 0.95);
      board.Seam(Open({Corner(-118, s.collar + 10), Round(-104, y - 30),
                       Corner(-98, y + 6)}));
    }
    if (cap) {
      board.Patch(
          Closed({Corner(98, s.box - 4), Round(90, y - 22), Corner(96, y + 6),
                  Corner(160, y + 6), Corner(160, s.box - 10)}),
          Mix(rubber, white, 0.4));
      board.Seam(
          Open({Corner(100, s.box - 4), Round(90, y - 22), Corner(96, y + 6)}),
          1.2);
    } else {
      board.Seam(Open({Corner(s.throat + 20, s.box - 6), Round(72, y - 24),
                       Corner(30, y + 2)}));
    }
    if (stripe && style < 2) {
      const Rgb c = m.colours.second;
      for (int i = 0; i < 3; ++i) {
        const double x = -38 + 20.0 * i;
        if (mark == 0) {
          board.Patch(
              {{x, y - 48}, {x + 9, y - 52}, {x + 28, y + 4}, {x + 18, y + 4}},
              c);
        } else if (mark == 1 && i == 0) {
          board.Patch(Closed({Corner(-84, y - 34), Round(-20, y - 6),
                              Corner(52, y - 52), Round(-26, y - 22)}),
                      c);
        } else if (mark == 2 && i == 0) {
          board.Patch(Ellipse({-74, s.collar + 42}, 15, 15), c);
          board.Patch(Ellipse({-74, s.collar + 42}, 10, 10), white);
        }
      }
    }
    if (style == 2) {
      board.Patch(Closed({Corner(-30, s.collar + 6), Corner(6, s.collar + 18),
                          Corner(-2, y - 34), Corner(-16, y - 34)}),
                  m.lining.colour, 0.9);
      for (double x = -22; x < 0; x += 3.4) {
        board.Line({{x, s.collar + 12}, {x + 8, y - 36}}, {0, 0, 0}, 0.9, 0.35);
      }
    }
    if (style == 3) {
      board.Seam(Open({Corner(8, s.collar + 16), Round(60, s.box + 2),
                       Round(112, s.box + 18), Corner(132, y - 6)}),
                 1.5);
      board.Stitches(Open({Corner(-140, s.collar + 18), Round(-70, y - 62),
                           Corner(6, s.collar + 30)}),
                     lace, 2.2, 9, 5);
    }
    board.Crease(
        Open({Round(66, s.box + 2), Round(74, s.box + 22), Round(66, y - 10)}),
        6, -1);
    board.Crease(
        Open({Round(80, s.box + 2), Round(88, s.box + 20), Round(82, y - 12)}),
        6, 0.9);
    if (style < 2) {
      DrawEyestay(s, accent, 24, m.thread, board);
      DrawLaces(s, rows, lace, true, board);
    } else {
      board.OnAll();
      const double dip = s.collar + (y - s.collar) * 0.2;
      board.Line(Open({Corner(-134, s.collar + 5), Round(-94, dip + 4),
                       Round(-50, dip), Corner(-8, s.tongue + 6)}),
                 Scale(m.colours.ground, 0.7), 5, 0.8);
    }
    board.Piece(SoleOutline(s, 0), SolidCloth(rubber, Weave::kPlain),
                {.puff = 0.8,
                 .puff_radius = 6,
                 .edge = 0.2,
                 .edge_radius = 3,
                 .shadow = 0.4});
    if (foxing) {
      board.Line({{-150, y + s.sole * 0.3}, {156, y + s.sole * 0.3}},
                 m.colours.ground, 2, 0.8);
    }
    board.Line({{-150, kGround - 6}, {150, kGround - 6}}, Scale(rubber, 0.7), 1,
               0.6);
  });
}

void DrawSportsShoe(const Materials& m, Random& shape, Random& pose,
                    Board& board) {
  Shoe s;
  s.sole = shape.Uniform(34, 48);
  s.box = shape.Uniform(250, 262);
  s.toe = shape.Uniform(0, 10);
  s.collar = shape.Uniform(192, 212);
  s.tongue = shape.Uniform(166, 186);
  s.throat = shape.Uniform(42, 60);
  const double y = SoleTop(s);
  const Rgb foam =
      shape.Pick<Rgb>({{244, 243, 240},
                       {244, 243, 240},
                       {60, 62, 66},
                       Mix(m.colours.third, {255, 255, 255}, 0.5)});
  const int overlay = shape.Int(0, 3), grooves = shape.Int(5, 10);
  const double wave = shape.Uniform(2, 9);
  const bool bubble = shape.Chance(0.3);
  DrawPair(pose.Chance(0.3), board, [&] {
    DrawInside(s, m, board);
    DrawTongue(s, m.contrast, board);
    board.Piece(
        UpperOutline(s), m.main,
        {.puff = 1.8, .puff_radius = 22, .edge = 0.35, .edge_radius = 8});
    // Mesh.
    for (double x = 20; x < 130; x += 7) {
      for (double v = s.box; v < y; v += 6) {
        board.Patch(Ellipse({x + (cvRound(v) % 2) * 3.0, v}, 0.9, 0.9),
                    {0, 0, 0}, 0.25);
      }
    }
    const Rgb c = m.colours.second, d = m.colours.third;
    board.Patch(
        Closed({Corner(-150, s.collar + 26), Round(-112, s.collar + 36),
                Round(-82, y - 18), Corner(-60, y + 6), Corner(-150, y + 6)}),
        c);
    board.Patch(
        Closed({Corner(156, s.box + 14), Round(122, s.box + 18),
                Round(102, y - 12), Corner(84, y + 6), Corner(160, y + 6)}),
        c);
    switch (overlay) {
      case 0:
        for (int i = 0; i < 4; ++i) {
          const double x = -52 + 22.0 * i;
          board.Patch(Closed({Corner(x + 22, s.tongue + 40 + i * 13),
                              Round(x + 8, y - 34), Corner(x - 4, y + 5),
                              Corner(x + 6, y + 5), Round(x + 20, y - 32),
                              Corner(x + 32, s.tongue + 46 + i * 13)}),
                      d);
        }
        break;
      case 1:
        board.Patch(Closed({Corner(-100, y - 52), Round(-30, y - 18),
                            Corner(64, y - 60), Round(-10, y - 30),
                            Round(-70, y - 24)}),
                    d);
        break;
      case 2:
        board.Patch(Closed({Corner(-70, y + 5), Corner(-20, s.collar + 44),
                            Corner(-4, s.collar + 48), Corner(-40, y + 5)}),
                    d);
        board.Patch(Closed({Corner(-20, y + 5), Corner(22, s.collar + 58),
                            Corner(36, s.collar + 62), Corner(8, y + 5)}),
                    d);
        break;
      default:
        board.Patch(Closed({Corner(-86, y - 10), Corner(-40, y - 48),
                            Corner(30, y - 30), Round(-20, y - 30)}),
                    d);
        board.Line(
            Open({Corner(-60, y - 4), Round(10, y - 16), Corner(80, y - 30)}),
            c, 4);
    }
    DrawEyestay(s, m.contrast, 22, m.thread, board);
    DrawLaces(s, 6, Mix(d, {255, 255, 255}, 0.6), false, board);
    Outline top;
    for (double x = -148; x <= 150 + s.toe; x += 6) {
      top.emplace_back(
          x, y + wave * ((cvRound((x + 150) / 50) % 2) ? -0.3 : 0.6) - 2);
    }
    Outline sole = SoleOutline(s, 0);
    board.Piece(sole, SolidCloth(foam, Weave::kPlain),
                {.puff = 1.2,
                 .puff_radius = 9,
                 .edge = 0.22,
                 .edge_radius = 4,
                 .shadow = 0.4});
    board.Patch(Closed({Corner(-152, kGround - 9), Corner(154, kGround - 11),
                        Corner(154, kGround + 4), Corner(-152, kGround + 4)}),
                Scale(d, 0.8));
    for (int i = 0; i < grooves; ++i) {
      const double x = -136 + 260.0 * i / grooves;
      board.Line(Open({Round(x, y + 8), Round(x + wave, y + s.sole * 0.4),
                       Round(x + 2, kGround - 12)}),
                 {0, 0, 0}, 1.6, 0.22);
    }
    if (bubble) {
      board.Patch(RoundedBox({-92, y + s.sole * 0.45}, 74, s.sole * 0.42, 8),
                  Mix(d, {255, 255, 255}, 0.35));
      board.Patch(RoundedBox({-92, y + s.sole * 0.36}, 66, s.sole * 0.12, 3),
                  {255, 255, 255}, 0.5);
    }
    board.Line(top, c, 2.2);
  });
}

void DrawFormalShoe(const Materials& m, Random& shape, Random& pose,
                    Board& board) {
  Shoe s;
  s.sole = shape.Uniform(18, 24);
  s.toe = shape.Uniform(4, 22);
  s.box = shape.Uniform(264, 276);
  s.collar = shape.Uniform(214, 230);
  const int style = shape.Weighted({3, 2, 2});  // laced, brogue, loafer
  s.tongue = style == 2 ? s.collar + 8 : shape.Uniform(194, 208);
  s.throat = shape.Uniform(28, 46);
  const double y = SoleTop(s);
  const bool tassel = shape.Chance(0.4), cap = shape.Chance(0.6);
  const Rgb edge = Scale(m.colours.ground, 0.5);
  board.SetGloss(shape.Uniform(0.45, 0.9));
  DrawPair(pose.Chance(0.35), board, [&] {
    DrawInside(s, m, board);
    if (style < 2) DrawTongue(s, m.plain, board);
    board.Piece(UpperOutline(s), m.main,
                {.puff = 2, .puff_radius = 22, .edge = 0.4, .edge_radius = 8});
    const Outline cap_seam =
        Open({Corner(94, s.box - 4), Round(84, y - 18), Corner(86, y + 4)});
    const Outline vamp =
        Open({Corner(s.throat + 6, s.box - 6), Round(20, y - 26),
              Round(-10, y - 12), Corner(-34, y + 4)});
    const Outline heel = Open(
        {Corner(-112, s.collar + 4), Round(-96, y - 30), Corner(-88, y + 4)});
    board.Seam(vamp, 1.3);
    board.Seam(heel, 1.2);
    if (cap || style == 1) board.Seam(cap_seam, 1.5);
    if (style == 1) {
      for (const Outline& seam : {cap_seam, vamp, heel}) {
        board.Stitches(Shifted(seam, {4, 0}), Scale(m.colours.ground, 0.35), 2,
                       1.6, 3.2);
      }
      board.Patch(Ellipse({118, s.box + 16}, 3, 3),
                  Scale(m.colours.ground, 0.4));
      board.Patch(Ellipse({128, s.box + 22}, 2, 2),
                  Scale(m.colours.ground, 0.4));
    }
    if (style == 2) {
      const Outline apron =
          Open({Corner(-6, s.collar + 20), Round(50, s.box + 4),
                Round(104, s.box + 16), Round(128, s.box + 26)});
      board.Seam(apron, 1.8);
      board.Piece(Closed({Corner(-2, s.collar + 12), Corner(30, s.box - 22),
                          Corner(16, y - 6), Corner(-26, y - 2)}),
                  m.plain,
                  {.puff = 0.5,
                   .puff_radius = 6,
                   .thickness = 0.4,
                   .follows = true,
                   .edge_radius = 2});
      if (tassel) {
        board.OnAll();
        for (const double x : {30.0, 42.0}) {
          board.Line(Open({Round(20, s.box - 16), Round(x + 4, s.box - 8),
                           Round(x + 6, s.box + 16)}),
                     Scale(m.colours.ground, 0.75), 6);
        }
      } else {
        board.Patch({{-6, y - 38}, {14, y - 44}, {10, y - 30}, {-4, y - 26}},
                    edge, 0.8);
      }
    } else {
      DrawEyestay(s, m.plain, 26, m.thread, board);
      DrawLaces(s, 5, edge, true, board);
    }
    board.Piece(SoleOutline(s, 14),
                SolidCloth(Scale(edge, 0.75), Weave::kLeather),
                {.puff = 0.5,
                 .puff_radius = 5,
                 .edge = 0.25,
                 .edge_radius = 2,
                 .shadow = 0.4});
    board.Line(Open({Corner(-148, y + 3), Corner(152 + s.toe, y + 4)}),
               Mix(edge, {200, 170, 130}, 0.45), 2.4, 0.9);
  });
}

}  // namespace vitrine
