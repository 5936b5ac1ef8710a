// How many products were deleted a short while ago; see ReconcileOptions.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

namespace vitrine {

// Not thread-safe.
class RecentDeletions {
 public:
  static constexpr int64_t kWindowMs = 10 * 60 * 1000;

  void Add(uint64_t products, int64_t now_unix_ms) {
    if (products == 0) return;
    recent_.emplace_back(now_unix_ms, products);
    sum_ += products;
  }

  // Those of the last ten minutes.
  uint64_t Count(int64_t now_unix_ms) {
    while (!recent_.empty() &&
           recent_.front().first <= now_unix_ms - kWindowMs) {
      sum_ -= recent_.front().second;
      recent_.pop_front();
    }
    return sum_;
  }

 private:
  std::deque<std::pair<int64_t, uint64_t>> recent_;
  uint64_t sum_ = 0;
};

}  // namespace vitrine
