// Codes and graphs in memory, for tests; a shard has them in its file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "common/index/graph.h"
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

// A graph with its arrays.
struct Graph : GraphShape {
  std::vector<uint32_t> level0;
  std::vector<uint32_t> upper_start;
  std::vector<uint32_t> upper;
};

inline absl::StatusOr<Graph> BuildArrays(const CodedRows& rows,
                                         const GraphParams& params,
                                         const GraphBase* base = nullptr) {
  VITRINE_ASSIGN_OR_RETURN(const auto built, BuildGraph(rows, params, base));
  Graph graph{built->shape(), {}, {}, {}};
  const auto append_to = [](std::vector<uint32_t>* array) {
    return [array](std::span<const uint32_t> piece) {
      array->insert(array->end(), piece.begin(), piece.end());
      return absl::OkStatus();
    };
  };
  VITRINE_RETURN_IF_ERROR(built->WriteLevel0(append_to(&graph.level0)));
  VITRINE_RETURN_IF_ERROR(
      built->WriteUpperStart(append_to(&graph.upper_start)));
  VITRINE_RETURN_IF_ERROR(built->WriteUpper(append_to(&graph.upper)));
  return graph;
}

}  // namespace vitrine
