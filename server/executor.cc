#include "server/executor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "server/call.h"

namespace vitrine {
namespace {

// The mean goes by the last twenty requests or so, and one that took very long
// counts as one of a few times the mean: it says little of the next.
constexpr double kWeight = 0.05;
constexpr double kMostOfMean = 8;
// While more come than can be answered.
constexpr int kLessWait = 2;
constexpr int kFewerAlways = 2;
constexpr int kFewOfAll = 4;
// No sooner should a refused caller come again.
constexpr int kLeastRetryMs = 100;

}  // namespace

Executor::Executor(int threads, const Limits& limits)
    : threads_(threads), limits_(limits), pool_(threads) {}

void Executor::Look(std::chrono::steady_clock::time_point now) {
  if (now - looked_ < limits_.look) return;
  is_full_ = is_full_ && kFewOfAll * refused_ >= came_;
  looked_ = now;
  came_ = 0;
  refused_ = 0;
}

absl::Status Executor::CheckRoom(size_t bytes) {
  const int before_it = std::max(0, admitted_ - limits_.at_once + 1);
  const double wait_ms = before_it * ms_each_;
  const auto full = [&](absl::string_view why, double limit) {
    return MakeError(
        absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_OVERLOADED,
        absl::StrCat("the server is full: ", why, "; try again later"), {},
        limit, std::max(kLeastRetryMs, static_cast<int>(wait_ms / 2)));
  };
  if (admitted_ - threads_ >= limits_.max_waiting) {
    return full(absl::StrCat(limits_.max_waiting, " requests wait already"),
                limits_.max_waiting);
  }
  if (admitted_ > 0 && bytes_ + bytes > limits_.max_bytes) {
    return full(absl::StrCat("its requests hold ", bytes_ >> 20,
                             " MB, and may hold ", limits_.max_bytes >> 20),
                static_cast<double>(limits_.max_bytes));
  }
  const auto now = std::chrono::steady_clock::now();
  Look(now);
  ++came_;
  const double max_wait_ms = static_cast<double>(limits_.max_wait.count()) /
                             (is_full_ ? kLessWait : 1);
  const int always = limits_.always_admitted / (is_full_ ? kFewerAlways : 1);
  if (admitted_ >= always && wait_ms > max_wait_ms) {
    const absl::Status refusal = full(
        absl::StrCat("a request would wait some ", static_cast<int>(wait_ms),
                     " ms, and may wait ", static_cast<int>(max_wait_ms),
                     is_full_ ? ", half of --max-wait-ms while more "
                                "come than it can answer"
                              : " (--max-wait-ms)"),
        max_wait_ms);
    ++refused_;
    is_full_ = true;
    return refusal;
  }
  return absl::OkStatus();
}

absl::Status Executor::TrySchedule(std::function<void(Place&)> request,
                                   size_t bytes) {
  {
    std::lock_guard lock(mutex_);
    VITRINE_RETURN_IF_ERROR(CheckRoom(bytes));
    if (admitted_++ == 0) last_end_ = std::chrono::steady_clock::now();
    bytes_ += bytes;
  }
  pool_.Schedule([this, bytes, request = std::move(request)] {
    Place place(this, bytes);
    request(place);
  });
  return absl::OkStatus();
}

void Executor::Schedule(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    if (working_ == threads_) {
      work_.push_back(std::move(work));
      return;
    }
    ++working_;
  }
  pool_.Schedule([this, work = std::move(work)] { RunWork(work); });
}

void Executor::RunWork(const std::function<void()>& work) {
  work();
  std::function<void()> next;
  {
    std::lock_guard lock(mutex_);
    if (work_.empty()) {
      --working_;
      return;
    }
    next = std::move(work_.front());
    work_.pop_front();
  }
  pool_.Schedule([this, next = std::move(next)] { RunWork(next); });
}

void Executor::Ended(size_t bytes) {
  std::lock_guard lock(mutex_);
  const double ms = MillisecondsSince(last_end_);
  last_end_ = std::chrono::steady_clock::now();
  --admitted_;
  bytes_ -= bytes;
  if (std::exchange(is_cold_, false)) return;
  ms_each_ = ms_each_ == 0
                 ? ms
                 : ms_each_ + kWeight * (std::min(ms, kMostOfMean * ms_each_) -
                                         ms_each_);
}

}  // namespace vitrine
