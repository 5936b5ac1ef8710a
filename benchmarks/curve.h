// Recall against speed: what two searches of the same rows are compared by.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace vitrine {

// The share of `truth`, a list of rows a query, that `answers` has too. Neither
// lists a row twice; `truth` lists at least one.
template <typename Row>
double RecallOf(std::span<const std::vector<Row>> truth,
                std::span<const std::vector<Row>> answers) {
  size_t found = 0, wanted = 0;
  for (size_t q = 0; q < truth.size(); ++q) {
    wanted += truth[q].size();
    for (const Row& row : truth[q]) {
      found += static_cast<size_t>(
          std::count(answers[q].begin(), answers[q].end(), row));
    }
  }
  return static_cast<double>(found) / static_cast<double>(wanted);
}

// A search at rising effort.
struct Curve {
  struct Point {
    int ef = 0;
    double recall = 0;
    std::vector<double> rates;  // Queries a second, one a run.
  };
  std::string name;
  std::vector<Point> points;  // By ef.

  // Queries a second, the median of the runs, between the two points around
  // `recall`: their logarithm goes with the recall. Nothing where no point
  // reaches it, or the first does already.
  std::optional<double> RateAt(double recall) const;
};

}  // namespace vitrine
