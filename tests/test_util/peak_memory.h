// How much memory the process has had.
#pragma once

#include <malloc.h>

#include <fstream>
#include <string>

namespace vitrine::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kCountsMemory = false;  // They have more, and keep it.
#else
inline constexpr bool kCountsMemory = true;
#endif

// The megabytes that are no file's.
inline double AnonymousMegabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stod(line.substr(8)) / 1e3;
  }
  return 0;
}

// The most megabytes since the last call of this; 0 where they cannot be told.
inline double PeakMegabytes() {
  double kilobytes = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) kilobytes = std::stod(line.substr(6));
  }
  ::malloc_trim(0);  // Else what is free already takes what comes.
  std::ofstream clear("/proc/self/clear_refs");
  clear << 5 << std::flush;
  return kCountsMemory && clear ? kilobytes / 1e3 : 0;
}

}  // namespace vitrine::testing
