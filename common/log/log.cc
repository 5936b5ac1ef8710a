#include "common/log/log.h"

#include <poll.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/utf8.h"

namespace vitrine {
namespace {

// How long the end of a program waits for a standard error that takes nothing.
constexpr std::chrono::seconds kPatience(2);

constexpr char kReplacement[] = "\xEF\xBF\xBD";  // U+FFFD

const char* LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      break;
  }
  return "error";
}

std::string Now() {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(),
                          absl::UTCTimeZone());
}

// The code point that valid UTF-8 begins with, and its length in bytes.
std::pair<uint32_t, size_t> FirstCodePoint(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  uint32_t point = lead & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) point = point << 6 | (byte(i) & 0x3Fu);
  return {point, length};
}

// What ends a line, commands a terminal or turns the direction of what follows:
// C0, DEL and C1, line and paragraph separators, bidirectional controls.
bool IsControl(uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point <= 0x9F) ||
         (point >= 0x2028 && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

// In quotes where it would not be told from what stands around it.
std::string TextOf(const LogField& field) {
  if (const auto* number = std::get_if<int64_t>(&field.value)) {
    return absl::StrCat(*number);
  }
  if (const auto* number = std::get_if<double>(&field.value)) {
    return absl::StrFormat("%.3f", *number);
  }
  const auto& value = std::get<std::string>(field.value);
  const std::string text = Printable(value);
  if (!text.empty() && text == value &&
      text.find_first_of(" \"\\=") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  // A backslash of the value itself is doubled, one of Printable is not: the
  // value is escaped piece by piece.
  for (size_t i = 0; i < value.size();) {
    const size_t end = value.find_first_of("\"\\", i);
    const size_t length = std::min(end, value.size()) - i;
    absl::StrAppend(&quoted,
                    Printable(std::string_view(value).substr(i, length)));
    i += length;
    if (i < value.size()) {
      quoted.push_back('\\');
      quoted.push_back(value[i++]);
    }
  }
  quoted.push_back('"');
  return quoted;
}

std::string TextLine(const std::string& program, std::string_view message,
                     std::span<const LogField> fields) {
  std::string line = absl::StrCat(program, ": ");
  if (!fields.empty()) absl::StrAppend(&line, Now(), " ");
  absl::StrAppend(&line, Printable(message));
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", std::string(field.name), "=", TextOf(field));
  }
  line.push_back('\n');
  return line;
}

std::string JsonLine(const std::string& program, LogLevel level,
                     std::string_view message,
                     std::span<const LogField> fields) {
  nlohmann::ordered_json object = {{"time", Now()},
                                   {"level", LevelName(level)},
                                   {"program", program},
                                   {"message", std::string(message)}};
  for (const LogField& field : fields) {
    std::visit(
        [&](const auto& value) { object[std::string(field.name)] = value; },
        field.value);
  }
  // ASCII alone: some readers take U+0085 and U+2028 for the end of a line.
  return object.dump(-1, ' ', /*ensure_ascii=*/true,
                     nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

// Writes whole lines to a descriptor.
class DescriptorSink final : public spdlog::sinks::sink {
 public:
  explicit DescriptorSink(int fd) : fd_(fd) {}

  // `count` tells how many lines the queue has dropped so far, and `notice` is
  // the line that says so of some of them.
  void TellDropped(std::function<uint64_t()> count,
                   std::function<std::string(uint64_t)> notice) {
    dropped_ = std::move(count);
    notice_ = std::move(notice);
  }

  void log(const spdlog::details::log_msg& message) override {
    {
      std::lock_guard lock(writing_);
      const uint64_t dropped = dropped_ ? dropped_() : 0;
      if (dropped > told_ && Write(notice_(dropped - told_))) told_ = dropped;
      if (!Write({message.payload.data(), message.payload.size()})) ++failed_;
    }
    std::lock_guard lock(mutex_);
    ++handled_;
    changed_.notify_all();
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  uint64_t failed() const { return failed_; }
  template <typename Reached>
  bool AwaitHandled(std::chrono::milliseconds timeout, Reached reached) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return reached(handled_); });
  }

 private:
  bool Write(std::string_view line) {
    while (!line.empty()) {
      const ssize_t written = ::write(fd_, line.data(), line.size());
      if (written >= 0) {
        line.remove_prefix(static_cast<size_t>(written));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        pollfd fd = {fd_, POLLOUT, 0};
        ::poll(&fd, 1, -1);
      } else if (errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  const int fd_;
  std::function<uint64_t()> dropped_;
  std::function<std::string(uint64_t)> notice_;
  std::mutex writing_;
  uint64_t told_ = 0;  // Guarded by it.
  std::atomic<uint64_t> failed_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t handled_ = 0;  // Guarded by mutex_.
};

// A pipe that nobody reads any more ends no server.
void BlockSigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

absl::StatusOr<LogFormat> ParseLogFormat(std::string_view name) {
  if (name == "text") return LogFormat::kText;
  if (name == "json") return LogFormat::kJson;
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", std::string(name), "\" is not right; it is text or json"));
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view good = text.substr(0, Utf8PrefixLength(text));
    for (size_t i = 0; i < good.size();) {
      const auto [point, length] = FirstCodePoint(good.substr(i));
      if (!IsControl(point)) {
        out.append(good.substr(i, length));
      } else if (point < 0x80) {
        absl::StrAppendFormat(&out, "\\x%02x", point);
      } else {
        absl::StrAppendFormat(&out, "\\u%04x", point);
      }
      i += length;
    }
    text.remove_prefix(good.size());
    if (text.empty()) break;
    out.append(kReplacement);
    text.remove_prefix(1);
  }
  return out;
}

struct Log::Impl {
  LogOptions options;
  std::shared_ptr<DescriptorSink> sink;
  std::shared_ptr<spdlog::logger> logger;
  // Null without a queue; its thread ends before the logger.
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::atomic<uint64_t> told = 0;

  uint64_t Dropped() const {
    return pool == nullptr ? 0 : pool->overrun_counter();
  }
  std::string LineOf(LogLevel level, std::string_view message,
                     std::span<const LogField> fields) const {
    return options.format == LogFormat::kJson
               ? JsonLine(options.program, level, message, fields)
               : TextLine(options.program, message, fields);
  }
};

Log::Log(LogOptions options) : impl_(std::make_unique<Impl>()) {
  impl_->sink = std::make_shared<DescriptorSink>(options.fd);
  if (options.most_waiting > 0) {
    try {
      impl_->pool = std::make_shared<spdlog::details::thread_pool>(
          options.most_waiting, /*threads_n=*/1, BlockSigpipe);
    } catch (const std::exception&) {
      // Without its thread lines are written by who tells them.
    }
  }
  impl_->options = std::move(options);
  if (impl_->pool == nullptr) {
    impl_->logger = std::make_shared<spdlog::logger>("", impl_->sink);
    return;
  }
  impl_->sink->TellDropped(
      [pool = impl_->pool.get()] { return pool->overrun_counter(); },
      [impl = impl_.get()](uint64_t lines) {
        const LogField field = {"lines", static_cast<int64_t>(lines)};
        return impl->LineOf(
            LogLevel::kWarning,
            "lines of this log are lost: standard error did not take them",
            {&field, 1});
      });
  impl_->logger = std::make_shared<spdlog::async_logger>(
      "", impl_->sink, impl_->pool,
      spdlog::async_overflow_policy::overrun_oldest);
}

Log::~Log() {
  if (Flush(kPatience)) return;
  // Its thread stands in a write that may never end: it is left behind, with
  // all that it uses.
  [[maybe_unused]] auto* left = impl_.release();
}

LogFormat Log::format() const { return impl_->options.format; }

void Log::Line(LogLevel level, std::string_view message,
               std::span<const LogField> fields) {
  const std::string line = impl_->LineOf(level, message, fields);
  ++impl_->told;
  impl_->logger->log(spdlog::level::info,
                     spdlog::string_view_t(line.data(), line.size()));
}

bool Log::Flush(std::chrono::milliseconds timeout) {
  if (impl_->pool == nullptr) return true;
  const uint64_t told = impl_->told;
  return impl_->sink->AwaitHandled(timeout, [&](uint64_t handled) {
    return handled + impl_->Dropped() >= told;
  });
}

uint64_t Log::lost() const { return impl_->Dropped() + impl_->sink->failed(); }

}  // namespace vitrine
