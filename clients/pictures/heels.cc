// Heels and boots, from the side, the toe to the right.
#include <algorithm>

#include "clients/pictures/garment.h"

namespace vitrine {
namespace {

constexpr double kGround = 330;

template <typename Draw>
void DrawPair(bool pair, Board& board, const Draw& draw) {
  if (pair) {
    board.Place({30, -20}, 0.94);
    draw();
    board.Place({-14, 14}, 0.96);
  }
  draw();
}

}  // namespace

void DrawHeel(const Materials& m, Random& shape, Random& pose, Board& board) {
  const double rise = shape.Uniform(44, 122);
  const int heel = shape.Weighted({3, 2.5, 1.5});  // stiletto, block, wedge
  const int style = shape.Weighted({4, 2, 2.5});   // pump, ankle strap, sandal
  const double platform = shape.Chance(0.25) ? shape.Uniform(8, 18) : 0;
  const double y = kGround - rise - platform;  // of the heel's seat
  const double ball = kGround - 5 - platform;
  const bool pointed = shape.Chance(0.55);
  const double toe = pointed ? 158 : 140, vamp = shape.Uniform(58, 84);
  const double block = shape.Uniform(26, 42);
  const int straps = shape.Int(2, 4);
  const bool bow = style == 0 && shape.Chance(0.25);
  const Rgb sole_colour = shape.Pick<Rgb>(
      {{206, 176, 140}, {40, 38, 40}, Scale(m.colours.ground, 0.55)});
  const Cloth& heel_cloth = shape.Chance(0.75) ? m.plain : m.contrast;
  board.SetGloss(shape.Uniform(0.3, 0.9));
  const Point arch(-20, y + (ball - y) * 0.62), seat(-122, y);
  const Lie leather{
      .puff = 1.8, .puff_radius = 14, .edge = 0.34, .edge_radius = 6};
  const Lie strap_lie{.puff = 0.8, .puff_radius = 5, .edge_radius = 2};
  DrawPair(pose.Chance(0.3), board, [&] {
    // The heel itself.
    if (heel == 2) {
      board.Piece(Closed({Corner(-130, y + 4), Corner(-122, kGround),
                          Corner(60, kGround), Corner(80, ball + 4),
                          Round(arch + Point(0, 6))}),
                  heel_cloth, {.puff = 1.2, .puff_radius = 10});
    } else {
      const double top = heel == 0 ? 40 : block + 8,
                   low = heel == 0 ? 7 : block;
      board.Piece(
          Closed({Corner(-132, y + 2), Round(-127, y + rise * 0.3),
                  Corner(-122, kGround), Corner(-122 + low, kGround),
                  Round(-118 + low + (top - low) * 0.12, y + rise * 0.45),
                  Corner(-132 + top + 8, y + 16)}),
          heel_cloth, {.puff = 1.2, .puff_radius = 6, .edge = 0.35});
      board.Patch({{-126, kGround - 5},
                   {-112 + low, kGround - 5},
                   {-112 + low, kGround + 2},
                   {-126, kGround + 2}},
                  {30, 28, 28});
    }
    const Outline sole = Closed(
        {Corner(-130, y - 2), Round(-110, y + 7), Round(arch + Point(0, 7)),
         Round(58, ball + 4), Round(110, ball + 6), Corner(toe + 1, ball - 1),
         Round(100, ball - 4), Round(50, ball - 4), Round(arch + Point(4, -3)),
         Round(-104, y - 3)});
    // The far side and the insole, seen from above.
    if (style != 2) {
      board.Piece(
          Closed({Corner(-120, y - 36), Round(-70, y - 6), Round(0, ball - 60),
                  Corner(vamp, ball - 42), Corner(vamp - 6, ball - 24),
                  Round(-30, arch.y - 4), Corner(-118, y - 8)}),
          m.lining, {.puff = 0.4, .edge = 0.3, .tone = 0.75});
    } else {
      board.Piece(Closed({Corner(-128, y - 8), Round(-70, y - 4),
                          Round(0, ball - 44), Round(70, ball - 16),
                          Corner(toe - 2, ball - 8), Corner(toe - 2, ball),
                          Round(40, ball - 2), Corner(-126, y + 4)}),
                  SolidCloth({214, 184, 148}, Weave::kLeather), {.puff = 0.4});
    }
    if (style == 2) {
      for (int i = 0; i < straps; ++i) {
        const double x = 46 + i * (toe - 64) / straps, low = ball - 2;
        board.Piece(
            Strip(Open({Corner(x - 6, low), Round(x - 2, low - 36 + i * 4),
                        Round(x + 20, low - 40 + i * 8),
                        Corner(x + 34, low - 14)}),
                  11),
            m.main, strap_lie);
      }
      board.Piece(Closed({Corner(-132, y + 2), Round(-136, y - 34),
                          Corner(-122, y - 58), Corner(-108, y - 50),
                          Round(-104, y - 20), Corner(-84, y + 8)}),
                  m.main, leather);
    } else {
      board.Piece(
          Closed({Corner(-132, y + 2), Round(-137, y - 26), Round(-126, y - 45),
                  Round(-112, y - 42), Round(-66, y - 4), Round(0, ball - 46),
                  Corner(vamp, ball - 32), Round(vamp + 28, ball - 34),
                  Round(toe - 22, ball - 21),
                  Corner(toe, ball - (pointed ? 2 : 8)), Corner(toe, ball + 2),
                  Round(60, ball + 2), Round(arch + Point(0, 3)),
                  Round(-106, y + 5)}),
          m.main, leather);
      board.Line(Open({Round(-112, y - 40), Round(-66, y - 1),
                       Round(0, ball - 43), Corner(vamp - 1, ball - 29)}),
                 Scale(m.colours.ground, 0.65), 2, 0.7);
      if (bow) {
        for (const int side : {1, -1}) {
          board.Piece(Closed({Corner(vamp + 10, ball - 36),
                              Round(vamp + 10 + side * 17, ball - 50),
                              Round(vamp + 10 + side * 20, ball - 30)}),
                      m.contrast, strap_lie);
        }
        board.Stud({vamp + 10, ball - 37}, 4, m.metal);
      }
    }
    if (style != 0) {
      const double up = y - 62;
      board.Piece(Strip(Open({Corner(-126, up + 14), Round(-100, up + 4),
                              Round(-60, up + 8), Corner(-36, up - 4)}),
                        9),
                  m.main, strap_lie);
      board.Piece(
          Strip(Open({Corner(-122, up + 16), Round(-120, up - 8),
                      Round(-70, up - 18), Corner(-36, up - 6)}),
                7),
          m.plain,
          {.puff = 0.8, .puff_radius = 5, .edge_radius = 2, .tone = 0.7});
      board.Piece(Strip(Open({Corner(-128, up + 12), Corner(-128, y - 30)}), 9),
                  m.main, strap_lie);
      board.OnAll();
      board.Stud({-84, up + 5}, 4.4, m.metal);
    }
    board.Piece(
        sole, SolidCloth(sole_colour, Weave::kPlain),
        {.puff = 0.4, .puff_radius = 4, .edge_radius = 2, .shadow = 0.2});
    if (platform > 0 && heel != 2) {
      board.Piece(Closed({Corner(28, ball + 1), Corner(toe, ball + 2),
                          Round(toe - 4, kGround - 2), Corner(50, kGround)}),
                  heel_cloth, {.puff = 0.8, .puff_radius = 5});
    }
  });
}

void DrawBoot(const Materials& m, Random& shape, Random& pose, Board& board) {
  const int style =
      shape.Weighted({2, 2.5, 2, 1.5});  // Chelsea, laced, tall, western
  const double rise = shape.Uniform(style == 1 ? 16 : 14, style >= 2 ? 62 : 40);
  const double sole = style == 1 ? shape.Uniform(16, 26) : shape.Uniform(7, 13);
  const double top = style == 0   ? shape.Uniform(160, 185)
                     : style == 1 ? shape.Uniform(120, 150)
                     : style == 3 ? shape.Uniform(84, 112)
                                  : shape.Uniform(-10, 50) + 40;
  const double wide = style == 2 ? shape.Uniform(-2, 12) : 0;
  const double toe = style == 3 ? 158 : shape.Uniform(138, 150);
  const double y = kGround - sole;
  const double seat = y - rise * 0.35;
  const Rgb rubber =
      style == 1 && shape.Chance(0.35) ? Rgb{196, 150, 100} : Rgb{44, 40, 40};
  const bool fur = style == 1 && shape.Chance(0.2),
             zip = style >= 2 && shape.Chance(0.5);
  const bool buckle = style != 1 && shape.Chance(0.35);
  const Rgb lace =
      shape.Pick<Rgb>({{50, 44, 40}, {214, 190, 140}, m.colours.second});
  board.SetGloss(m.weave == Weave::kLeather ? shape.Uniform(0.25, 0.7) : 0.05);
  // From the top of the front edge down the instep to the toe.
  const double front = -18 + wide, back = -124 - wide;
  const double box = y - 46;
  DrawPair(pose.Chance(0.3), board, [&] {
    board.Piece(
        Closed({Corner(back + 4, top + 2), Round((front + back) / 2, top - 9),
                Corner(front - 3, top + 3),
                Round((front + back) / 2, top + 12)}),
        m.lining, {.puff = 0.2, .edge = 0.3, .tone = 0.6});
    const double dip = style == 3 ? 16 : 4;
    board.Piece(
        Closed({Corner(-132, seat + 8), Round(-137, seat - 24),
                Round(-122, seat - 74), Round(back, (top + seat) / 2 - 20),
                Corner(back, top), Round((front + back) / 2, top + dip),
                Corner(front, top - (style == 3 ? 6 : 0)),
                Round(front + 1, (top + box) / 2 - 10), Round(-8, box - 36),
                Round(24, box - 10), Round(80, box + 3),
                Round(toe - 16, box + 18), Round(toe, y - 10),
                Corner(toe - 2, y + 3), Round(40, y + 3),
                Round(-40, (y + seat) / 2 + 4)}),
        m.main, {.puff = 2, .puff_radius = 22, .edge = 0.36, .edge_radius = 8});
    for (int i = 0; i < 4; ++i) {
      const double at = box - 34 + 9.0 * i + pose.Uniform(-4, 4);
      board.Crease(Open({Round(-10 + 5.0 * i, at), Round(-40, at + 4),
                         Round(-80, at + pose.Uniform(-8, 12))}),
                   7, pose.Uniform(-1.3, 1.1));
    }
    if (style == 2) {
      for (int i = 0; i < 3; ++i) {
        const double at = pose.Uniform(top + 40, box - 50);
        board.Crease(Open({Round(back + 10, at), Round(-70, at + 7),
                           Round(-40, at - 4)}),
                     10, pose.Uniform(-1.3, 1.3));
      }
    }
    board.Seam(
        Open({Corner(40, box - 6), Round(20, y - 20), Corner(4, y + 3)}));
    board.Seam(Open(
        {Corner(-128, seat - 50), Round(-92, seat - 36), Corner(-78, y + 3)}));
    switch (style) {
      case 0:
        board.Patch(Closed({Corner(-92, top), Corner(-46, top),
                            Round(-50, box - 46), Corner(-64, box - 20),
                            Corner(-76, box - 20), Round(-88, box - 46)}),
                    Scale(m.colours.ground, 0.55));
        for (double x = -88; x < -48; x += 4) {
          board.Line({{x, top}, {(x - 70) * 0.5 - 70, box - 20}}, {0, 0, 0}, 1,
                     0.3);
        }
        break;
      case 1: {
        board.Seam(Open({Corner(front - 24, top), Round(front - 26, box - 44),
                         Corner(14, box + 12)}),
                   1.2);
        const int rows = 7;
        for (int i = 0; i < rows; ++i) {
          const double t = (i + 0.3) / rows;
          const Point at =
              t < 0.6 ? Point(front - 2, top + (box - 40 - top) * t / 0.6 + 6)
                      : Lerp(Point(-12, box - 38), Point(24, box - 10),
                             (t - 0.6) / 0.4);
          const Point in = at + (t < 0.6 ? Point(-20, 5) : Point(-14, 16));
          board.OnAll();
          board.Line({at, in}, lace, 4);
          board.Stud(in, 2.6, m.metal);
        }
        break;
      }
      case 3:
        for (int i = 0; i < 3; ++i) {
          const double in = 9.0 * i;
          board.Stitches(
              Open({Round(-112 + in, top + 26 + in), Round(-72, top + 78 - in),
                    Round(-28 - in, top + 26 + in)}),
              i % 2 ? m.colours.second : m.thread, 1.6, 4, 0.6);
          board.Stitches(Open({Round(72 + in * 0.8, box + 8),
                               Round(92 - in * 0.6, box + 26),
                               Round(76 + in * 0.6, y - 6)}),
                         m.thread, 1.3, 4, 0.6);
        }
        break;
      default:
        break;
    }
    if (zip) {
      board.Zip({{-86, top + 6}, {-86, y - 34}}, m.metal,
                Scale(m.colours.ground, 0.6), 5);
    }
    if (buckle) {
      const double at = box - 44;
      board.Piece(Strip(Open({Corner(-127, at + 16), Round(-70, at + 10),
                              Corner(-10, at - 2)}),
                        13),
                  m.plain,
                  {.puff = 0.6,
                   .puff_radius = 5,
                   .thickness = 0.5,
                   .follows = true,
                   .edge_radius = 2});
      board.Patch(RoundedBox({-64, at + 9}, 18, 18, 3), m.metal);
      board.Patch(RoundedBox({-64, at + 9}, 10, 10, 2), m.colours.ground);
    }
    if (fur) {
      for (int i = 0; i < 3; ++i) {
        board.Piece(
            Closed({Round(back - 5, top - 6),
                    Round((front + back) / 2, top - 12 + i),
                    Round(front + 6, top - 4), Round(front + 4, top + 16),
                    Round((front + back) / 2, top + 20),
                    Round(back - 4, top + 14)}),
            SolidCloth({226, 214, 194}, Weave::kFleece),
            {.puff = 1.4, .puff_radius = 8});
      }
    }
    const double block = style == 3 ? 58 : 70;
    board.Piece(
        Closed({Corner(-138, seat + 2), Corner(-132, kGround),
                Corner(-132 + block, kGround),
                Corner(-124 + block, y + 2 - rise * 0.2),
                Round(-20, (y + seat) / 2 + 8 + rise * 0.05),
                Round(50, kGround - 1), Corner(100, kGround),
                Round(toe - 4, kGround - 3), Corner(toe + 3, y), Round(40, y),
                Round(-40, (y + seat) / 2 + 2)}),
        SolidCloth(rubber, Weave::kPlain),
        {.puff = 0.6, .puff_radius = 5, .edge = 0.25, .edge_radius = 2});
    if (style == 1) {
      for (double x = -128; x < toe - 6; x += 15) {
        board.Line({{x, kGround - 7}, {x, kGround + 2}}, {0, 0, 0}, 4, 0.55);
      }
      board.Stitches({{-132, seat + 7},
                      {-60, (y + seat) / 2 + 4},
                      {40, y + 5},
                      {toe, y + 5}},
                     m.thread, 1.1);
    }
  });
}

}  // namespace vitrine
