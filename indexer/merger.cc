#include "indexer/merger.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/base/status.h"
#include "common/base/thread_priority.h"
#include "common/base/write_pace.h"

namespace vitrine {

absl::StatusOr<bool> MergeOnce(Publisher* publisher, const DueMerge& due,
                               int threads, uint64_t bytes_per_second,
                               const StopRequested& stop) {
  if (due.plan.empty()) return false;
  MergePlan plan = due.plan;
  plan.now_unix_ms = publisher->NowUnixMs();
  const absl::StatusOr<MergeOutput> output = [&] {
    // Without the commit, which publications wait for.
    const LimitedThreadWrites limited(bytes_per_second, stop);
    return RunMerge(publisher->paths(), due.view, plan, threads, stop,
                    [publisher] { return publisher->NewFileName(); });
  }();
  // What a graph took would stay in the heap, whose pieces are kept for the
  // model's.
  if (plan.graph) ::malloc_trim(0);
  VITRINE_RETURN_IF_ERROR(output.status());
  const absl::Status committed = publisher->Commit(*output).status();
  // The vector set was given up meanwhile: other merges may be due.
  if (!committed.ok() && !absl::IsNotFound(committed)) return committed;
  return true;
}

absl::Status SettleMerges(Publisher* publisher, const MergeLimits& limits,
                          int threads, const StopRequested& stop) {
  while (true) {
    if (stop && stop()) return absl::CancelledError("merging was stopped");
    DueMerge due;
    due.view = publisher->view();
    // Graphs first: they take in flat shards that would only be copied.
    due.plan = PlanGraphMerge(due.view, limits, {});
    if (due.plan.empty()) due.plan = PlanLightMerge(due.view, limits, {});
    VITRINE_ASSIGN_OR_RETURN(const bool merged,
                             MergeOnce(publisher, due, threads,
                                       /*bytes_per_second=*/0, stop));
    if (!merged) return absl::OkStatus();
  }
}

Merger::Merger(Publisher* publisher, const MergeLimits& limits,
               std::function<void(const absl::Status&)> report)
    : publisher_(publisher),
      report_(std::move(report)),
      limits_(limits),
      woken_(std::chrono::steady_clock::now()),
      first_woken_(woken_),
      never_quiet_(limits.quiet_ms < 0) {
  threads_[kLight] = std::thread([this] { Run(kLight); });
  threads_[kGraph] = std::thread([this] { Run(kGraph); });
}

Merger::~Merger() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Merger::Wake() {
  std::lock_guard lock(mutex_);
  woken_ = std::chrono::steady_clock::now();
  if (!quiet_due_[kLight] && !quiet_due_[kGraph]) first_woken_ = woken_;
  SetAllDue();
  changed_.notify_all();
}

void Merger::SetAllDue() {
  for (const Lane lane : {kLight, kGraph}) due_[lane] = quiet_due_[lane] = true;
}

bool Merger::IsQuietDue(Lane lane) const {
  return quiet_due_[lane] && !never_quiet_;
}

void Merger::SetLimits(const MergeLimits& limits) {
  {
    std::lock_guard lock(mutex_);
    limits_ = limits;
    never_quiet_ = limits.quiet_ms < 0;
  }
  Wake();
}

bool Merger::WaitUntilIdle(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] {
    for (const Lane lane : {kLight, kGraph}) {
      if (due_[lane] || IsQuietDue(lane) || running_[lane]) return false;
    }
    return true;
  });
}

void Merger::Run(Lane lane) {
  // Fresh pictures go first.
  LowerThreadPriority(10);
  std::unique_lock lock(mutex_);
  const auto called = [&] { return stopping_ || due_[lane]; };
  while (true) {
    bool quiet = false;
    if (IsQuietDue(lane)) {
      const std::chrono::milliseconds pause(limits_.quiet_ms);
      quiet = !changed_.wait_until(
          lock, std::min(woken_ + pause, first_woken_ + kQuietAtLast * pause),
          called);
    } else {
      changed_.wait(lock, called);
    }
    if (stopping_) return;
    (quiet ? quiet_due_ : due_)[lane] = false;
    running_[lane] = true;
    lock.unlock();
    const bool merged = MergeInLane(lane, quiet);
    lock.lock();
    running_[lane] = false;
    // A merge may make another one due, in either lane.
    if (merged) SetAllDue();
    changed_.notify_all();
  }
}

bool Merger::MergeInLane(Lane lane, bool quiet) {
  DueMerge due;
  MergeLimits limits;
  std::set<std::string> taken;
  {
    std::lock_guard lock(mutex_);
    limits = quiet ? QuietMergeLimits(limits_) : limits_;
    // Taken under the lock: what is not busy here has been committed there.
    due.view = publisher_->view();
    due.plan = lane == kGraph ? PlanGraphMerge(due.view, limits, busy_)
                              : PlanLightMerge(due.view, limits, busy_);
    for (const LiveShard& live : due.plan.shards) {
      taken.insert(live.shard->name());
    }
    busy_.insert(taken.begin(), taken.end());
  }
  bool allowed = true;
  if (quiet) {
    // No other lane takes packs.
    if (lane == kLight) AddMostlyDeadPacks(due.view, limits, &due.plan);
    allowed = publisher_->write_totals().Allows(BytesOf(due.view, due.plan),
                                                limits.quiet_amplification);
  }
  absl::StatusOr<bool> merged = false;
  if (allowed) {
    merged = MergeOnce(
        publisher_, due, /*threads=*/1, limits.bytes_per_second,
        [this, quiet] { return stopping_.load() || (quiet && never_quiet_); });
  }
  const bool cancelled = absl::IsCancelled(merged.status());
  if (!merged.ok() && !cancelled) report_(merged.status());
  std::unique_lock lock(mutex_);
  for (const std::string& name : taken) busy_.erase(name);
  if (merged.ok()) return *merged;
  if (cancelled) return false;
  changed_.wait_for(lock, std::chrono::milliseconds(limits_.retry_ms),
                    [this] { return stopping_.load(); });
  // One of a quiet time can wait for the next.
  if (!quiet) due_[lane] = true;
  return false;
}

}  // namespace vitrine
