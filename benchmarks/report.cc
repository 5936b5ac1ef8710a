#include "benchmarks/report.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace vitrine {

namespace {

void Pin(int core) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

}  // namespace

void Report::Add(const BenchRow& row) {
  if (json_) {
    std::printf("%s\n", JsonLine(row, machine_).c_str());
  } else {
    if (rows_.empty()) std::printf("%s\n", TableHead().c_str());
    std::printf("%s\n", TableLine(row).c_str());
  }
  std::fflush(stdout);
  rows_.push_back(row);
}

PinnedToOneCore::PinnedToOneCore() {
  ::sched_getaffinity(0, sizeof before_, &before_);
  for (int core = CPU_SETSIZE - 1; core >= 0; --core) {
    if (!CPU_ISSET(core, &before_)) continue;
    Pin(core);
    break;
  }
}

PinnedToOneCore::PinnedToOneCore(int core) {
  ::sched_getaffinity(0, sizeof before_, &before_);
  if (core >= 0) Pin(core);
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

double CpuSeconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time;
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) +
           1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double begin = now();
  work();
  return now() - begin;
}

double TimeSeconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

}  // namespace vitrine
