// The picture on the chest of a printed T-shirt.
#include <cmath>
#include <string>

#include "clients/pictures/torso.h"

namespace vitrine {
namespace {

void Mountains(Point at, double r, const PatternColours& c, Board& board) {
  board.Patch(Ellipse(at, r, r), c.second);
  board.Patch(Ellipse(at + Point(r * 0.3, -r * 0.35), r * 0.22, r * 0.22),
              c.third);
  board.Patch({at + Point(-r * 0.85, r * 0.45), at + Point(-r * 0.25, -r * 0.4),
               at + Point(r * 0.3, r * 0.45)},
              Mix(c.ground, c.third, 0.3));
  board.Patch({at + Point(-r * 0.2, r * 0.45), at + Point(r * 0.35, -r * 0.15),
               at + Point(r * 0.85, r * 0.45)},
              Mix(c.ground, c.third, 0.6));
}

void Star(Point at, double r, const PatternColours& c, Board& board) {
  Outline star;
  for (int i = 0; i < 10; ++i) {
    star.push_back(at + Direction(180 + 36 * i) * (i % 2 ? 0.42 * r : r));
  }
  board.Patch(star, c.second);
  board.Patch(Ellipse(at, r * 0.22, r * 0.22), c.third);
}

void Bars(Point at, double r, const PatternColours& c, Board& board) {
  for (int i = -2; i <= 2; ++i) {
    board.Patch(RoundedBox(at + Point(0, i * r * 0.36),
                           r * (2.3 - 0.3 * std::abs(i)), r * 0.2, 1),
                i % 2 ? c.third : c.second);
  }
}

void Palm(Point at, double r, const PatternColours& c, Board& board) {
  board.Patch(Ellipse(at, r, r), c.third);
  for (int i = 0; i < 4; ++i) {
    board.Patch(
        RoundedBox(at + Point(0, r * (0.35 + 0.2 * i)), r * 2, r * 0.06, 0.5),
        c.ground);
  }
  board.Patch(Strip(Open({Round(at + Point(r * 0.15, r)),
                          Round(at + Point(r * 0.1, r * 0.2)),
                          Round(at + Point(-r * 0.1, -r * 0.35))}),
                    r * 0.13),
              c.second);
  const Point crown = at + Point(-r * 0.1, -r * 0.35);
  for (const double a : {100.0, 140.0, 180.0, 225.0, 265.0}) {
    const Point tip = crown + Direction(a) * r * 0.75 + Point(0, r * 0.18);
    const Point mid = Lerp(crown, tip, 0.5) + Point(0, -r * 0.16);
    board.Patch(Closed({Corner(crown), Round(mid), Corner(tip),
                        Round(mid + Point(0, r * 0.15))}),
                c.second);
  }
}

void Rings(Point at, double r, const PatternColours& c, Board& board) {
  for (int i = 0; i < 4; ++i) {
    const double s = r * (1 - 0.24 * i);
    board.Patch(Ellipse(at, s, s), i % 2    ? c.ground
                                   : i == 0 ? c.second
                                            : c.third);
  }
}

void Bolt(Point at, double r, const PatternColours& c, Board& board) {
  board.Patch(RoundedBox(at, 2 * r, 2 * r, r * 0.3), c.second);
  board.Patch({at + Point(0.2, -0.8) * r, at + Point(-0.5, 0.1) * r,
               at + Point(-0.05, 0.1) * r, at + Point(-0.25, 0.8) * r,
               at + Point(0.5, -0.15) * r, at + Point(0.05, -0.15) * r},
              c.third);
}

void Flower(Point at, double r, const PatternColours& c, Board& board) {
  for (int i = 0; i < 6; ++i) {
    board.Patch(Ellipse(at + Direction(60 * i) * r * 0.55, r * 0.3, r * 0.46,
                        -60.0 * i),
                c.second);
  }
  board.Patch(Ellipse(at, r * 0.28, r * 0.28), c.third);
}

}  // namespace

void DrawBadge(const Torso& t, const PatternColours& colours, Random& shape,
               Board& board) {
  constexpr void (*kPictures[])(Point, double, const PatternColours&,
                                Board&) = {Mountains, Star, Bars,  Palm,
                                           Rings,     Bolt, Flower};
  const std::string word = shape.Pick(
      {"SURF",  "NORTH", "CLUB 84", "OCEAN",  "WILD",   "PARIS", "RIDE",
       "DREAM", "HELLO", "1976",    "STUDIO", "SUNDAY", "TOKYO", "ALPINE",
       "LOVE",  "ROCK",  "OSLO",    "RACER",  "BLOOM",  "COAST"});
  const int layout = shape.Int(0, 3), picture = shape.Int(0, 6);
  const double r = t.chest * shape.Uniform(0.36, 0.5);
  const double y = t.neck_y + t.neck_depth + shape.Uniform(30, 42) + r * 0.6;
  // Nine letters or fewer fill the chest.
  const double height = t.chest * 1.5 / static_cast<double>(word.size()) * 0.9;
  const Point at(0, y);
  if (layout != 0) kPictures[picture](at, r, colours, board);
  switch (layout) {
    case 0: {
      board.Letters(word, at, std::min(height, 30.0), 3.2, colours.second);
      const double below = std::min(height, 30.0) * 0.5 + 8;
      board.Patch(RoundedBox(at + Point(0, below), t.chest * 1.1, 2.4, 1),
                  colours.third);
      if (shape.Chance(0.6)) {
        board.Letters(shape.Pick({"EST 1984", "ORIGINAL", "NO 7", "DENIM CO",
                                  "SUMMER", "ATHLETIC"}),
                      at + Point(0, below + 10), 8, 1.1, colours.third);
      }
      break;
    }
    case 1:
      board.Letters(word, at + Point(0, r + 14), std::min(height, 15.0), 1.9,
                    colours.second);
      break;
    case 2:
      board.Letters(word, at + Point(0, -r - 11), std::min(height, 13.0), 1.6,
                    colours.third);
      board.Letters(shape.Pick({"EST 1984", "ORIGINAL", "NO 7", "SUMMER"}),
                    at + Point(0, r + 11), 8, 1.1, colours.second);
      break;
    default:
      break;
  }
}

}  // namespace vitrine
