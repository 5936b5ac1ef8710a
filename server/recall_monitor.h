// How much of the right answer is really found: a small share of the answers is
// compared with exact scans, behind the callers' backs.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/index/search.h"
#include "server/query.h"

namespace vitrine {

// Thread-safe.
class RecallMonitor {
 public:
  // Compares `share` of the answers that graphs were walked for, 0 to 1, in a
  // thread of low priority, and fewer where that would take more than
  // half a per cent of a core; with 1, as many as it can.
  explicit RecallMonitor(double share);
  // Drops what waits.
  ~RecallMonitor();
  RecallMonitor(const RecallMonitor&) = delete;
  RecallMonitor& operator=(const RecallMonitor&) = delete;

  // Perhaps takes a copy of an answer to compare. Never waits: while another
  // one is in hand, this one is left out.
  void Offer(const std::shared_ptr<const Snapshot>& snapshot,
             const Query& query, const SearchResult& result);

  // What was found by queries that a share of the rows matched.
  struct Found {
    double from = 0;  // More than this share of the rows, …
    double to = 1;    // … up to this one.
    int64_t queries = 0;
    double recall = 0;  // Their mean.
  };
  // Where any was compared, the largest shares first.
  std::vector<Found> found() const;

  // Returns when nothing is in hand.
  void WaitUntilIdle();

 private:
  // A query that outlives its request, and its answer.
  struct Comparison {
    std::shared_ptr<const Snapshot> snapshot;
    std::vector<float> vector;
    std::shared_ptr<const RowFilter> rows;
    std::vector<std::string> excluded_products;
    SearchParams params;
    std::optional<SearchHit> first;
    SearchResult result;
  };
  static constexpr std::array<double, 6> kUpTo = {1,    0.5,   0.1,
                                                  0.01, 0.001, 0.0001};

  void Run();
  void Compare(const Comparison& comparison);

  const double share_;

  mutable std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::optional<Comparison> waiting_;
  bool busy_ = false;
  std::chrono::steady_clock::time_point rests_until_;
  bool stopping_ = false;
  std::array<int64_t, kUpTo.size()> queries_{};
  std::array<double, kUpTo.size()> recalls_{};  // Sums.

  std::thread thread_;
};

}  // namespace vitrine
