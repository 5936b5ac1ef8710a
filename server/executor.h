// Threads for requests, with bounds on those that wait.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

#include "absl/status/status.h"
#include "common/base/thread_pool.h"

namespace vitrine {

// Thread-safe. Destruction runs what was scheduled.
class Executor {
 public:
  // A request is refused where `max_waiting` wait already, or those that wait
  // or run hold `max_bytes` with it; and where it might have to wait longer
  // than `max_wait`, by what those before it have taken, `at_once` of which
  // make headway at a time, unless fewer than `always_admitted` wait or run.
  // That lets a burst through. Once one was refused for its wait, more come
  // than can be answered: then half of `max_wait` and of
  // `always_admitted` holds, so that those which are taken are answered soon,
  // until for `look` less than a quarter of all were refused.
  struct Limits {
    int max_waiting = 1024;
    size_t max_bytes = 512 << 20;
    std::chrono::milliseconds max_wait = std::chrono::milliseconds::max();
    int at_once = 1;  // At most as many as there are threads.
    int always_admitted = 0;
    std::chrono::milliseconds look = std::chrono::milliseconds(500);
  };

  // The place of a request among those that wait or run; given back at its end,
  // or before that by GiveBack: a caller who has the answer may send the next
  // request at once.
  class Place {
   public:
    Place(Executor* executor, size_t bytes)
        : executor_(executor), bytes_(bytes) {}
    ~Place() { GiveBack(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    void GiveBack() {
      if (executor_ != nullptr) executor_->Ended(bytes_);
      executor_ = nullptr;
    }

   private:
    Executor* executor_;
    const size_t bytes_;
  };

  Executor(int threads, const Limits& limits);

  int threads() const { return threads_; }
  // Runs a request of `bytes` on one of the threads, or answers
  // RESOURCE_EXHAUSTED at once. One is taken however large where none is there.
  absl::Status TrySchedule(std::function<void(Place&)> request,
                           size_t bytes = 0);
  // Runs work whose amount its owner bounds, as streams do. As much as there
  // are threads waits among the requests, the rest behind them: a request waits
  // for one turn of it.
  void Schedule(std::function<void()> work);

 private:
  // Both hold the mutex.
  void Look(std::chrono::steady_clock::time_point now);
  // Why a request of `bytes` is not taken now.
  absl::Status CheckRoom(size_t bytes);
  void Ended(size_t bytes);
  void RunWork(const std::function<void()>& work);

  const int threads_;
  const Limits limits_;

  std::mutex mutex_;  // Guards what follows.
  int admitted_ = 0;  // Requests that wait or run.
  size_t bytes_ = 0;  // Of those.
  // From one end to the next while there was a request all the time, on the
  // mean; 0 until it is known.
  double ms_each_ = 0;
  std::chrono::steady_clock::time_point last_end_;  // Or the first begin.
  bool is_cold_ = true;  // Until the first has ended, which says little.
  // Whether more come than can be answered, and how many came and were refused
  // since it was last asked.
  bool is_full_ = false;
  std::chrono::steady_clock::time_point looked_;
  int64_t came_ = 0;
  int64_t refused_ = 0;

  int working_ = 0;  // Pieces of work among the requests.
  std::deque<std::function<void()>> work_;  // Behind them.

  ThreadPool pool_;
};

// So many requests with pictures a server takes however long they may have to
// wait: what one caller with a few threads sends is not refused.
inline constexpr int kPicturesAlways = 8;

// Where requests run. Those with pictures wait for the model most of the time;
// threads of their own keep them from holding up the others.
struct Executors {
  Executor* pictures = nullptr;
  Executor* others = nullptr;
};

}  // namespace vitrine
