// How sure a mean over queries is, where queries of one sender resemble each
// other. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vitrine::eval {

struct Estimate {
  double value = 0;  // The mean over the queries; NaN where there are none.
  // The 95 % interval; NaN where the queries are of fewer than two groups.
  double low = 0, high = 0;
};

inline constexpr int kResamples = 1000;

// The means of the columns of `values` (n × columns, row-major), and their
// intervals by the percentile bootstrap over groups (Efron and Tibshirani 1993,
// chapters 8 and 13): as many groups as there are are drawn with replacement,
// and all values of a drawn group count. `groups[i]` >= 0 is the group of row
// i. The same seed gives the same intervals on every machine.
std::vector<Estimate> MeansOverGroups(std::span<const double> values,
                                      int columns, std::span<const int> groups,
                                      uint64_t seed = 1);

}  // namespace vitrine::eval
