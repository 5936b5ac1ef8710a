#include "common/base/write_pace.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

namespace vitrine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kAskEvery(50);

struct Pace {
  uint64_t bytes_per_second;
  StopRequested stop;
  Clock::time_point until = {};  // When what was written is paid for.
};
thread_local std::optional<Pace> pace;

}  // namespace

LimitedThreadWrites::LimitedThreadWrites(uint64_t bytes_per_second,
                                         StopRequested stop) {
  if (bytes_per_second > 0) pace = Pace{bytes_per_second, std::move(stop)};
}

LimitedThreadWrites::~LimitedThreadWrites() { pace.reset(); }

void PaceThreadWrites(uint64_t bytes) {
  if (!pace) return;
  const std::chrono::duration<double> takes(
      static_cast<double>(bytes) / static_cast<double>(pace->bytes_per_second));
  pace->until = std::max(pace->until, Clock::now()) +
                std::chrono::duration_cast<Clock::duration>(takes);
  for (auto now = Clock::now(); now < pace->until; now = Clock::now()) {
    if (pace->stop && pace->stop()) return;
    std::this_thread::sleep_for(
        std::min<Clock::duration>(pace->until - now, kAskEvery));
  }
}

}  // namespace vitrine
