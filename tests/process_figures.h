// What a process holds of memory and of the kernel, as /proc tells.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

namespace vitrine::testing {

struct ProcessFigures {
  int64_t memory_kb = 0;     // Resident, with the files that it has mapped …
  int64_t anonymous_kb = 0;  // … and without.
  int64_t descriptors = 0;
  int64_t mappings = 0;
  int64_t threads = 0;

  std::string ToString() const {
    return std::to_string(memory_kb / 1024) + " MB (" +
           std::to_string(anonymous_kb / 1024) + " MB of no file), " +
           std::to_string(descriptors) + " descriptors, " +
           std::to_string(mappings) + " mappings, " + std::to_string(threads) +
           " threads";
  }
};

inline ProcessFigures FiguresOf(pid_t pid) {
  const std::filesystem::path proc =
      std::filesystem::path("/proc") / std::to_string(pid);
  ProcessFigures figures;
  std::ifstream status(proc / "status");
  for (std::string name; status >> name;) {
    if (name == "VmRSS:") status >> figures.memory_kb;
    if (name == "RssAnon:") status >> figures.anonymous_kb;
    if (name == "Threads:") status >> figures.threads;
    status.ignore(1000, '\n');
  }
  std::error_code error;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(proc / "fd", error)) {
    ++figures.descriptors;
  }
  std::ifstream maps(proc / "maps");
  for (std::string line; std::getline(maps, line);) ++figures.mappings;
  return figures;
}

// The middle one of each figure, so that one that is taken in the midst of a
// merge or a batch counts for little.
inline ProcessFigures MedianOf(const std::vector<ProcessFigures>& all) {
  auto median = [&all](int64_t ProcessFigures::*figure) {
    std::vector<int64_t> values;
    for (const ProcessFigures& one : all) values.push_back(one.*figure);
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
  };
  return {.memory_kb = median(&ProcessFigures::memory_kb),
          .anonymous_kb = median(&ProcessFigures::anonymous_kb),
          .descriptors = median(&ProcessFigures::descriptors),
          .mappings = median(&ProcessFigures::mappings),
          .threads = median(&ProcessFigures::threads)};
}

}  // namespace vitrine::testing
