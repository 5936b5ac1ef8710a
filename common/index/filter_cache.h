// Filters that recur, kept as the rows that they let through.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "common/index/live_shard.h"

namespace vitrine {

// Thread-safe.
class FilterCache {
 public:
  static constexpr size_t kMaxBytes = 64 << 20;

  // Keys and bitmaps take at most `max_bytes`; what was not asked for longest
  // goes first.
  explicit FilterCache(size_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

  // Null where it has none.
  std::shared_ptr<const RowFilter> Find(std::string_view key);
  // The filter that is kept under the key from now on: that of the first of
  // several who put one. One that is too large by itself is not kept.
  std::shared_ptr<const RowFilter> Put(std::string key,
                                       std::shared_ptr<const RowFilter> filter);

  size_t bytes() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const RowFilter> filter;
    size_t bytes;
  };

  const size_t max_bytes_;
  mutable std::mutex mutex_;
  size_t bytes_ = 0;
  std::list<Entry> entries_;  // The last used first.
  // Keys belong to the entries.
  absl::flat_hash_map<std::string_view, std::list<Entry>::iterator> by_key_;
};

}  // namespace vitrine
