// All-over prints. A motif is drawn again at each edge that it crosses, so that
// the tile has no seam.
#include <cmath>
#include <functional>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "clients/pictures/cloth.h"
#include "clients/pictures/outline.h"

namespace vitrine {
namespace {

constexpr int kShift = 4;
constexpr double kTurn = 2 * std::numbers::pi;

void Fill(const Outline& outline, Rgb colour, cv::Mat& tile) {
  std::vector<cv::Point> points;
  for (const Point& p : outline) {
    points.emplace_back(cvRound(p.x * (1 << kShift)),
                        cvRound(p.y * (1 << kShift)));
  }
  cv::fillPoly(tile, std::vector<std::vector<cv::Point>>{points},
               cv::Scalar(colour.b, colour.g, colour.r), cv::LINE_AA, kShift);
}

// Calls draw(place) for the place and for its images within `reach` of the
// tile.
void Repeat(Point at, double reach, const std::function<void(Point)>& draw) {
  for (double x = at.x - kTile; x < kTile + reach; x += kTile) {
    if (x < -reach) continue;
    for (double y = at.y - kTile; y < kTile + reach; y += kTile) {
      if (y >= -reach) draw({x, y});
    }
  }
}

// About `rows` × `rows` places, each a little off its grid point.
std::vector<Point> Places(int rows, double jitter, Random& random) {
  std::vector<Point> places;
  const double step = static_cast<double>(kTile) / rows;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < rows; ++c) {
      places.emplace_back(
          (c + (r % 2 ? 0.5 : 0) + random.Uniform(-jitter, jitter)) * step,
          (r + random.Uniform(-jitter, jitter)) * step);
    }
  }
  return places;
}

// A closed shape of radius radius(angle in turns), in [0, 1).
Outline Polar(Point centre, int steps,
              const std::function<double(double)>& radius) {
  Outline out;
  for (int i = 0; i < steps; ++i) {
    const double t = static_cast<double>(i) / steps;
    out.push_back(centre +
                  Point(std::cos(kTurn * t), std::sin(kTurn * t)) * radius(t));
  }
  return out;
}

Outline Leaf(Point from, Point to, double width) {
  const Point across = Normal(to - from) * width, mid = Lerp(from, to, 0.45);
  return Closed(
      {Corner(from), Round(mid + across), Corner(to), Round(mid - across)});
}

void Flowers(const PatternColours& c, Random& random, cv::Mat& tile) {
  const int rows = random.Int(4, 8), petals = random.Int(5, 8);
  const double size = 512.0 / rows * random.Uniform(0.27, 0.34);
  const double depth = random.Uniform(0.2, 0.45);
  const Rgb leaf = Mix(c.third, {50, 110, 60}, 0.6);
  for (const Point& place : Places(rows, 0.16, random)) {
    const double phase = random.Unit(), r = size * random.Uniform(0.75, 1.15);
    const double stem = random.Uniform(0, 360);
    const Rgb petal = random.Chance(0.75) ? c.second : c.third;
    Repeat(place, 2 * size, [&](Point at) {
      Fill(Leaf(at, at + Direction(stem) * r * 1.7, 0.2), leaf, tile);
      Fill(Leaf(at, at + Direction(stem + 140) * r * 1.5, 0.2), leaf, tile);
      Fill(Polar(at, 60,
                 [&](double t) {
                   return r * (1 - depth +
                               depth * std::abs(std::sin(
                                           kTurn * (t * petals / 2 + phase))));
                 }),
           petal, tile);
      Fill(Ellipse(at, r * 0.28, r * 0.28), Mix(c.ground, c.third, 0.5), tile);
    });
  }
}

void Leaves(const PatternColours& c, Random& random, cv::Mat& tile) {
  const int rows = random.Int(4, 7);
  const double length = 512.0 / rows * random.Uniform(0.75, 0.95);
  for (const Point& place : Places(rows, 0.2, random)) {
    const Point way = Direction(random.Uniform(0, 360)) * length;
    const Rgb colour = random.Chance(0.65) ? c.second : c.third;
    Repeat(place, length, [&](Point at) {
      Fill(Leaf(at - way / 2, at + way / 2, 0.2), colour, tile);
      Fill(Leaf(at - way / 2, at + way * 0.4, 0.025),
           Mix(colour, c.ground, 0.7), tile);
    });
  }
}

// Rosettes of leopard skin: a spot with a broken ring.
void Leopard(const PatternColours& c, Random& random, cv::Mat& tile) {
  const int rows = random.Int(8, 12);
  const double size = 512.0 / rows * 0.38;
  const Rgb heart = Mix(c.ground, c.second, 0.4);
  for (const Point& place : Places(rows, 0.25, random)) {
    const double a = random.Unit(), b = random.Unit();
    const double r = size * random.Uniform(0.65, 1.1);
    auto wobble = [&](double t) {
      return 1 + 0.18 * std::sin(kTurn * (2 * t + a)) +
             0.12 * std::sin(kTurn * (3 * t + b));
    };
    Repeat(place, size * 1.5, [&](Point at) {
      Fill(Polar(at, 24, [&](double t) { return r * wobble(t); }), c.second,
           tile);
      Fill(Polar(at, 24, [&](double t) { return 0.55 * r * wobble(t); }), heart,
           tile);
      const Point gap = Direction(360 * a) * r;
      Fill(Ellipse(at + gap, r * 0.35, r * 0.35), c.ground, tile);
    });
  }
}

void Camouflage(const PatternColours& c, Random& random, cv::Mat& tile) {
  for (const Rgb colour : {c.second, Mix(c.ground, c.third, 0.7)}) {
    for (const Point& place : Places(4, 0.3, random)) {
      const double a = random.Unit(), b = random.Unit(), d = random.Unit();
      const double r = random.Uniform(22, 34);
      Repeat(place, 110, [&](Point at) {
        Outline blob = Polar(at, 48, [&](double t) {
          return r * (1 + 0.35 * std::sin(kTurn * (2 * t + a)) +
                      0.25 * std::sin(kTurn * (3 * t + b)) +
                      0.15 * std::sin(kTurn * (5 * t + d)));
        });
        for (Point& p : blob) p.x += (p.x - at.x) * 0.6;
        Fill(blob, colour, tile);
      });
    }
  }
}

void ZigZag(const PatternColours& c, Random& random, cv::Mat& tile) {
  const int step = random.Pick({64, 128}), wave = random.Pick({32, 64});
  const double thick = step * random.Uniform(0.14, 0.24);
  for (int y = -step; y <= kTile + step; y += step) {
    const Rgb colour = (y / step) % 2 ? c.third : c.second;
    Outline band;
    for (int x = 0; x <= kTile; x += wave / 2) {
      band.emplace_back(x, y + (x % wave ? step * 0.3 : 0));
    }
    for (int x = kTile; x >= 0; x -= wave / 2) {
      band.emplace_back(x, y + (x % wave ? step * 0.3 : 0) + thick);
    }
    Fill(band, colour, tile);
  }
}

// Small things in rows: diamonds, hearts, stars, leaves of a fan, rings.
void Motifs(const PatternColours& c, Random& random, cv::Mat& tile) {
  const int rows = random.Pick({6, 8, 8, 10, 12}), kind = random.Int(0, 4);
  const double r = 512.0 / rows * random.Uniform(0.24, 0.33);
  int n = 0;
  for (const Point& place : Places(rows, 0, random)) {
    const Rgb colour = ++n % 3 == 0 ? c.third : c.second;
    Repeat(place, 2 * r, [&](Point at) {
      switch (kind) {
        case 0:
          Fill({at + Point(0, -1.3 * r), at + Point(0.8 * r, 0),
                at + Point(0, 1.3 * r), at + Point(-0.8 * r, 0)},
               colour, tile);
          break;
        case 1:
          Fill(Closed({Corner(at + Point(0, 1.1 * r)),
                       Round(at + Point(r, -0.2 * r)),
                       Round(at + Point(0.55 * r, -0.9 * r)),
                       Corner(at + Point(0, -0.45 * r)),
                       Round(at + Point(-0.55 * r, -0.9 * r)),
                       Round(at + Point(-r, -0.2 * r))}),
               colour, tile);
          break;
        case 2: {
          Outline star;
          for (int i = 0; i < 10; ++i) {
            star.push_back(at + Direction(180 + 36 * i) *
                                    (i % 2 ? 0.45 * r : 1.15 * r));
          }
          Fill(star, colour, tile);
          break;
        }
        case 3:
          for (int i = -1; i <= 1; ++i) {
            Fill(Leaf(at + Point(0, r),
                      at + Point(0, r) + Direction(180 + 38 * i) * 2 * r, 0.17),
                 colour, tile);
          }
          break;
        default:
          Fill(Ellipse(at, 1.1 * r, 1.1 * r), colour, tile);
          Fill(Ellipse(at, 0.75 * r, 0.75 * r), c.ground, tile);
          Fill(Ellipse(at, 0.35 * r, 0.35 * r), colour, tile);
      }
    });
  }
}

void Strokes(const PatternColours& c, Random& random, cv::Mat& tile) {
  const double lean = random.Uniform(0, 180);
  for (const Point& place : Places(random.Int(6, 9), 0.3, random)) {
    const Point way =
        Direction(lean + random.Uniform(-30, 30)) * random.Uniform(40, 64);
    const double width = random.Uniform(0.10, 0.2);
    const Rgb colour = random.Chance(0.6) ? c.second : c.third;
    Repeat(place, 64, [&](Point at) {
      const Point across = Normal(way) * width;
      Fill(Closed({Round(at - way / 2 + across),
                   Round(at + way / 2 + across * 0.6),
                   Round(at + way / 2 - across),
                   Round(at - way / 2 - across * 0.7)}),
           colour, tile);
    });
  }
}

}  // namespace

void PrintTile(const PatternColours& colours, Random& random, cv::Mat& tile) {
  constexpr void (*kPrints[])(const PatternColours&, Random&, cv::Mat&) = {
      Flowers, Leaves, Leopard, Camouflage, ZigZag, Motifs, Strokes};
  kPrints[random.Weighted({4, 2, 1, 1, 1, 3, 1.5})](colours, random, tile);
}

}  // namespace vitrine
