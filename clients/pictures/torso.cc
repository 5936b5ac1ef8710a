#include "clients/pictures/torso.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace vitrine {
namespace {

struct Arm {
  Outline outline;
  Point shoulder, elbow_out, elbow_in, end_out, end_in;
  Point along;  // of the lower half
};

Arm MakeArm(const Torso& t, const Sleeve& sleeve, double angle, double bend) {
  Arm arm;
  arm.shoulder = t.shoulder_tip() + Point(-2, -0.5);
  const Point underarm = t.underarm() + Point(-3, 0);
  const Point upper = Direction(angle), half = upper * (sleeve.length / 2);
  arm.along = Direction(angle - bend);
  arm.elbow_out = arm.shoulder + half;
  arm.end_out = arm.elbow_out + arm.along * (sleeve.length / 2);
  arm.end_in = arm.end_out + Normal(arm.along) * sleeve.end;
  const double elbow = sleeve.end + (t.armhole * 0.8 - sleeve.end) * 0.42;
  arm.elbow_in = arm.elbow_out + Normal(Unit(upper + arm.along)) * elbow;
  arm.outline = Closed(
      {Corner(arm.shoulder),
       Round(arm.shoulder + half * 0.35 - Normal(upper) * (2.5 * sleeve.puff)),
       Round(arm.elbow_out), Corner(arm.end_out), Corner(arm.end_in),
       Round(arm.elbow_in), Corner(underarm),
       Corner(underarm + Point(-14, -12)),
       Corner(arm.shoulder + Point(-12, 10))});
  return arm;
}

void FoldArm(const Arm& arm, double length, Random& pose, Board& board,
             double side) {
  auto at = [side](Point p) { return Point(p.x * side, p.y); };
  // From the underarm outwards, and, on long sleeves, around the elbow.
  const int folds = length > 120 ? 5 : 2;
  for (int i = 0; i < folds; ++i) {
    const double f =
        length > 120 ? pose.Uniform(0.3, 0.75) : pose.Uniform(0.2, 0.7);
    const Point in =
        f < 0.5 ? Lerp(arm.shoulder + Point(-8, 44), arm.elbow_in, f * 2)
                : Lerp(arm.elbow_in, arm.end_in, f * 2 - 1);
    const double g = f + pose.Uniform(-0.12, 0.12);
    const Point out = g < 0.5 ? Lerp(arm.shoulder, arm.elbow_out, g * 2)
                              : Lerp(arm.elbow_out, arm.end_out, g * 2 - 1);
    const Point to = Lerp(in, out, pose.Uniform(0.5, 0.9));
    board.Crease(
        Open({Round(at(in)),
              Round(at(Lerp(in, to, 0.5) + Point(0, pose.Uniform(0, 5)))),
              Round(at(to))}),
        pose.Uniform(4, 9),
        pose.Uniform(0.5, 1.2) * (pose.Chance(0.7) ? -1 : 1));
  }
  if (length > 120) {
    board.Crease(
        Open({Round(at(Lerp(arm.shoulder, arm.elbow_out, 0.4) + Point(-14, 6))),
              Round(at(Lerp(arm.elbow_in, arm.elbow_out, 0.5))),
              Round(at(Lerp(arm.end_in, arm.end_out, 0.5)))}),
        10, pose.Uniform(0.3, 0.9));
  }
}

}  // namespace

Outline Neckline(const Torso& t, double lower) {
  const double y = t.neck_y, d = t.neck_depth + lower;
  const double w = t.neck + lower * 0.6;
  if (t.v_neck) {
    return Open({Corner(w, y), Round(w * 0.52, y + d * 0.5), Corner(0, y + d),
                 Round(-w * 0.52, y + d * 0.5), Corner(-w, y)});
  }
  return Open({Corner(w, y), Round(w * 0.78, y + d * 0.6), Round(0, y + d),
               Round(-w * 0.78, y + d * 0.6), Corner(-w, y)});
}

Outline BodyOutline(const Torso& t) {
  const Point tip = t.shoulder_tip(), arm = t.underarm();
  std::vector<Knot> right;
  if (t.v_neck) {
    right = {Corner(0, t.neck_y + t.neck_depth),
             Round(t.neck * 0.52, t.neck_y + t.neck_depth * 0.5)};
  } else {
    right = {Round(0, t.neck_y + t.neck_depth),
             Round(t.neck * 0.78, t.neck_y + t.neck_depth * 0.6)};
  }
  right.insert(
      right.end(),
      {Corner(t.neck, t.neck_y), Corner(tip),
       Round(std::min(tip.x, arm.x) - 5, tip.y + t.armhole * 0.55), Corner(arm),
       Round(t.waist, t.waist_y()), Corner(t.hem, t.bottom - t.side_rise),
       Round(0, t.bottom + t.hem_curve)});
  return Mirrored(right);
}

Outline SleevelessOutline(const Torso& t, double strap) {
  const Point arm = t.underarm();
  const double out = t.neck + strap;
  std::vector<Knot> right;
  if (t.v_neck) {
    right = {Corner(0, t.neck_y + t.neck_depth),
             Round(t.neck * 0.52, t.neck_y + t.neck_depth * 0.5)};
  } else {
    right = {Round(0, t.neck_y + t.neck_depth),
             Round(t.neck * 0.78, t.neck_y + t.neck_depth * 0.6)};
  }
  right.insert(
      right.end(),
      {Corner(t.neck, t.neck_y), Corner(out, t.neck_y + strap * 0.2),
       Round(out + (arm.x - out) * 0.15, t.neck_y + (arm.y - t.neck_y) * 0.55),
       Corner(arm), Round(t.waist, t.waist_y()),
       Corner(t.hem, t.bottom - t.side_rise),
       Round(0, t.bottom + t.hem_curve)});
  return Mirrored(right);
}

void DrawBackNeck(const Torso& t, const Materials& m, Board& board) {
  const double y = t.neck_y, d = t.neck_depth;
  board.Piece(
      Mirrored({Round(0, y + 4), Corner(t.neck + 1, y - 1),
                Corner(t.neck + 2, y + 3), Round(t.neck * 0.8, y + d * 0.75),
                Round(0, y + d + 6)}),
      m.lining, {.puff = 0.2, .edge = 0.4, .tone = 0.72});
  board.Line(
      Open({Corner(t.neck, y + 2), Round(0, y + 9), Corner(-t.neck, y + 2)}),
      Scale(m.lining.colour, 0.7), 1.2, 0.7);
  if (d > 12) {
    const Outline label = RoundedBox({0, y + 15}, 13, 8, 1);
    board.Patch(label, Luma(m.lining.colour) > 120 ? Rgb{60, 60, 66}
                                                   : Rgb{226, 224, 218});
  }
}

void DrawNeckBand(const Torso& t, const Cloth& cloth, double width,
                  Board& board) {
  board.Piece(Strip(Neckline(t, width * 0.35), width), cloth,
              {.puff = 0.7,
               .puff_radius = 4,
               .edge = 0.2,
               .edge_radius = 2,
               .shadow = 0.22});
}

void DrawSleeves(const Torso& t, const Sleeve& sleeve, const Cloth& cloth,
                 const Cloth& cuff, bool stitched, Random& pose, Board& board) {
  const bool is_long = sleeve.length > 120;
  const double spread = is_long ? pose.Uniform(9, 29) : pose.Uniform(30, 50);
  for (const int side : {1, -1}) {
    const double angle = spread + pose.Uniform(-2.5, 2.5);
    const double bend = is_long ? pose.Uniform(-3, 12) : 0;
    const Arm arm = MakeArm(t, sleeve, angle, bend);
    const Outline outline = side > 0 ? arm.outline : Flipped(arm.outline);
    const double turn = -side * (angle - bend / 2);
    board.Piece(outline, cloth,
                {.puff = sleeve.puff,
                 .puff_radius = 11,
                 .tone = 0.97,
                 .turn = turn,
                 .shift = Point(side * 31, 17)});
    FoldArm(arm, sleeve.length, pose, board, side);
    auto at = [side](Point p) { return Point(p.x * side, p.y); };
    if (sleeve.cuff > 0) {
      const Point up = arm.along * -sleeve.cuff;
      const Point grow = Normal(arm.along) * -1.5;
      board.Piece({at(arm.end_out + up + grow), at(arm.end_in + up - grow),
                   at(arm.end_in - grow * 0.3), at(arm.end_out + grow * 0.3)},
                  cuff,
                  {.puff = 0.8, .puff_radius = 7, .shadow = 0.2, .turn = turn});
    } else if (stitched) {
      for (const double up : {4.0, 5.6}) {
        board.Line(
            {at(arm.end_out - arm.along * up), at(arm.end_in - arm.along * up)},
            Scale(cloth.colour, 0.7), 0.6, 0.55);
      }
    }
  }
}

void FoldBody(const Torso& t, double depth, Random& pose, Board& board) {
  const Point arm = t.underarm();
  const double height = t.bottom - arm.y;
  for (const int side : {1, -1}) {
    // Drawn from the underarm towards the middle, and down the side.
    for (int i = pose.Int(2, 3); i > 0; --i) {
      const Point from(side * (arm.x - pose.Uniform(4, 14)),
                       arm.y + pose.Uniform(-16, 14));
      const Point to(side * arm.x * pose.Uniform(0.15, 0.6),
                     from.y + height * pose.Uniform(0.12, 0.5));
      const Point mid = Lerp(from, to, 0.5) +
                        Point(side * pose.Uniform(0, 10), pose.Uniform(-4, 6));
      board.Crease(
          Open({Round(from), Round(mid), Round(to)}), pose.Uniform(6, 13),
          depth * pose.Uniform(0.7, 1.6) * (pose.Chance(0.65) ? 1 : -1));
    }
    for (int i = pose.Int(1, 3); i > 0; --i) {
      const double x = side * t.hem * pose.Uniform(0.15, 0.95);
      const double length = height * pose.Uniform(0.25, 0.6);
      board.Crease(
          Open({Round(x + pose.Uniform(-10, 10), t.bottom - length),
                Round(x + pose.Uniform(-5, 5), t.bottom - length / 2),
                Round(x, t.bottom + 4)}),
          pose.Uniform(8, 15),
          depth * pose.Uniform(0.6, 1.4) * (pose.Chance(0.5) ? 1 : -1));
    }
  }
  for (int i = pose.Int(0, 2); i > 0; --i) {
    const double y = t.waist_y() + pose.Uniform(-40, 30);
    board.Crease(Open({Round(-t.waist * pose.Uniform(0.2, 0.9), y),
                       Round(0, y + pose.Uniform(-2, 9)),
                       Round(t.waist * pose.Uniform(0.2, 0.9),
                             y + pose.Uniform(-8, 8))}),
                 pose.Uniform(6, 12), depth * pose.Uniform(0.4, 1.0));
  }
}

void DrawHemStitches(const Torso& t, double up, Rgb thread, Board& board) {
  for (const double lift : {up, up + 1.8}) {
    board.Line(Open({Corner(-t.hem, t.bottom - t.side_rise - lift),
                     Round(0, t.bottom + t.hem_curve - lift),
                     Corner(t.hem, t.bottom - t.side_rise - lift)}),
               thread, 0.6, 0.55);
  }
}

void DrawHemBand(const Torso& t, double height, const Cloth& cloth,
                 Board& board) {
  const double y = t.bottom - t.side_rise;
  board.Piece(
      Mirrored({Round(0, t.bottom + t.hem_curve - height),
                Corner(t.hem + 1, y - height),
                Round(t.hem + 1.5, y - height / 2), Corner(t.hem - 3, y),
                Round(0, t.bottom + t.hem_curve)}),
      cloth, {.puff = 0.8, .puff_radius = 6, .shadow = 0.25});
}

void DrawCollar(const Torso& t, double length, double spread,
                const Cloth& cloth, const Materials& m, Board& board) {
  const double y = t.neck_y, d = t.neck_depth;
  // The stand behind, then the two leaves, folded over.
  board.Piece(Mirrored({Round(0, y - 9), Corner(t.neck - 2, y - 7),
                        Corner(t.neck + 2, y + 4), Round(0, y + 8)}),
              cloth, {.puff = 0.6, .puff_radius = 4, .tone = 0.8});
  for (const int side : {1, -1}) {
    auto at = [side](double px, double py) { return Corner(side * px, py); };
    auto round = [side](double px, double py) { return Round(side * px, py); };
    board.Piece(Closed({at(t.neck - 3, y - 8), round(t.neck + 5, y - 2),
                        at(t.neck + 6 + spread * 0.2, y + 6),
                        at(spread, y + d + length), at(0.5, y + d),
                        round(t.neck * 0.55, y + d * 0.42)}),
                cloth,
                {.puff = 0.5,
                 .puff_radius = 5,
                 .edge = 0.18,
                 .edge_radius = 2,
                 .shadow = 0.35,
                 .turn = -side * 38.0});
    board.Line({{side * (t.neck + 3 + spread * 0.2), y + 6},
                {side * (spread - 1.0), y + d + length - 3},
                {side * 2.5, y + d + 1}},
               Scale(m.colours.ground, 0.72), 0.6, 0.6);
  }
}

void DrawPocket(Point centre, double width, double height, bool flap,
                const Cloth& cloth, const Materials& m, Board& board) {
  const double x = width / 2, y = height / 2;
  board.Piece(
      Shifted(
          {{-x, -y}, {x, -y}, {x, y - 5}, {x - 5, y}, {-x + 5, y}, {-x, y - 5}},
          centre),
      cloth,
      {.puff = 0.25,
       .puff_radius = 5,
       .thickness = 0.3,
       .follows = true,
       .edge = 0.14,
       .edge_radius = 2,
       .shadow = 0.25});
  board.Line(Shifted({{-x + 1.5, -y + 3},
                      {-x + 1.5, y - 6},
                      {-x + 6, y - 1.5},
                      {x - 6, y - 1.5},
                      {x - 1.5, y - 6},
                      {x - 1.5, -y + 3}},
                     centre),
             m.thread, 0.6, 0.6);
  if (flap) {
    board.Piece(Shifted({{-x - 1, -y - 2},
                         {x + 1, -y - 2},
                         {x + 1, -y + 8},
                         {0, -y + 13},
                         {-x - 1, -y + 8}},
                        centre),
                cloth,
                {.puff = 0.3,
                 .puff_radius = 4,
                 .thickness = 0.4,
                 .follows = true,
                 .edge = 0.2,
                 .edge_radius = 2,
                 .shadow = 0.4});
    board.Button(centre + Point(0, -y + 8), 2.2, m.button);
  } else {
    board.Line(Shifted({{-x, -y + 3.5}, {x, -y + 3.5}}, centre), m.thread, 0.6,
               0.6);
  }
}

}  // namespace vitrine
