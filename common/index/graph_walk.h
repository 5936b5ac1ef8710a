// The walk of a GraphView; included by graph.h alone.
#pragma once

#include <algorithm>
#include <limits>

#include "common/index/graph.h"

namespace vitrine {

// Which rows a walk has met. Cleared in constant time; one a thread.
class VisitedRows {
 public:
  static VisitedRows& ForThread(uint32_t rows) {
    thread_local VisitedRows visited;
    if (visited.marks_.size() < rows) visited.marks_.resize(rows);
    if (++visited.epoch_ == 0) {
      std::fill(visited.marks_.begin(), visited.marks_.end(), 0);
      visited.epoch_ = 1;
    }
    return visited;
  }
  // Whether `row` is met for the first time.
  bool Insert(uint32_t row) {
    if (marks_[row] == epoch_) return false;
    marks_[row] = epoch_;
    return true;
  }

 private:
  std::vector<uint32_t> marks_;
  uint32_t epoch_ = 0;
};

template <typename Distance, typename Accept>
std::vector<GraphView::Candidate> GraphView::Search(const Distance& distance,
                                                    const Accept& accept,
                                                    int ef,
                                                    int64_t* visited) const {
  if (rows_ == 0) return {};
  int64_t computed = 1;
  Candidate nearest = {distance(entry_), entry_};
  for (uint32_t level = max_level_; level > 0; --level) {
    for (bool moved = true; moved;) {
      moved = false;
      const uint32_t* links = UpperLinks(nearest.row, level);
      computed += links[0];
      for (uint32_t i = 1; i <= links[0]; ++i) {
        const float d = distance(links[i]);
        if (d < nearest.distance) {
          nearest = {d, links[i]};
          moved = true;
        }
      }
    }
  }

  // Algorithm 2 of the paper. `frontier` is a heap with the nearest on top,
  // `found` one with the farthest on top.
  auto nearer_last = [](const Candidate& a, const Candidate& b) {
    return a.distance > b.distance;
  };
  auto nearer_first = [](const Candidate& a, const Candidate& b) {
    return a.distance < b.distance;
  };
  thread_local std::vector<Candidate> frontier;
  frontier.clear();
  std::vector<Candidate> found;
  found.reserve(static_cast<size_t>(ef) + 1);
  const size_t wanted = static_cast<size_t>(ef);
  VisitedRows& met = VisitedRows::ForThread(rows_);
  met.Insert(nearest.row);
  frontier.push_back(nearest);
  if (accept(nearest.row)) found.push_back(nearest);
  while (!frontier.empty()) {
    const Candidate current = frontier.front();
    if (found.size() == wanted && current.distance > found.front().distance)
      break;
    std::pop_heap(frontier.begin(), frontier.end(), nearer_last);
    frontier.pop_back();
    const uint32_t* links =
        level0_.data() + static_cast<size_t>(current.row) * level0_stride_;
    for (uint32_t i = 1; i <= links[0]; ++i) {
      const uint32_t row = links[i];
      if (!met.Insert(row)) continue;
      ++computed;
      const Candidate candidate = {distance(row), row};
      if (found.size() == wanted &&
          candidate.distance >= found.front().distance)
        continue;
      frontier.push_back(candidate);
      std::push_heap(frontier.begin(), frontier.end(), nearer_last);
      if (!accept(row)) continue;
      found.push_back(candidate);
      std::push_heap(found.begin(), found.end(), nearer_first);
      if (found.size() > wanted) {
        std::pop_heap(found.begin(), found.end(), nearer_first);
        found.pop_back();
      }
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Candidate& a, const Candidate& b) {
              return a.distance != b.distance ? a.distance < b.distance
                                              : a.row < b.row;
            });
  if (visited != nullptr) *visited += computed;
  return found;
}

}  // namespace vitrine
