// Rows that are drawn to resemble a catalogue's, in any number.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/snapshot.h"
#include "common/index/table.h"
#include "vitrine/storage/records.pb.h"

namespace vitrine {

// Vectors n × dim, normalised by blocks and rounded to float16.
struct SyntheticRows {
  std::shared_ptr<const Snapshot> source;  // The index they resemble.
  std::vector<Block> blocks;
  int dim = 0;
  std::vector<uint16_t> rows;
  // Real vectors of photos by the validation senders: nothing is drawn from
  // them.
  std::vector<std::vector<float>> queries;
  std::vector<uint16_t> real;  // What rows were drawn from, …
  std::vector<storage::ProductRecord> products;  // … of which products, …
  std::vector<uint32_t> product_of;  // … and from whose each row, mostly.
};

// `n` rows that resemble the newest generation of `index`: between two real
// ones of one category, at a place of its own in 0.2 … 0.8 for each block, and
// noise. Senders, one a line of `split_file`, are those whose photos ask; where
// the index knows no senders, a fifth of the products does. FAILED_PRECONDITION
// where there are too few rows.
absl::StatusOr<SyntheticRows> DrawSyntheticRows(
    const std::filesystem::path& index, const std::filesystem::path& split_file,
    size_t n);

// The drawn rows for a shard, each of a product and a picture of its own; rows
// keep their order.
std::vector<Row> RowsOf(const SyntheticRows& drawn);

// Their products' records: title, category and attributes of the product that
// each was drawn from.
TableChanges ProductsOf(const SyntheticRows& drawn);

// How rows lie around queries.
struct Neighbourhood {
  double tenth = 0;  // 1 - similarity of the tenth nearest row, the median
  // The local intrinsic dimension by maximum likelihood over 100 neighbours
  // (Levina and Bickel 2004), the median.
  double intrinsic_dim = 0;
};
Neighbourhood NeighbourhoodOf(std::span<const uint16_t> rows, int dim,
                              const std::vector<std::vector<float>>& queries);

}  // namespace vitrine
