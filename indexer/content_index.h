// Which content an index already holds, so that a picture that was moved, or
// came twice, is not embedded again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/index/snapshot.h"

namespace vitrine {

// Immutable and thread-safe; keeps its shards open.
class ContentIndex {
 public:
  // Of all rows of a snapshot, dead ones included: their vectors are as good.
  // Reads only the shards that `previous` has not.
  static std::shared_ptr<const ContentIndex> Build(
      const Snapshot& snapshot, const ContentIndex* previous);

  // The vector of a picture by the 32 bytes of its SHA-256; empty where there
  // is none. Valid as long as the index.
  std::span<const uint16_t> FindVector(std::string_view sha256) const;
  // The products of all its rows, each once a row.
  std::vector<std::string> FindProducts(std::string_view sha256) const;

 private:
  // Calls visit(shard, row) with each row of a content until it returns false.
  template <typename Visit>
  void ForEachRow(std::string_view sha256, const Visit& visit) const;

  struct Entry {
    uint64_t prefix;  // The first 8 bytes of the SHA-256.
    uint32_t row;
  };
  struct Part {
    std::shared_ptr<const Shard> shard;
    std::shared_ptr<const std::vector<Entry>> entries;  // By prefix.
  };

  static uint64_t PrefixOf(std::string_view sha256);
  static std::vector<Entry> EntriesOf(const Shard& shard);

  std::vector<Part> parts_;
};

}  // namespace vitrine
