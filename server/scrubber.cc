#include "server/scrubber.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/thread_priority.h"
#include "server/call.h"

namespace vitrine {
Scrubber::~Scrubber() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Scrubber::Scrub(std::shared_ptr<const Snapshot> snapshot) {
  if (snapshot->verified()) return;
  const std::lock_guard lock(mutex_);
  next_ = std::move(snapshot);
  if (!thread_.joinable()) thread_ = std::thread([this] { Work(); });
  changed_.notify_all();
}

void Scrubber::Work() {
  LowerThreadPriority(19);
  while (true) {
    std::shared_ptr<const Snapshot> snapshot;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || next_ != nullptr; });
      if (stopping_) return;
      snapshot = std::move(next_);
    }
    const auto begin = std::chrono::steady_clock::now();
    const absl::Status status =
        snapshot->Verify([this] { return stopping_.load(); });
    if (!log_ || stopping_) continue;
    log_(status.ok()
             ? absl::StrCat("verified all of generation ",
                            snapshot->generation(), " in ",
                            static_cast<int>(MillisecondsSince(begin)), " ms")
             : absl::StrCat("verifying generation ", snapshot->generation(),
                            ": ", status.message()));
  }
}

}  // namespace vitrine
