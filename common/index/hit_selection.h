// Which of the rows that rank best become hits, where nearly identical pictures
// are to be collapsed or hits are to be diverse.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/index/product_record.h"
#include "common/index/search.h"
#include "common/index/snapshot.h"

namespace vitrine {

// Pictures that are at least so similar, all blocks at their own weights, are
// nearly identical. Among 3,890 real photos two pairs were; between 0.98 and
// 0.99 there were 19 pairs, of different products.
inline constexpr float kNearlyIdentical = 0.99F;

// So many are told of one hit.
inline constexpr size_t kMaxNearDuplicates = 100;

// Of one query. Not thread-safe; what it is made of must outlive it.
class HitSelection {
 public:
  HitSelection(const Snapshot& snapshot, const SearchParams& params);

  // Begins anew, with no hit.
  void Begin();
  // Takes a row as the next hit, whatever the limits.
  void Add(const Shard& shard, uint32_t row) {
    Add(shard, row, ValuesOf(shard.key(row).product_id));
  }
  // Whether a row, which comes after all hits so far, becomes the next hit. One
  // that is nearly identical to a hit is added to that hit's duplicates.
  bool Admit(const Shard& shard, uint32_t row, std::vector<SearchHit>* hits);

 private:
  // The values of a product, a list for each limit.
  using Values = std::vector<std::vector<std::string>>;

  void Add(const Shard& shard, uint32_t row, Values values);
  // The hit that a row is a duplicate of.
  std::optional<size_t> DuplicateOf(const Shard& shard, uint32_t row,
                                    const std::vector<SearchHit>& hits) const;
  Values ValuesOf(std::string_view product_id) const;
  // Whether one of them stands as often as it may.
  bool IsFull(const Values& values) const;

  const Snapshot& snapshot_;
  const SearchParams& params_;
  std::vector<std::vector<float>> vectors_;  // Of the hits, for duplicates.
  // For each limit, how many hits have a value.
  std::vector<std::map<std::string, int, std::less<>>> counts_;
};

}  // namespace vitrine
