// The rows that a search keeps on its way to an answer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "common/index/snapshot.h"

namespace vitrine {

// A row of a snapshot's shard, and by what the answer is ordered.
struct Candidate {
  float order;
  uint32_t shard;
  uint32_t row;
};

// The `wanted` least of what is offered; ties go to the lower row, which has
// the lower product id.
class Best {
 public:
  explicit Best(size_t wanted) : wanted_(wanted) {}
  void Offer(const Candidate& candidate) {
    if (heap_.size() == wanted_) {
      if (!Less(candidate, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), Less);
      heap_.back() = candidate;
    } else {
      heap_.push_back(candidate);
    }
    std::push_heap(heap_.begin(), heap_.end(), Less);
  }
  std::vector<Candidate> Take() { return std::move(heap_); }
  bool full() const { return heap_.size() == wanted_; }
  // The order of the last of them; at least one was offered.
  float last() const { return heap_.front().order; }

 private:
  static bool Less(const Candidate& a, const Candidate& b) {
    return a.order != b.order ? a.order < b.order : a.row < b.row;
  }
  size_t wanted_;
  std::vector<Candidate> heap_;
};

// The order of an answer; ties go by product id, then image key.
struct ComesBefore {
  const Snapshot& snapshot;

  bool operator()(const Candidate& a, const Candidate& b) const {
    if (a.order != b.order) return a.order < b.order;
    const RowKey x = snapshot.shards()[a.shard].shard->key(a.row);
    const RowKey y = snapshot.shards()[b.shard].shard->key(b.row);
    return std::tie(x.product_id, x.image_key) <
           std::tie(y.product_id, y.image_key);
  }
};

}  // namespace vitrine
