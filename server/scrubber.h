// Verifies, in the background, what was served before all of it was verified.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

#include "common/index/snapshot.h"

namespace vitrine {

// One thread, which runs where no other wants the processor. Thread-safe.
class Scrubber {
 public:
  // `log` gets one line for people, without its end, from the scrubber's
  // thread; it may be empty.
  explicit Scrubber(std::function<void(std::string_view line)> log)
      : log_(std::move(log)) {}
  // Stops before the end of what is being verified.
  ~Scrubber();
  Scrubber(const Scrubber&) = delete;
  Scrubber& operator=(const Scrubber&) = delete;

  // Verifies a snapshot that is not verified, after the one that is being
  // verified, and in place of those that wait: what they share is not verified
  // twice. The snapshot's CheckFiles tells of what is found.
  void Scrub(std::shared_ptr<const Snapshot> snapshot);

 private:
  void Work();

  const std::function<void(std::string_view line)> log_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const Snapshot> next_;
  std::thread thread_;  // Started when there is something to do.
};

}  // namespace vitrine
