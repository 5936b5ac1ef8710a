// Comparing rows of a shard one after the other, for one query or for several
// at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/index/candidates.h"
#include "common/index/comparer.h"
#include "common/index/snapshot.h"

namespace vitrine {

// How far, in standard deviations of an estimate, one row may stand behind
// another and still be the nearer one: five of the difference of two, which are
// √2 times as large.
inline constexpr float kMisplaced = 7;

// What one query keeps of a shard. Not thread-safe; what it is made of must
// outlive it.
class ShardScan {
 public:
  // Keeps the best `kept` rows of the snapshot's shard `number`, of those up to
  // the order `reach`. Compares by codes at first, where `by_codes` is wished
  // and the shard has them.
  ShardScan(const Comparer& comparer, const Shard& shard, uint32_t number,
            size_t kept, float reach, bool by_codes);

  void Compare(std::span<const uint32_t> rows);
  // How many rows were compared.
  size_t compared() const { return compared_; }
  // The rows that may be among the best, some more than those or beyond reach,
  // with their exact orders. Ends the scan.
  std::vector<Candidate> Take();

 private:
  const Comparer& comparer_;
  const Shard& shard_;
  const uint32_t number_;
  const RowDistances distances_;
  const bool by_codes_;
  const float reach_;  // By codes: as their distances are.
  Best best_;
  // By codes: what was among the best when it came, or little behind.
  std::vector<Candidate> near_;
  std::vector<float> orders_;
  size_t compared_ = 0;
};

// Compares the rows of a shard that live and, where there is a filter, pass it.
// Each row is read once for all scans while it is in the cache.
void ScanRows(const LiveShard& live, const Bitmap* filter,
              std::span<ShardScan* const> scans);

}  // namespace vitrine
