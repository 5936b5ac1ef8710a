#include "indexer/content_index.h"

#include <algorithm>
#include <cstring>

namespace vitrine {

uint64_t ContentIndex::PrefixOf(std::string_view sha256) {
  uint64_t prefix = 0;
  std::memcpy(&prefix, sha256.data(), std::min(sizeof(prefix), sha256.size()));
  return prefix;
}

std::vector<ContentIndex::Entry> ContentIndex::EntriesOf(const Shard& shard) {
  std::vector<Entry> entries;
  entries.reserve(shard.rows());
  for (uint32_t row = 0; row < shard.rows(); ++row) {
    entries.push_back({PrefixOf(shard.key(row).sha256), row});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.prefix < b.prefix; });
  return entries;
}

std::shared_ptr<const ContentIndex> ContentIndex::Build(
    const Snapshot& snapshot, const ContentIndex* previous) {
  auto index = std::make_shared<ContentIndex>();
  for (const LiveShard& live : snapshot.shards()) {
    Part part{live.shard, nullptr};
    if (previous != nullptr) {
      for (const Part& known : previous->parts_) {
        if (known.shard->name() == live.shard->name())
          part.entries = known.entries;
      }
    }
    if (part.entries == nullptr) {
      part.entries =
          std::make_shared<std::vector<Entry>>(EntriesOf(*live.shard));
    }
    index->parts_.push_back(std::move(part));
  }
  return index;
}

template <typename Visit>
void ContentIndex::ForEachRow(std::string_view sha256,
                              const Visit& visit) const {
  const uint64_t prefix = PrefixOf(sha256);
  for (const Part& part : parts_) {
    auto entry = std::lower_bound(
        part.entries->begin(), part.entries->end(), prefix,
        [](const Entry& e, uint64_t wanted) { return e.prefix < wanted; });
    for (; entry != part.entries->end() && entry->prefix == prefix; ++entry) {
      if (part.shard->key(entry->row).sha256 == sha256 &&
          !visit(*part.shard, entry->row)) {
        return;
      }
    }
  }
}

std::span<const uint16_t> ContentIndex::FindVector(
    std::string_view sha256) const {
  std::span<const uint16_t> vector;
  ForEachRow(sha256, [&vector](const Shard& shard, uint32_t row) {
    vector = {shard.vector(row), static_cast<size_t>(shard.dim())};
    return false;
  });
  return vector;
}

std::vector<std::string> ContentIndex::FindProducts(
    std::string_view sha256) const {
  std::vector<std::string> products;
  ForEachRow(sha256, [&products](const Shard& shard, uint32_t row) {
    products.emplace_back(shard.key(row).product_id);
    return true;
  });
  return products;
}

}  // namespace vitrine
