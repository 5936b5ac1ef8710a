// What a daemon tells on standard error: lines for people, or objects of JSON
// for programs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"

namespace vitrine {

enum class LogFormat { kText, kJson };
enum class LogLevel { kInfo, kWarning, kError };

// "text" or "json".
absl::StatusOr<LogFormat> ParseLogFormat(std::string_view name);

// `text` on one line that commands no terminal: control characters, what ends a
// line or turns its direction as \x0a or \u2028, what is not UTF-8 as U+FFFD.
std::string Printable(std::string_view text);

// A value with a name, of small letters and '_'.
struct LogField {
  std::string_view name;
  std::variant<int64_t, double, std::string> value;
};

struct LogOptions {
  std::string program;
  LogFormat format = LogFormat::kText;
  // So many lines wait where standard error takes none; beyond them the oldest
  // are lost. With 0 nothing waits but whoever tells a line.
  size_t most_waiting = 0;
  int fd = 2;
};

// Thread-safe.
class Log {
 public:
  explicit Log(LogOptions options);
  // Flushes, but for lines that standard error does not take in time.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  LogFormat format() const;

  // As text "PROGRAM: MESSAGE", and where there are fields "PROGRAM: TIME
  // MESSAGE name=value …"; as JSON time, level, program and message, and the
  // fields beside them.
  void Line(LogLevel level, std::string_view message,
            std::span<const LogField> fields = {});
  void Info(std::string_view message) { Line(LogLevel::kInfo, message); }
  void Warn(std::string_view message) { Line(LogLevel::kWarning, message); }
  void Error(std::string_view message) { Line(LogLevel::kError, message); }

  // Waits until the lines so far are written or lost; false after `timeout`.
  bool Flush(std::chrono::milliseconds timeout);
  // Lines that nobody has got, since too many waited or a write failed.
  uint64_t lost() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine
