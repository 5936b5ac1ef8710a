// Threads for requests, with a bound on those that wait.
#pragma once

#include <atomic>
#include <functional>

#include "absl/status/status.h"
#include "common/base/thread_pool.h"

namespace vitrine {

// Thread-safe. Destruction runs what was scheduled.
class Executor {
 public:
  Executor(int threads, int max_waiting)
      : threads_(threads), max_waiting_(max_waiting), pool_(threads) {}

  int threads() const { return threads_; }
  // Runs `task` on one of the threads, or answers RESOURCE_EXHAUSTED where
  // `max_waiting` tasks wait already.
  absl::Status TrySchedule(std::function<void()> task);
  // The same for work that was admitted before and whose amount its owner
  // bounds.
  void Schedule(std::function<void()> task);

 private:
  const int threads_;
  const int max_waiting_;
  std::atomic<int> waiting_ = 0;
  ThreadPool pool_;
};

// Where requests run. Those with pictures wait for the model most of the time;
// threads of their own keep them from holding up the others.
struct Executors {
  Executor* pictures = nullptr;
  Executor* others = nullptr;
};

}  // namespace vitrine
