#include "common/index/filter_cache.h"

#include <utility>

namespace vitrine {
namespace {

size_t BytesOf(const RowFilter& filter) {
  size_t bytes = sizeof(RowFilter);
  for (const Bitmap& rows : filter.rows) {
    bytes += sizeof(Bitmap) + sizeof(uint32_t) + rows.words().size_bytes();
  }
  return bytes;
}

}  // namespace

std::shared_ptr<const RowFilter> FilterCache::Find(std::string_view key) {
  std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->filter;
}

std::shared_ptr<const RowFilter> FilterCache::Put(
    std::string key, std::shared_ptr<const RowFilter> filter) {
  const size_t bytes = sizeof(Entry) + key.size() + BytesOf(*filter);
  std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    return found->second->filter;
  }
  if (bytes > max_bytes_) return filter;
  while (bytes_ + bytes > max_bytes_) {
    bytes_ -= entries_.back().bytes;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({std::move(key), std::move(filter), bytes});
  by_key_[entries_.front().key] = entries_.begin();
  bytes_ += bytes;
  return entries_.front().filter;
}

size_t FilterCache::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace vitrine
