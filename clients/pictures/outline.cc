#include "clients/pictures/outline.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace vitrine {
namespace {

constexpr double kRadians = std::numbers::pi / 180;

// The end of the Bézier handle that leaves knot `at` towards `to`, `from` being
// the knot before. A third of the way, along the line between the neighbours
// (Catmull–Rom), or straight on at a corner.
Point Handle(const Knot& from, const Knot& at, const Knot& to) {
  const Point step = to.at - at.at;
  const Point along = at.corner ? step : Unit(to.at - from.at);
  return at.at + (at.corner ? step / 3 : along * (Length(step) / 3));
}

void AddSegment(const Knot& before, const Knot& a, const Knot& b,
                const Knot& after, Outline& out) {
  const Point p1 = Handle(before, a, b), p2 = Handle(after, b, a);
  const int steps =
      a.corner && b.corner
          ? 1
          : std::clamp(static_cast<int>(Length(b.at - a.at) / 4), 3, 24);
  for (int i = 0; i < steps; ++i) {
    const double t = static_cast<double>(i) / steps, s = 1 - t;
    out.push_back(a.at * (s * s * s) + p1 * (3 * s * s * t) +
                  p2 * (3 * s * t * t) + b.at * (t * t * t));
  }
}

}  // namespace

Outline Closed(const std::vector<Knot>& knots) {
  const size_t n = knots.size();
  Outline out;
  for (size_t i = 0; i < n; ++i) {
    AddSegment(knots[(i + n - 1) % n], knots[i], knots[(i + 1) % n],
               knots[(i + 2) % n], out);
  }
  return out;
}

Outline Open(const std::vector<Knot>& knots) {
  const size_t n = knots.size();
  Outline out;
  for (size_t i = 0; i + 1 < n; ++i) {
    AddSegment(knots[i == 0 ? 0 : i - 1], knots[i], knots[i + 1],
               knots[std::min(i + 2, n - 1)], out);
  }
  out.push_back(knots.back().at);
  return out;
}

Outline Mirrored(const std::vector<Knot>& right_half) {
  std::vector<Knot> knots = right_half;
  for (size_t i = right_half.size(); i-- > 0;) {
    const Knot& k = right_half[i];
    const bool end = i == 0 || i + 1 == right_half.size();
    if (end && std::abs(k.at.x) < 1e-9) continue;
    knots.push_back({{-k.at.x, k.at.y}, k.corner});
  }
  return Closed(knots);
}

Outline Flipped(const Outline& outline) {
  Outline out(outline);
  for (Point& p : out) p.x = -p.x;
  return out;
}

Outline Shifted(const Outline& outline, Point by) {
  Outline out(outline);
  for (Point& p : out) p += by;
  return out;
}

Outline Turned(const Outline& outline, Point pivot, double degrees) {
  const double c = std::cos(degrees * kRadians),
               s = std::sin(degrees * kRadians);
  Outline out(outline);
  for (Point& p : out) {
    const Point d = p - pivot;
    p = pivot + Point(c * d.x - s * d.y, s * d.x + c * d.y);
  }
  return out;
}

Outline Ellipse(Point centre, double rx, double ry, double degrees) {
  constexpr int kSteps = 48;
  Outline out;
  for (int i = 0; i < kSteps; ++i) {
    const double a = 2 * std::numbers::pi * i / kSteps;
    out.push_back(centre + Point(rx * std::cos(a), ry * std::sin(a)));
  }
  return degrees == 0 ? out : Turned(out, centre, degrees);
}

Outline RoundedBox(Point centre, double width, double height, double r) {
  const double x = width / 2, y = height / 2;
  r = std::min({r, x, y});
  const Point corners[] = {
      {x - r, r - y}, {x - r, y - r}, {r - x, y - r}, {r - x, r - y}};
  Outline out;
  for (int c = 0; c < 4; ++c) {
    for (int i = 0; i <= 6; ++i) {
      const double a = (c - 1 + i / 6.0) * std::numbers::pi / 2;
      out.push_back(centre + corners[c] +
                    Point(r * std::cos(a), r * std::sin(a)));
    }
  }
  return out;
}

Outline Strip(const Outline& open, double width, bool taper) {
  const size_t n = open.size();
  if (n < 2) return {};
  Outline left, right;
  for (size_t i = 0; i < n; ++i) {
    const Point along =
        Unit(open[std::min(i + 1, n - 1)] - open[i == 0 ? 0 : i - 1]);
    const double t = static_cast<double>(i) / (n - 1);
    const double half =
        0.5 * width *
        (taper ? 0.15 + 0.85 * std::sin(std::numbers::pi * t) : 1);
    left.push_back(open[i] + Normal(along) * half);
    right.push_back(open[i] - Normal(along) * half);
  }
  left.insert(left.end(), right.rbegin(), right.rend());
  return left;
}

Point Direction(double degrees) {
  return {std::sin(degrees * kRadians), std::cos(degrees * kRadians)};
}

double Length(Point p) { return std::hypot(p.x, p.y); }

Point Unit(Point p) {
  const double length = Length(p);
  return length > 0 ? p / length : p;
}

}  // namespace vitrine
