// Shapes: smooth curves through a few knots. Units are those of the drawing
// board: x from the middle to the right, y down from the top, on a board of 360
// × 480.
#pragma once

#include <opencv2/core/types.hpp>
#include <vector>

namespace vitrine {

using Point = cv::Point2d;
using Outline = std::vector<Point>;

// A point that a curve passes through: round, or at a corner.
struct Knot {
  Point at;
  bool corner = false;
};
inline Knot Corner(double x, double y) { return {{x, y}, true}; }
inline Knot Corner(Point at) { return {at, true}; }
inline Knot Round(double x, double y) { return {{x, y}, false}; }
inline Knot Round(Point at) { return {at, false}; }

// The closed shape through the knots.
Outline Closed(const std::vector<Knot>& knots);
// The open curve from the first knot to the last.
Outline Open(const std::vector<Knot>& knots);
// The symmetric closed shape whose right half runs from the top to the bottom
// through the knots. Ends on the axis (x = 0) are joined with their images.
Outline Mirrored(const std::vector<Knot>& right_half);
// The image in the vertical axis.
Outline Flipped(const Outline& outline);
Outline Shifted(const Outline& outline, Point by);
// Turned clockwise by `degrees` about `pivot`.
Outline Turned(const Outline& outline, Point pivot, double degrees);
Outline Ellipse(Point centre, double rx, double ry, double degrees = 0);
// A rectangle about `centre` with corners of radius `r`.
Outline RoundedBox(Point centre, double width, double height, double r);

// A strip along a curve; `taper` lets it end in points.
Outline Strip(const Outline& open, double width, bool taper = false);

// The direction that is `degrees` from straight down, towards the right.
Point Direction(double degrees);
inline Point Lerp(Point a, Point b, double t) { return a + (b - a) * t; }
double Length(Point p);
// Length 1 (or p where it has none), and turned a quarter clockwise as seen.
Point Unit(Point p);
inline Point Normal(Point p) { return {-p.y, p.x}; }

}  // namespace vitrine
