// A shard as one generation has it, and which of its rows a query may find.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/index/bitmap.h"
#include "common/index/shard.h"

namespace vitrine {

// A shard and its dead rows in one generation.
struct LiveShard {
  std::shared_ptr<const Shard> shard;
  Bitmap dead;  // Empty where no row is dead.
  std::string deletions_name;

  bool IsLive(uint32_t row) const { return dead.size() == 0 || !dead.Get(row); }
};

// Live rows that a query may find, a bitmap a shard of the snapshot.
struct RowFilter {
  std::vector<Bitmap> rows;
  std::vector<uint32_t> counts;  // Of each bitmap, …
  uint64_t matching = 0;         // … and of all.

  // The next shard's.
  void Add(Bitmap of_shard) {
    counts.push_back(of_shard.Count());
    matching += counts.back();
    rows.push_back(std::move(of_shard));
  }
};

}  // namespace vitrine
