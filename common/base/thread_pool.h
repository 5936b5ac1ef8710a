// A fixed number of threads that run tasks in the order of their scheduling.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vitrine {

// Threads that may really run at once: the affinity mask's, and no more than
// the cgroup's CPU quota keeps busy; at least 1. Reads a few files.
int AvailableCores();

// Thread-safe. Destruction runs what was scheduled, then joins.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Runs `task` on one of the threads. Must not throw.
  void Schedule(std::function<void()> task);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Runs fn(0) … fn(n - 1) on up to `threads` threads, the caller among them, and
// returns when all are done.
void ParallelFor(int n, int threads, const std::function<void(int)>& fn);

}  // namespace vitrine
