// What the indexer tells on standard error: lines, and the progress of bulk
// work; as text, or as the JSON of a log.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "common/log/log.h"

namespace vitrine {

// "1,234,567".
std::string WithThousands(int64_t n);

// "47 s", "12 min", "3 h 20 min".
std::string FormatDuration(double seconds);

// "1,234 of 3,890 pictures · 56.1/s · 47 s left · 3 refused".
std::string FormatProgress(int64_t done, int64_t total, int64_t refused,
                           double rate, std::string_view noun = "pictures");

// Thread-safe.
class Console {
 public:
  // `log`, where there is one that speaks JSON, gets everything and must
  // outlive it.
  explicit Console(Log* log = nullptr);

  // A line of its own, with the time before it where standard error is no
  // terminal.
  void Line(std::string_view text) { Tell(LogLevel::kInfo, text); }
  // The same, of what somebody should see to.
  void Warn(std::string_view text) { Tell(LogLevel::kWarning, text); }

  // The state of bulk work. On a terminal it stands in one place, elsewhere and
  // in JSON it is a line every five seconds.
  void Progress(int64_t done, int64_t total, int64_t refused,
                std::string_view noun = "pictures");
  // The bulk is over.
  void EndProgress();

 private:
  using Clock = std::chrono::steady_clock;
  void Tell(LogLevel level, std::string_view text);
  void Clear();

  Log* const log_;  // Null where it writes text itself.
  const bool terminal_;
  std::mutex mutex_;  // Guards what follows.
  bool shown_ = false;
  Clock::time_point last_;
  // What was done when, over the last seconds.
  std::deque<std::pair<Clock::time_point, int64_t>> recent_;
};

}  // namespace vitrine
