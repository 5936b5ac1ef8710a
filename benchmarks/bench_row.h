// One measured figure.
#pragma once

#include <string>

#include "benchmarks/machine.h"

namespace vitrine {

// A speed only ever stands beside what it is compared with in the same run.
struct BenchRow {
  std::string name;
  double value = 0;
  std::string unit;
  std::string against = {};  // What `ratio` compares with; empty for none.
  double ratio = 0;
  double recall = -1;  // Below 0 where it does not apply.
};

// An object on one line, without its end: name, value, unit; against and ratio,
// and recall, where they apply; machine with processor, cores and features.
std::string JsonLine(const BenchRow& row, const Machine& machine);

// A line of the table that people read, and its head.
std::string TableLine(const BenchRow& row);
std::string TableHead();

}  // namespace vitrine
