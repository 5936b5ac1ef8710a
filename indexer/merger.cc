#include "indexer/merger.h"

#include <chrono>
#include <utility>

#include "common/base/status.h"
#include "common/base/thread_priority.h"

namespace vitrine {
namespace {

constexpr std::chrono::seconds kAfterFailure(30);

}  // namespace

absl::StatusOr<bool> MergeOnce(Publisher* publisher, const DueMerge& due,
                               int threads, const StopRequested& stop) {
  if (due.plan.empty()) return false;
  MergePlan plan = due.plan;
  plan.now_unix_ms = publisher->NowUnixMs();
  VITRINE_ASSIGN_OR_RETURN(
      const MergeOutput output,
      RunMerge(publisher->paths(), due.view, plan, threads, stop,
               [publisher] { return publisher->NewFileName(); }));
  const absl::Status committed = publisher->Commit(output).status();
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
                             MergeOnce(publisher, due, threads, stop));
    if (!merged) return absl::OkStatus();
  }
}

Merger::Merger(Publisher* publisher, const MergeLimits& limits,
               std::function<void(const absl::Status&)> report)
    : publisher_(publisher), report_(std::move(report)), limits_(limits) {
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
  due_[kLight] = due_[kGraph] = true;
  changed_.notify_all();
}

void Merger::SetLimits(const MergeLimits& limits) {
  {
    std::lock_guard lock(mutex_);
    limits_ = limits;
  }
  Wake();
}

bool Merger::WaitUntilIdle(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] {
    return !due_[kLight] && !due_[kGraph] && !running_[kLight] &&
           !running_[kGraph];
  });
}

void Merger::Run(Lane lane) {
  // Fresh pictures go first.
  LowerThreadPriority(10);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || due_[lane]; });
    if (stopping_) return;
    due_[lane] = false;
    running_[lane] = true;
    lock.unlock();
    const bool merged = MergeInLane(lane);
    lock.lock();
    running_[lane] = false;
    // A merge may make another one due, in either lane.
    if (merged) due_[kLight] = due_[kGraph] = true;
    changed_.notify_all();
  }
}

bool Merger::MergeInLane(Lane lane) {
  DueMerge due;
  std::set<std::string> taken;
  {
    std::lock_guard lock(mutex_);
    // Taken under the lock: what is not busy here has been committed there.
    due.view = publisher_->view();
    due.plan = lane == kGraph ? PlanGraphMerge(due.view, limits_, busy_)
                              : PlanLightMerge(due.view, limits_, busy_);
    for (const LiveShard& live : due.plan.shards) {
      taken.insert(live.shard->name());
    }
    busy_.insert(taken.begin(), taken.end());
  }
  const absl::StatusOr<bool> merged =
      MergeOnce(publisher_, due, 1, [this] { return stopping_.load(); });
  if (!merged.ok() && !absl::IsCancelled(merged.status()))
    report_(merged.status());
  std::unique_lock lock(mutex_);
  for (const std::string& name : taken) busy_.erase(name);
  if (merged.ok()) return *merged;
  changed_.wait_for(lock, kAfterFailure, [this] { return stopping_.load(); });
  due_[lane] = true;
  return false;
}

}  // namespace vitrine
