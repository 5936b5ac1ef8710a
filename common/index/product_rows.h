// Which record each row of a snapshot belongs to, the join of shards and the
// product table; and which records no newer one replaces.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/index/live_shard.h"
#include "common/index/product_columns.h"

namespace vitrine {

using ProductSegments = std::vector<std::shared_ptr<const ProductSegment>>;
// Records of the product table, a bitmap a segment.
using RecordSet = std::vector<Bitmap>;

// The records that tell what a product is: no deletions, and none of a product
// that a newer segment knows. Segments are oldest first. What `known` tells,
// the answer for `known_segments`, is copied where segments were only added
// since.
RecordSet NewestRecords(const ProductSegments& segments,
                        const ProductSegments& known_segments,
                        const RecordSet& known);

// Records are numbered through all segments, oldest segment first, each
// segment's from a multiple of 64 on, so that bitmaps of segments make up one
// of all records. Immutable and thread-safe.
class ProductRows {
 public:
  static constexpr uint32_t kNoRecord = UINT32_MAX;

  // Segments are oldest first. What `previous`, which may be null, has joined
  // is copied, and only what has changed since is joined anew.
  ProductRows(const std::vector<LiveShard>& shards, ProductSegments segments,
              const ProductRows* previous);

  const ProductSegments& segments() const { return segments_; }
  // The number of the first record of a segment.
  uint32_t first(size_t segment) const { return first_[segment]; }
  // Past the last record, a multiple of 64.
  uint32_t records() const { return first_.back(); }

  // For each row of a shard, dead ones too, the newest record of its product,
  // which may be a deletion; kNoRecord where it has none.
  const std::vector<uint32_t>& of_shard(size_t shard) const {
    return *shards_[shard].records;
  }
  // The same for a product.
  uint32_t Find(std::string_view product_id) const {
    return Find(product_id, segments_.size());
  }

 private:
  // Of a segment that is gone.
  static constexpr uint32_t kStale = kNoRecord - 1;

  struct JoinedShard {
    std::shared_ptr<const Shard> shard;
    std::shared_ptr<const std::vector<uint32_t>> records;
  };

  // The join of a shard; `known`, which may be null, is of the same shard, and
  // right but for the segments after the first `kept` of then and now.
  std::shared_ptr<const std::vector<uint32_t>> Join(
      const Shard& shard,
      const std::shared_ptr<const std::vector<uint32_t>>& known, size_t kept,
      bool any_removed) const;

  // The newest record of a product in the first `segments` segments.
  uint32_t Find(std::string_view product_id, size_t segments) const;

  const ProductSegments segments_;
  std::vector<uint32_t> first_;  // Of each segment, and past the last.
  std::vector<JoinedShard> shards_;
};

}  // namespace vitrine
