// Which part of a catalogue a product belongs to, where that is cut into
// several.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace vitrine {

inline constexpr uint32_t kMostPartitions = 1024;

// The part of a product among `of`: the XXH3-64 of its id, seed 0, modulo `of`.
// Indexes and streams are cut by it, so that it never changes.
uint32_t PartitionOf(std::string_view product_id, uint32_t of);

struct Partition {
  uint32_t number = 0;  // From 0 on.
  uint32_t of = 1;      // 1: there is one part, which is the whole.

  bool operator==(const Partition&) const = default;
  bool is_whole() const { return of == 1; }
  bool Has(std::string_view product_id) const {
    return is_whole() || PartitionOf(product_id, of) == number;
  }
  std::string Name() const;  // "0/3"
};

// Reads "0/3", or several of them as "0,2/3" or "all/3"; each once, in the
// order that they are given. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<std::vector<Partition>> ParsePartitions(std::string_view text);

// `text` with the partition's number for each "{partition}".
std::string FillPartition(std::string_view text, const Partition& partition);
// Whether there is one.
bool HasPartitionPlace(std::string_view text);

}  // namespace vitrine
