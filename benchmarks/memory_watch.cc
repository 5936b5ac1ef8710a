#include "benchmarks/memory_watch.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"

namespace vitrine {
namespace {

constexpr std::chrono::milliseconds kLookEvery(10);

double AnonymousBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    int64_t kilobytes = 0;
    if (line.starts_with("RssAnon:") &&
        absl::SimpleAtoi(line.substr(8, line.rfind(' ') - 8), &kilobytes)) {
      return 1024.0 * static_cast<double>(kilobytes);
    }
  }
  return 0;
}

}  // namespace

MemoryWatch::MemoryWatch()
    : before_(AnonymousBytes()), most_(before_), thread_([this] {
        while (!done_) {
          most_ = std::max(most_.load(), AnonymousBytes());
          std::this_thread::sleep_for(kLookEvery);
        }
      }) {}

MemoryWatch::~MemoryWatch() {
  done_ = true;
  thread_.join();
}

}  // namespace vitrine
