// Codes in memory, for tests; a shard has them in its file.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/vector/blocks.h"
#include "common/vector/codes.h"

namespace vitrine {

// Rows in codes, with the codes.
struct EncodedRows : CodedRows {
  EncodedRows() = default;
  EncodedRows(EncodedRows&&) = default;
  EncodedRows& operator=(EncodedRows&&) = default;

  std::vector<uint8_t> bytes;
};

// Codes n × TotalDim(blocks) float16 rows.
inline EncodedRows EncodeRows(const std::vector<Block>& blocks,
                              std::span<const uint16_t> vectors) {
  const auto dim = static_cast<size_t>(TotalDim(blocks));
  CodeRanges ranges(blocks);
  for (size_t at = 0; at < vectors.size(); at += dim) ranges.Add(&vectors[at]);
  EncodedRows coded;
  coded.blocks = blocks;
  coded.ranges = ranges.Get();
  coded.bytes.resize(vectors.size());
  for (size_t at = 0; at < vectors.size(); at += dim) {
    EncodeRow(blocks, coded.ranges, &vectors[at], &coded.bytes[at]);
  }
  coded.codes = coded.bytes;
  return coded;
}

}  // namespace vitrine
