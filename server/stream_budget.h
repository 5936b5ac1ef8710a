// What all streams of a server hold together.
#pragma once

#include <atomic>
#include <cstddef>

#include "absl/status/status.h"

namespace vitrine {

// Each stream has bounds of its own; callers who do not read, on many streams,
// are bounded by this. Thread-safe.
class StreamBudget {
 public:
  struct Limits {
    int streams = 256;
    // From here on, a stream reads no second batch while it answers one, …
    size_t much_bytes = size_t{256} << 20;
    // … and one that holds more ends.
    size_t most_bytes = size_t{768} << 20;
  };

  StreamBudget() : StreamBudget(Limits()) {}
  explicit StreamBudget(const Limits& limits) : limits_(limits) {}

  // What one stream holds, as long as it lives.
  class Share {
   public:
    explicit Share(StreamBudget* budget) : budget_(*budget) {
      ++budget_.streams_;
    }
    ~Share() {
      Set(0);
      --budget_.streams_;
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // False where this stream grows, and all hold more than `most_bytes` then.
    // One call at a time.
    bool Set(size_t bytes);
    bool MayHoldMore() const {
      return budget_.bytes_ < budget_.limits_.much_bytes;
    }

   private:
    StreamBudget& budget_;
    size_t bytes_ = 0;
  };

  size_t bytes() const { return bytes_; }
  // RESOURCE_EXHAUSTED where one more stream is too many.
  absl::Status CheckRoom() const;
  // What a stream that holds too much ends with.
  absl::Status Full() const;

 private:
  const Limits limits_;
  std::atomic<int> streams_ = 0;
  std::atomic<size_t> bytes_ = 0;
  std::atomic<bool> held_much_ = false;  // Since it held little.
};

}  // namespace vitrine
