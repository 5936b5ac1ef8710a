#include "benchmarks/report.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "nlohmann/json.hpp"

namespace vitrine {

void Report::Add(const BenchRow& row) {
  if (json_) {
    nlohmann::ordered_json line = {
        {"name", row.name}, {"value", row.value}, {"unit", row.unit}};
    if (!row.against.empty()) {
      line["against"] = row.against;
      line["ratio"] = row.ratio;
    }
    if (row.recall >= 0) line["recall"] = row.recall;
    std::printf("%s\n", line.dump().c_str());
  } else {
    if (!began_) {
      std::printf("%-32s %12s %-12s %8s  %s\n", "row", "value", "unit", "ratio",
                  "against");
    }
    std::printf("%-32s %12.4g %-12s", row.name.c_str(), row.value,
                row.unit.c_str());
    if (!row.against.empty()) {
      std::printf(" %8.2f  %s", row.ratio, row.against.c_str());
    }
    if (row.recall >= 0) std::printf("  (recall@10 %.4f)", row.recall);
    std::printf("\n");
  }
  std::fflush(stdout);
  began_ = true;
}

PinnedToOneCore::PinnedToOneCore() {
  ::sched_getaffinity(0, sizeof before_, &before_);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int core = CPU_SETSIZE - 1; core >= 0; --core) {
    if (!CPU_ISSET(core, &before_)) continue;
    CPU_SET(core, &one);
    break;
  }
  ::sched_setaffinity(0, sizeof one, &one);
}

PinnedToOneCore::~PinnedToOneCore() {
  ::sched_setaffinity(0, sizeof before_, &before_);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

double TimeSeconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

}  // namespace vitrine
