// How far a long command is: one line on standard error, with a rate and a time
// left.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

namespace vitrine::cli {

// "1,240 of 3,890 queries, 312/s, 9 s left, 2 failed".
std::string FormatProgress(int64_t done, std::optional<int64_t> total,
                           int64_t failed, double elapsed_s,
                           std::string_view noun);

// On a terminal the line is redrawn in place, after a first second without one;
// elsewhere a new line is printed every few seconds. Not thread-safe.
class Progress {
 public:
  enum class Mode { kOff, kTerminal, kLines };

  // `err` must outlive it.
  Progress(std::ostream& err, Mode mode, std::optional<int64_t> total,
           std::string noun);
  // Shows the last state; on a terminal only where there was a line before.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Update(int64_t done, int64_t failed);
  // Takes the line off the terminal, so that something else can be printed.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;
  void Show();

  std::ostream& err_;
  Mode mode_;
  std::optional<int64_t> total_;
  std::string noun_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_;
  int64_t done_ = 0;
  int64_t failed_ = 0;
  bool on_screen_ = false;
  bool shown_before_ = false;
};

}  // namespace vitrine::cli
