// How a snapshot's shards are made up, in numbers.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/index/snapshot.h"

namespace vitrine {

struct ShardCounts {
  uint64_t graphs = 0;
  uint64_t flat = 0;
  uint64_t dead_rows = 0;  // Deleted or replaced.
};

inline ShardCounts CountShards(const Snapshot& snapshot) {
  ShardCounts counts;
  uint64_t rows = 0;
  for (const LiveShard& live : snapshot.shards()) {
    rows += live.shard->rows();
    ++(live.shard->graph() != nullptr ? counts.graphs : counts.flat);
  }
  counts.dead_rows = rows - std::min(rows, snapshot.images());
  return counts;
}

}  // namespace vitrine
