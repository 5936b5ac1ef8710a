// The plots of the report, as PNG files in memory. Texts are UTF-8. INTERNAL
// where a picture cannot be encoded.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace vitrine::eval {

// A value with its interval; NaN where it is not known, and then not drawn.
struct Reading {
  double value = NAN;
  double low = NAN, high = NAN;
};

struct BarGroup {
  std::string name;
  std::string detail;             // below the name; may be empty
  std::vector<Reading> readings;  // one for each series
};

// Bars from 0 to 1, side by side in groups; wide charts are wrapped.
struct BarChart {
  std::string title;
  std::string y_label;
  std::vector<std::string> series;
  std::vector<BarGroup> groups;
};
absl::StatusOr<std::string> DrawBars(const BarChart& chart);

struct ScatterPoint {
  std::string name;
  double x = 0;  // positive
  Reading y;     // 0 to 1
};

// Points with their names; x is logarithmic.
struct Scatter {
  std::string title;
  std::string x_label, y_label;
  std::vector<ScatterPoint> points;  // at least one
};
absl::StatusOr<std::string> DrawScatter(const Scatter& scatter);

// Shares from 0 to 1 in cells, darker for more.
struct HeatMap {
  std::string title;
  std::string row_label, column_label;
  std::vector<std::string> names;           // of the rows, and of the columns
  std::vector<std::vector<double>> shares;  // [row][column]; NaN for none
};
absl::StatusOr<std::string> DrawHeatMap(const HeatMap& map);

}  // namespace vitrine::eval
