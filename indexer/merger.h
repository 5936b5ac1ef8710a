// Merging beside publication: one thread for light merges, one for graphs.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "indexer/merge_policy.h"
#include "indexer/publisher.h"

namespace vitrine {

// What is to be merged of which view.
struct DueMerge {
  IndexView view;
  MergePlan plan;
};

// Runs a merge, which writes no more than `bytes_per_second` (0 is no limit),
// and commits it. Returns whether there was anything to do.
absl::StatusOr<bool> MergeOnce(Publisher* publisher, const DueMerge& due,
                               int threads, uint64_t bytes_per_second,
                               const StopRequested& stop);

// Merges until nothing is due under `limits`, in the calling thread. CANCELLED
// where it had to stop.
absl::Status SettleMerges(Publisher* publisher, const MergeLimits& limits,
                          int threads, const StopRequested& stop = {});

// Merges in the background until destroyed, which gives up a graph in hand.
// Thread-safe.
class Merger {
 public:
  // `report` receives failures, from other threads; a failed merge is tried
  // again after a while.
  Merger(Publisher* publisher, const MergeLimits& limits,
         std::function<void(const absl::Status&)> report);
  ~Merger();
  Merger(const Merger&) = delete;
  Merger& operator=(const Merger&) = delete;

  // After each publication: something may be due.
  void Wake();
  void SetLimits(const MergeLimits& limits);
  // Returns when all is merged that would be without any other publication, or
  // `timeout_ms` have passed.
  bool WaitUntilIdle(int64_t timeout_ms);

 private:
  enum Lane { kLight, kGraph };
  void Run(Lane lane);
  // Under the lock.
  void SetAllDue();
  bool IsQuietDue(Lane lane) const;
  // Whether anything was merged. `quiet`: what is due by QuietMergeLimits.
  bool MergeInLane(Lane lane, bool quiet);

  Publisher* const publisher_;
  const std::function<void(const absl::Status&)> report_;

  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  MergeLimits limits_;
  std::set<std::string> busy_;  // Shards that a lane is merging.
  bool due_[2] = {true, true};
  bool running_[2] = {false, false};
  // Whether it has not been quiet since Wake was last called, when that was,
  // and when it was first called since the last quiet time.
  bool quiet_due_[2] = {true, true};
  std::chrono::steady_clock::time_point woken_;
  std::chrono::steady_clock::time_point first_woken_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> never_quiet_ = false;  // By limits_.

  std::thread threads_[2];
};

}  // namespace vitrine
