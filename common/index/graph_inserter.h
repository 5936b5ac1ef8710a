// How a row is inserted into a graph that is being built; for graph_builder.cc.
// Codes are compared where they lie, all neighbours of a row at once, and no
// copy of them is made.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "common/index/graph.h"
#include "common/vector/codes.h"

namespace vitrine {

// The distances of one row of codes to others. Not thread-safe.
class RowComparer {
 public:
  RowComparer(GraphSpace space, const CodedRows& rows);

  // The row that others are compared with.
  void SetRow(uint32_t row);
  // out[i] is the distance to rows[i]: what the codes stand for would give, and
  // for the dot product 1 less.
  void Measure(std::span<const uint32_t> rows, float* out);

 private:
  struct Run {
    size_t dim;
    float scale;
    int32_t offset;  // What the others' kCodeZero add to a dot product.
  };

  const bool is_dot_;
  const uint8_t* const codes_;
  size_t dim_ = 0;
  std::vector<Run> runs_;
  std::vector<uint8_t> own_;  // For a dot product, as int8_t.
  std::vector<int32_t> sums_;
};

// The arrays of a graph while several threads fill them.
class GrowingGraph {
 public:
  // Where walks begin, and the level of that row.
  struct Entry {
    uint32_t row = 0;
    uint32_t level = 0;
  };

  // Of each row, its highest level, and its place in the order in which rows
  // come into the graph, where it has come already.
  GrowingGraph(const GraphParams& params, std::vector<uint8_t> levels,
               std::vector<uint32_t> places, uint32_t next_place);

  uint32_t rows() const { return static_cast<uint32_t>(levels_.size()); }
  uint32_t LevelOf(uint32_t row) const { return levels_[row]; }
  // To be called of a row before anything links to it.
  void SetPlace(uint32_t row) { places_[row] = next_place_++; }
  // Whether `a` comes before `b`: it is nearer, or as near and came later, as
  // with hnswlib. By another order of rows as near, all copies of a picture
  // would link to the same few, and nothing to the others.
  bool Nearer(const GraphView::Candidate& a,
              const GraphView::Candidate& b) const {
    return a.distance != b.distance ? a.distance < b.distance
                                    : places_[a.row] > places_[b.row];
  }
  size_t MostLinks(uint32_t level) const {
    return (level == 0 ? graph_.level0_stride : graph_.upper_stride) - 1;
  }
  // No thread holds two of them.
  std::mutex& LockOf(uint32_t row) { return (*locks_)[row % kLocks]; }
  // A count, then rows; to be read and written under the row's lock.
  uint32_t* LinksOf(uint32_t row, uint32_t level) {
    if (level == 0) {
      return graph_.level0.data() + size_t{row} * graph_.level0_stride;
    }
    return graph_.upper.data() +
           (size_t{graph_.upper_start[row]} + level - 1) * graph_.upper_stride;
  }
  // The farthest first, as hnswlib has them, and zeros behind. Under the row's
  // lock.
  void SetLinks(uint32_t row, uint32_t level,
                std::span<const GraphView::Candidate> nearest_first);

  // Guards `entry`, and is held as long as a row on a new level is inserted; a
  // row's lock may be taken under it.
  std::mutex entry_mutex;
  std::optional<Entry> entry;

  // Ends it.
  Graph Take();

 private:
  static constexpr size_t kLocks = 1024;

  const std::vector<uint8_t> levels_;
  std::vector<uint32_t> places_;
  std::atomic<uint32_t> next_place_;
  const std::unique_ptr<std::array<std::mutex, kLocks>> locks_;
  Graph graph_;
};

// What one thread inserts rows with; what it is made of must outlive it.
class Inserter {
 public:
  Inserter(const CodedRows& rows, const GraphParams& params,
           GrowingGraph* graph);

  // Algorithm 1 of the paper. Each row once. Where several threads insert rows,
  // some of hundreds of copies of a picture may be linked from nowhere, as with
  // hnswlib.
  void Insert(uint32_t row);
  // Of candidates, a heap with the farthest on top, those that are no nearer to
  // one that was chosen before than to the row itself, at most so many:
  // Algorithm 4. Fewer than that all stay. Nearest first, those as near in the
  // order of hnswlib's heap: what walks come to depends on it where a picture
  // has hundreds of copies.
  void Select(size_t most, std::vector<GraphView::Candidate>* candidates);
  // Some rows by their distances to `row`, for Select.
  std::vector<GraphView::Candidate> Near(uint32_t row,
                                         std::span<const uint32_t> rows);

 private:
  using Candidate = GraphView::Candidate;

  // All of Select but its order: they are a heap in the end.
  void ChooseDiverse(size_t most, std::vector<Candidate>* candidates);
  // Fills rows_ with the links of a row.
  void CopyLinks(uint32_t row, uint32_t level);
  // The row at which to enter `level`.
  uint32_t Descend(const GrowingGraph::Entry& from, uint32_t level);
  // Fills found_ with the nearest ef_ rows, a heap: Algorithm 2.
  void SearchLevel(uint32_t entry, uint32_t level);
  // Links a row to others, and them to it; who has too many links then keeps
  // those that Select chooses.
  void Connect(uint32_t row, uint32_t level,
               std::span<const Candidate> nearest_first);

  GrowingGraph& graph_;
  const size_t m_;
  const size_t ef_;
  RowComparer to_row_;    // That which is inserted.
  RowComparer to_other_;  // One of its neighbours.
  std::vector<uint32_t> rows_;
  std::vector<float> measured_;
  std::vector<Candidate> frontier_;
  std::vector<Candidate> found_;
  std::vector<std::vector<Candidate>> chosen_;  // By level.
};

}  // namespace vitrine
