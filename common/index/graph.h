// HNSW graphs (Malkov and Yashunin, arXiv 1603.09320): hnswlib builds them,
// shards hold them in our own layout, and GraphView walks them where they lie.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace vitrine {

// What the edges of a graph minimise.
enum class GraphSpace : uint32_t { kDot = 1, kL1 = 2 };

struct GraphParams {
  GraphSpace space = GraphSpace::kDot;
  int m = 16;  // Links a node on upper levels; twice as many on level 0.
  int ef_construction = 200;
  int threads = 1;
};

// A graph over rows 0 … n - 1.
struct Graph {
  GraphSpace space = GraphSpace::kDot;
  uint32_t entry = 0;
  uint32_t max_level = 0;
  uint32_t level0_stride = 0;  // 1 + links: a count, then row numbers.
  uint32_t upper_stride = 0;
  std::vector<uint32_t> level0;       // n × level0_stride.
  std::vector<uint32_t> upper_start;  // n + 1: where a row's upper levels
                                      // begin, in units of upper_stride.
  std::vector<uint32_t> upper;
};

// Builds the graph of n × dim float16 rows.
absl::StatusOr<Graph> BuildGraph(std::span<const uint16_t> vectors, int dim,
                                 const GraphParams& params);

// The k nearest rows by hnswlib's own search over a graph that it has just
// built of the same rows: what GraphView must equal. For tests and benchmarks.
absl::StatusOr<std::vector<std::vector<uint32_t>>> SearchWithHnswlib(
    std::span<const uint16_t> vectors, int dim, const GraphParams& params,
    std::span<const float> queries, int k, int ef);

// A graph in a mapped file. Immutable and thread-safe.
class GraphView {
 public:
  struct Candidate {
    float distance;
    uint32_t row;
  };

  // The arrays of a Graph; they must outlive the view. DATA_LOSS where a link,
  // a count or a level is out of bounds.
  static absl::StatusOr<GraphView> Open(
      uint32_t rows, uint32_t entry, uint32_t max_level, uint32_t level0_stride,
      uint32_t upper_stride, std::span<const uint32_t> level0,
      std::span<const uint32_t> upper_start, std::span<const uint32_t> upper);

  // The up to `ef` nearest rows that `accept(row)` lets through, nearest first;
  // the walk passes through the others. `distance(row)` is smaller for nearer
  // rows. Adds to `visited`, where not null, how many distances were computed.
  template <typename Distance, typename Accept>
  std::vector<Candidate> Search(const Distance& distance, const Accept& accept,
                                int ef, int64_t* visited) const;

 private:
  // The links of a row on a level above 0: a count, then rows.
  const uint32_t* UpperLinks(uint32_t row, uint32_t level) const {
    return upper_.data() +
           static_cast<size_t>(upper_start_[row] + level - 1) * upper_stride_;
  }

  uint32_t rows_ = 0;
  uint32_t entry_ = 0;
  uint32_t max_level_ = 0;
  uint32_t level0_stride_ = 0;
  uint32_t upper_stride_ = 0;
  std::span<const uint32_t> level0_;
  std::span<const uint32_t> upper_start_;
  std::span<const uint32_t> upper_;
};

}  // namespace vitrine

#include "common/index/graph_walk.h"
