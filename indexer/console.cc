#include "indexer/console.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace vitrine {
namespace {

constexpr std::chrono::seconds kRateWindow(20);

void Print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace

std::string WithThousands(int64_t n) {
  const std::string digits = std::to_string(std::abs(n));
  std::string text(n < 0 ? 1 : 0, '-');
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string FormatDuration(double seconds) {
  const auto s = static_cast<int64_t>(std::llround(seconds));
  if (s < 120) return absl::StrCat(s, " s");
  const int64_t minutes = (s + 30) / 60;
  if (minutes < 120) return absl::StrCat(minutes, " min");
  return absl::StrCat(minutes / 60, " h ", minutes % 60, " min");
}

std::string FormatProgress(int64_t done, int64_t total, int64_t refused,
                           double rate, std::string_view noun) {
  std::string text =
      absl::StrCat(WithThousands(done), " of ", WithThousands(total), " ",
                   absl::string_view(noun.data(), noun.size()));
  if (rate > 0) {
    absl::StrAppend(&text, absl::StrFormat(" · %.1f/s", rate), " · ",
                    FormatDuration(static_cast<double>(total - done) / rate),
                    " left");
  }
  if (refused > 0) {
    absl::StrAppend(&text, " · ", WithThousands(refused), " refused");
  }
  return text;
}

Console::Console(Log* log)
    : log_(log != nullptr && log->format() == LogFormat::kJson ? log : nullptr),
      terminal_(log_ == nullptr && ::isatty(STDERR_FILENO) == 1) {}

void Console::Clear() {
  // ECMA-48: to the line's begin, and erase to its end.
  if (terminal_ && shown_) Print("\r\033[K");
  shown_ = false;
}

void Console::Tell(LogLevel level, std::string_view text) {
  if (log_ != nullptr) {
    log_->Line(level, text);
    return;
  }
  std::lock_guard lock(mutex_);
  Clear();
  std::string line;
  if (!terminal_) {
    line = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ ", absl::Now(),
                            absl::UTCTimeZone());
  }
  // A file's name may hold anything, a line's end and a terminal's commands
  // too.
  absl::StrAppend(&line, Printable(text), "\n");
  Print(line);
}

void Console::Progress(int64_t done, int64_t total, int64_t refused,
                       std::string_view noun) {
  std::unique_lock lock(mutex_);
  const Clock::time_point now = Clock::now();
  if (recent_.empty()) {
    recent_.emplace_back(now, done);
    last_ = now;
    return;
  }
  const auto interval =
      terminal_ ? std::chrono::milliseconds(200) : std::chrono::seconds(5);
  if (now - last_ < interval) return;
  last_ = now;
  while (recent_.size() > 1 && now - recent_.front().first > kRateWindow) {
    recent_.pop_front();
  }
  const double seconds =
      std::chrono::duration<double>(now - recent_.front().first).count();
  const double rate =
      static_cast<double>(done - recent_.front().second) / seconds;
  recent_.emplace_back(now, done);
  const std::string text = FormatProgress(done, total, refused, rate, noun);
  if (terminal_) {
    Clear();
    Print(text);
    shown_ = true;
    return;
  }
  lock.unlock();
  if (log_ == nullptr) {
    Line(text);
    return;
  }
  const LogField fields[] = {{"done", done},
                             {"total", total},
                             {"refused", refused},
                             {"per_second", std::round(rate * 10) / 10}};
  log_->Line(LogLevel::kInfo, text, fields);
}

void Console::EndProgress() {
  std::lock_guard lock(mutex_);
  Clear();
  recent_.clear();
}

}  // namespace vitrine
