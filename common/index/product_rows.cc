#include "common/index/product_rows.h"

#include <algorithm>
#include <utility>

namespace vitrine {
namespace {

// The first of [begin, end) for which `before` is false, in steps that double:
// near `begin` it costs little, and never more than twice a binary search.
template <typename Before>
uint32_t Gallop(uint32_t begin, uint32_t end, const Before& before) {
  uint32_t step = 1;
  while (step < end - begin && before(begin + step)) {
    begin += step;
    step *= 2;
  }
  uint32_t last = begin + std::min(step, end - begin);
  while (begin < last) {
    const uint32_t middle = begin + (last - begin) / 2;
    if (before(middle)) {
      begin = middle + 1;
    } else {
      last = middle;
    }
  }
  return begin;
}

std::string_view KeyAt(const Shard& shard, uint32_t row) {
  return shard.key(row).product_id;
}
std::string_view KeyAt(const TableSegment& table, uint32_t entry) {
  return table.entry(entry).key;
}
uint32_t SizeOf(const Shard& shard) { return shard.rows(); }
uint32_t SizeOf(const TableSegment& table) { return table.size(); }

// Calls visit(i, entry) for each row or entry of `ordered` whose product is a
// key of `table`. Both are ordered by product id.
template <typename Ordered, typename Visit>
void ForEachPair(const Ordered& ordered, const TableSegment& table,
                 const Visit& visit) {
  uint32_t i = 0;
  uint32_t entry = 0;
  while (i < SizeOf(ordered) && entry < table.size()) {
    const std::string_view id = KeyAt(ordered, i);
    const std::string_view key = KeyAt(table, entry);
    if (id < key) {
      i = Gallop(i, SizeOf(ordered),
                 [&](uint32_t at) { return KeyAt(ordered, at) < key; });
    } else if (key < id) {
      entry = Gallop(entry, table.size(),
                     [&](uint32_t at) { return KeyAt(table, at) < id; });
    } else {
      visit(i++, entry);
    }
  }
}

// How many of the first segments are the same.
size_t CommonSegments(const ProductSegments& a, const ProductSegments& b) {
  return static_cast<size_t>(
      std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

RecordSet NewestRecords(const ProductSegments& segments,
                        const ProductSegments& known_segments,
                        const RecordSet& known) {
  size_t kept = CommonSegments(segments, known_segments);
  // What a segment that is gone had replaced may be the newest again.
  if (kept < known_segments.size()) kept = 0;
  RecordSet newest(known.begin(), known.begin() + static_cast<ptrdiff_t>(kept));
  for (size_t s = kept; s < segments.size(); ++s) {
    for (size_t older = 0; older < s; ++older) {
      ForEachPair(
          segments[older]->table(), segments[s]->table(),
          [&](uint32_t entry, uint32_t) { newest[older].Clear(entry); });
    }
    newest.push_back(segments[s]->columns().products());
  }
  return newest;
}

ProductRows::ProductRows(const std::vector<LiveShard>& shards,
                         ProductSegments segments, const ProductRows* previous)
    : segments_(std::move(segments)) {
  first_.push_back(0);
  for (const auto& segment : segments_) {
    first_.push_back(first_.back() + (segment->table().size() + 63) / 64 * 64);
  }
  size_t kept = 0;
  bool any_removed = false;
  if (previous != nullptr) {
    kept = CommonSegments(segments_, previous->segments_);
    any_removed = kept < previous->segments_.size();
  }
  for (const LiveShard& live : shards) {
    std::shared_ptr<const std::vector<uint32_t>> known;
    // Where no segment is left, all is to be joined anew.
    if (previous != nullptr && kept > 0) {
      const auto joined = std::find_if(
          previous->shards_.begin(), previous->shards_.end(),
          [&](const JoinedShard& one) { return one.shard == live.shard; });
      if (joined != previous->shards_.end()) known = joined->records;
    }
    shards_.push_back(
        {live.shard, Join(*live.shard, known, kept, any_removed)});
  }
}

std::shared_ptr<const std::vector<uint32_t>> ProductRows::Join(
    const Shard& shard,
    const std::shared_ptr<const std::vector<uint32_t>>& known, size_t kept,
    bool any_removed) const {
  // Copied at the first change.
  std::shared_ptr<std::vector<uint32_t>> records;
  auto change = [&]() -> std::vector<uint32_t>& {
    if (records == nullptr) {
      records =
          known == nullptr
              ? std::make_shared<std::vector<uint32_t>>(shard.rows(), kNoRecord)
              : std::make_shared<std::vector<uint32_t>>(*known);
    }
    return *records;
  };
  if (known == nullptr) {
    kept = 0;
    change();
  } else if (any_removed) {
    // What segments said that are gone now is said by the merged ones, or,
    // where those have dropped a deletion, by an older one.
    for (uint32_t& record : change()) {
      if (record != kNoRecord && record >= first_[kept]) record = kStale;
    }
  }
  for (size_t s = kept; s < segments_.size(); ++s) {
    ForEachPair(shard, segments_[s]->table(),
                [&](uint32_t row, uint32_t entry) {
                  change()[row] = first_[s] + entry;
                });
  }
  if (known != nullptr && any_removed) {
    for (uint32_t row = 0; row < shard.rows(); ++row) {
      if ((*records)[row] == kStale) {
        (*records)[row] = Find(shard.key(row).product_id, kept);
      }
    }
  }
  if (records == nullptr) return known;
  return records;
}

uint32_t ProductRows::Find(std::string_view product_id, size_t segments) const {
  for (size_t s = segments; s-- > 0;) {
    const TableSegment& table = segments_[s]->table();
    const uint32_t entry = table.LowerBound(product_id);
    if (entry < table.size() && table.entry(entry).key == product_id) {
      return first_[s] + entry;
    }
  }
  return kNoRecord;
}

}  // namespace vitrine
