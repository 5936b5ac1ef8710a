#include "common/index/shard_scan.h"

#include <algorithm>
#include <array>
#include <utility>

namespace vitrine {
namespace {

// Their codes stay in a core's own cache while several queries read them.
constexpr size_t kScannedAtOnce = 256;

}  // namespace

ShardScan::ShardScan(const Comparer& comparer, const Shard& shard,
                     uint32_t number, size_t kept, float reach, bool by_codes)
    : comparer_(comparer),
      shard_(shard),
      number_(number),
      distances_(comparer, shard),
      by_codes_(by_codes && distances_.coded()),
      reach_(by_codes_ ? reach - distances_.constant() : reach),
      best_(kept),
      orders_(kScannedAtOnce) {}

void ShardScan::Compare(std::span<const uint32_t> rows) {
  compared_ += rows.size();
  if (!by_codes_) {
    for (uint32_t row : rows) {
      const float order = comparer_.Order(shard_.vector(row));
      if (order <= reach_) best_.Offer({order, number_, row});
    }
    return;
  }
  orders_.resize(rows.size());
  distances_(rows.data(), rows.size(), orders_.data());
  const float margin = kMisplaced * distances_.error();
  for (size_t i = 0; i < rows.size(); ++i) {
    const float last = best_.full() ? std::min(best_.last(), reach_) : reach_;
    if (orders_[i] > last + margin) continue;
    near_.push_back({orders_[i], number_, rows[i]});
    best_.Offer(near_.back());
  }
}

std::vector<Candidate> ShardScan::Take() {
  if (!by_codes_) return best_.Take();
  if (near_.empty()) return {};
  const float last = best_.last() + kMisplaced * distances_.error();
  std::erase_if(near_,
                [last](const Candidate& one) { return one.order > last; });
  for (Candidate& candidate : near_)
    candidate.order = comparer_.Order(shard_.vector(candidate.row));
  return std::move(near_);
}

void ScanRows(const LiveShard& live, const Bitmap* filter,
              std::span<ShardScan* const> scans) {
  std::array<uint32_t, kScannedAtOnce> rows;
  size_t count = 0;
  auto compare = [&] {
    for (ShardScan* scan : scans) scan->Compare({rows.data(), count});
    count = 0;
  };
  auto visit = [&](uint32_t row) {
    rows[count++] = row;
    if (count == kScannedAtOnce) compare();
  };
  if (filter != nullptr) {
    filter->ForEach(visit);
  } else {
    for (uint32_t row = 0; row < live.shard->rows(); ++row) {
      if (live.IsLive(row)) visit(row);
    }
  }
  compare();
}

}  // namespace vitrine
