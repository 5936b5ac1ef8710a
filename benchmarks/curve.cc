#include "benchmarks/curve.h"

#include <cmath>

#include "benchmarks/report.h"

namespace vitrine {

std::optional<double> Curve::RateAt(double recall) const {
  if (points.empty() || points.front().recall >= recall) return std::nullopt;
  for (size_t i = 1; i < points.size(); ++i) {
    const Point& below = points[i - 1];
    const Point& above = points[i];
    if (above.recall < recall) continue;
    const double share =
        (recall - below.recall) / (above.recall - below.recall);
    return std::exp((1 - share) * std::log(Median(below.rates)) +
                    share * std::log(Median(above.rates)));
  }
  return std::nullopt;
}

}  // namespace vitrine
