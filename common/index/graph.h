// HNSW graphs (Malkov and Yashunin, arXiv 1603.09320): BuildGraph makes them,
// shards hold them, and GraphView walks them where they lie.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/stop_requested.h"
#include "common/vector/codes.h"

namespace vitrine {

// What the edges of a graph minimise.
enum class GraphSpace : uint32_t { kDot = 1, kL1 = 2 };

struct GraphParams {
  GraphSpace space = GraphSpace::kDot;
  int m = 16;  // > 0: links a node on upper levels; twice as many on level 0.
  int ef_construction = 200;
  int threads = 1;
  StopRequested stop = {};
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

class GraphView;

// A graph of many of the rows, to which the others are added.
struct GraphBase {
  static constexpr uint32_t kGone = UINT32_MAX;

  const GraphView* graph = nullptr;
  // Which of the rows each of its own is, no two the same; kGone where none.
  std::vector<uint32_t> rows;
};

// Builds the graph of some rows by their codes, as hnswlib would of the same
// distances, without a copy of them. With a `base` whose links are as many as
// `params` asks for, only the rows that it has not are added; where rows of it
// are gone, their neighbours take over each other. CANCELLED where it had to
// stop, RESOURCE_EXHAUSTED without memory, DATA_LOSS where the base is damaged.
absl::StatusOr<Graph> BuildGraph(const CodedRows& rows,
                                 const GraphParams& params,
                                 const GraphBase* base = nullptr);

class VisitedRows;

// A graph in a mapped file. Immutable and thread-safe.
class GraphView {
 public:
  struct Candidate {
    float distance;
    uint32_t row;
  };

  // The arrays of a Graph; they must outlive the view. DATA_LOSS where
  // their sizes are wrong; what they hold is not read.
  static absl::StatusOr<GraphView> Open(
      uint32_t rows, uint32_t entry, uint32_t max_level, uint32_t level0_stride,
      uint32_t upper_stride, std::span<const uint32_t> level0,
      std::span<const uint32_t> upper_start, std::span<const uint32_t> upper);

  // DATA_LOSS where a link, a count or a level is out of bounds, CANCELLED
  // where it had to stop. A walk is safe without it: it passes over what is out
  // of bounds.
  absl::Status CheckLinks(const std::function<bool()>& stop) const;

  struct WalkParams {
    int ef = 0;  // At least 1.
    // Of the ef rows only those up to this distance, and the nearest `least`
    // whatever theirs is: for when that many nearer ones are known already, of
    // other graphs. The walk is shorter the fewer lie within.
    float bound = std::numeric_limits<float>::infinity();
    int least = std::numeric_limits<int>::max();
    // Steps over rows that are not accepted to their own neighbours and
    // compares none of them: for when few are accepted. Otherwise the walk
    // passes through them as through others.
    bool two_hops = false;
    // The walk gives up after so many distances.
    int64_t most_distances = std::numeric_limits<int64_t>::max();
    // Or after so many, as long as it has not found all that it is to find.
    int64_t most_until_full = std::numeric_limits<int64_t>::max();
  };
  struct Walked {
    std::vector<Candidate> found;  // Nearest first, at most ef.
    int64_t distances = 0;         // How many were computed.
    bool bounded = false;  // Rows were left out that lie beyond `bound`.
    bool gave_up = false;
  };

  // The nearest rows that `accept(row)` lets through. `distances(const
  // uint32_t* rows, size_t count, float* out)` measures some rows at once;
  // nearer ones have less.
  template <typename Distances, typename Accept>
  Walked Search(const Distances& distances, const Accept& accept,
                const WalkParams& params) const;

  uint32_t level0_bytes_a_row() const { return level0_stride_ * 4; }

  uint32_t rows() const { return rows_; }
  uint32_t level0_links() const { return level0_stride_ - 1; }
  uint32_t upper_links() const { return upper_stride_ - 1; }
  // The highest level of a row, and its links on one of its levels; no more
  // than there is room for, whatever the file says.
  uint32_t LevelsOf(uint32_t row) const {
    return upper_start_[row + 1] - upper_start_[row];
  }
  std::span<const uint32_t> LinksOf(uint32_t row, uint32_t level) const;

 private:
  const uint32_t* Level0Links(uint32_t row) const {
    return level0_.data() + static_cast<size_t>(row) * level0_stride_;
  }
  // The nearest row to enter level 0 at.
  template <typename Distances>
  Candidate Descend(const Distances& distances, std::vector<uint32_t>* fresh,
                    std::vector<float>* measured, int64_t* computed) const;
  // Fills `fresh` with the neighbours of a row that were not met before, and
  // returns how many.
  template <typename Accept>
  uint32_t FreshNeighbours(uint32_t row, const Accept& accept, bool two_hops,
                           VisitedRows* met,
                           std::vector<uint32_t>* fresh) const;
  // The links of a row on a level above 0: a count, then rows. Null where they
  // would lie outside.
  const uint32_t* UpperLinks(uint32_t row, uint32_t level) const {
    const uint64_t place = uint64_t{upper_start_[row]} + level - 1;
    return place < upper_.size() / upper_stride_
               ? upper_.data() + place * upper_stride_
               : nullptr;
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
