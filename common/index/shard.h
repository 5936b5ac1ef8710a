// An immutable set of rows, ordered by (product id, image key), with or without
// a graph.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/hash.h"
#include "common/index/graph.h"
#include "common/index/section_file.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// One picture with its vector, on its way into a shard.
struct Row {
  std::string product_id;
  std::string image_key;
  Sha256Digest sha256{};
  std::vector<uint16_t> vector;  // dim float16 numbers, normalised by blocks.
};

// What identifies a row of an open shard; valid as long as the shard.
struct RowKey {
  std::string_view product_id;
  std::string_view image_key;
  std::string_view sha256;  // 32 bytes.
};

// A row that lies elsewhere; valid as long as what it points into.
struct RowView {
  RowKey key;
  const uint16_t* vector;  // dim float16 numbers, normalised by blocks.
};

class Shard;

// Publishes `rows`, vectors of `blocks`, as a shard; sorts them. With `graph`,
// codes them and builds an HNSW graph for its metric, from that of `base` where
// one is given; otherwise the shard is flat. CANCELLED where the graph had to
// stop. No (product id, image key) may occur twice, and the rows must not be
// empty.
absl::StatusOr<storage::FileRef> WriteShard(const std::filesystem::path& path,
                                            const std::vector<Block>& blocks,
                                            std::vector<RowView> rows,
                                            const GraphParams* graph,
                                            const Shard* base = nullptr);
absl::StatusOr<storage::FileRef> WriteShard(const std::filesystem::path& path,
                                            const std::vector<Block>& blocks,
                                            const std::vector<Row>& rows,
                                            const GraphParams* graph);

// An open shard. Immutable and thread-safe.
class Shard {
 public:
  // DATA_LOSS where anything that is verified is damaged or out of bounds,
  // FAILED_PRECONDITION for another dim or a future version.
  static absl::StatusOr<std::shared_ptr<const Shard>> Open(
      const std::filesystem::path& path, const storage::FileRef& ref, int dim,
      Verification verification = Verification::kAll);
  // As SectionFile::Verify.
  absl::Status Verify(const StopRequested& stop) const;
  const SectionFile& file() const { return *file_; }

  const std::string& name() const { return name_; }
  uint32_t rows() const { return rows_; }
  int dim() const { return dim_; }
  RowKey key(uint32_t row) const;
  // dim float16 numbers.
  const uint16_t* vector(uint32_t row) const {
    return vectors_.data() + static_cast<size_t>(row) * dim_;
  }
  // All vectors, rows × dim.
  std::span<const uint16_t> vectors() const { return vectors_; }
  // Codes of the vectors, rows × dim, and their ranges; none in a flat shard,
  // and in one that a version before codes has written.
  std::span<const uint8_t> codes() const { return codes_; }
  std::span<const float> code_ranges() const { return code_ranges_; }
  // The rows of a product, as [first, last).
  std::pair<uint32_t, uint32_t> RowsOf(std::string_view product_id) const;
  // Null for a flat shard.
  const GraphView* graph() const { return has_graph_ ? &graph_ : nullptr; }
  // What the graph's edges minimise.
  GraphSpace graph_space() const { return graph_space_; }

  struct KeyRecord;  // As it lies in the file.

 private:
  Shard() = default;
  // All of Open but Verify.
  static absl::StatusOr<std::shared_ptr<const Shard>> OpenStructure(
      const std::filesystem::path& path, const storage::FileRef& ref, int dim,
      Verification verification);
  absl::Status CheckRecords(const StopRequested& stop) const;

  std::string name_;
  std::unique_ptr<SectionFile> file_;
  uint32_t rows_ = 0;
  int dim_ = 0;
  std::span<const KeyRecord> keys_;
  std::string_view strings_;
  std::span<const uint16_t> vectors_;
  std::span<const uint8_t> codes_;
  std::span<const float> code_ranges_;
  bool has_graph_ = false;
  GraphSpace graph_space_ = GraphSpace::kDot;
  GraphView graph_;
};

}  // namespace vitrine
