// The walk of a GraphView; included by graph.h alone.
#pragma once

#include <algorithm>
#include <limits>
#include <span>

#include "common/index/graph.h"

namespace vitrine {

// Which rows a walk has met. Cleared in constant time, but for one query in
// 255; a byte a row, so that the marks of a million rows stay in the cache. One
// a thread.
class VisitedRows {
 public:
  static VisitedRows& ForThread(uint32_t rows) {
    thread_local VisitedRows visited;
    if (visited.marks_.size() < rows) visited.marks_.resize(rows);
    if (++visited.epoch_ == 0) {
      std::fill(visited.marks_.begin(), visited.marks_.end(), uint8_t{0});
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
  std::vector<uint8_t> marks_;
  uint8_t epoch_ = 0;
};

// The links of a row on a level, of which at most stride - 1 fit. The file may
// be unverified, and be cut while it is read: what is checked is read once.
inline std::span<const uint32_t> Links(const uint32_t* links, uint32_t stride) {
  return {links + 1, std::min(links[0], stride - 1)};
}

template <typename Accept>
uint32_t GraphView::FreshNeighbours(uint32_t row, const Accept& accept,
                                    bool two_hops, VisitedRows* met,
                                    std::vector<uint32_t>* fresh) const {
  uint32_t count = 0;
  for (const uint32_t neighbour : Links(Level0Links(row), level0_stride_)) {
    if (neighbour >= rows_ || !met->Insert(neighbour)) continue;
    if (!two_hops || accept(neighbour)) {
      (*fresh)[count++] = neighbour;
      continue;
    }
    // Those that are not accepted either stay unmet: another row may step over
    // them.
    for (const uint32_t beyond :
         Links(Level0Links(neighbour), level0_stride_)) {
      if (beyond >= rows_ || !accept(beyond) || !met->Insert(beyond)) continue;
      (*fresh)[count++] = beyond;
    }
  }
  return count;
}

template <typename Distances>
GraphView::Candidate GraphView::Descend(const Distances& distances,
                                        std::vector<uint32_t>* fresh,
                                        std::vector<float>* measured,
                                        int64_t* computed) const {
  Candidate nearest = {0, entry_};
  distances(&nearest.row, 1, &nearest.distance);
  *computed += 1;
  for (uint32_t level = max_level_; level > 0; --level) {
    for (bool moved = true; moved;) {
      moved = false;
      const uint32_t* links = UpperLinks(nearest.row, level);
      if (links == nullptr) break;
      uint32_t count = 0;
      for (const uint32_t neighbour : Links(links, upper_stride_)) {
        if (neighbour < rows_) (*fresh)[count++] = neighbour;
      }
      *computed += count;
      distances(fresh->data(), count, measured->data());
      for (uint32_t i = 0; i < count; ++i) {
        if ((*measured)[i] < nearest.distance) {
          nearest = {(*measured)[i], (*fresh)[i]};
          moved = true;
        }
      }
    }
  }
  return nearest;
}

template <typename Distances, typename Accept>
GraphView::Walked GraphView::Search(const Distances& distances,
                                    const Accept& accept,
                                    const WalkParams& params) const {
  Walked walked;
  if (rows_ == 0) return walked;
  // Of one row's neighbours, and of theirs.
  thread_local std::vector<uint32_t> fresh;
  thread_local std::vector<float> measured;
  fresh.resize(std::max<size_t>(
      std::min<size_t>(rows_, size_t{level0_stride_} * level0_stride_),
      upper_stride_));
  measured.resize(fresh.size());
  const Candidate entry =
      Descend(distances, &fresh, &measured, &walked.distances);

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
  const size_t most = static_cast<size_t>(params.ef);
  const size_t least = std::min(most, static_cast<size_t>(params.least));
  std::vector<Candidate>& found = walked.found;
  found.reserve(most + 1);
  // What is farther is of no use any more.
  auto farthest = [&] {
    if (found.size() < least) return std::numeric_limits<float>::infinity();
    if (found.size() == most) return found.front().distance;
    return std::max(params.bound, found.front().distance);
  };
  VisitedRows& met = VisitedRows::ForThread(rows_);
  met.Insert(entry.row);
  frontier.push_back(entry);
  if (accept(entry.row)) found.push_back(entry);
  while (!frontier.empty()) {
    const Candidate current = frontier.front();
    if (current.distance > farthest()) {
      walked.bounded |= found.size() < most;
      break;
    }
    std::pop_heap(frontier.begin(), frontier.end(), nearer_last);
    frontier.pop_back();
    const uint32_t count =
        FreshNeighbours(current.row, accept, params.two_hops, &met, &fresh);
    walked.distances += count;
    if (walked.distances > params.most_distances ||
        (found.size() < least && walked.distances > params.most_until_full)) {
      walked.gave_up = true;
      return walked;
    }
    distances(fresh.data(), count, measured.data());
    for (uint32_t i = 0; i < count; ++i) {
      const Candidate candidate = {measured[i], fresh[i]};
      if (candidate.distance >= farthest()) {
        walked.bounded |= found.size() < most;
        continue;
      }
      frontier.push_back(candidate);
      std::push_heap(frontier.begin(), frontier.end(), nearer_last);
      if (!accept(candidate.row)) continue;
      found.push_back(candidate);
      std::push_heap(found.begin(), found.end(), nearer_first);
      if (found.size() > most ||
          (found.size() > least && found.front().distance > params.bound)) {
        std::pop_heap(found.begin(), found.end(), nearer_first);
        found.pop_back();
      }
    }
    // The links that are most likely read next.
    if (!frontier.empty()) {
      const uint32_t* next = Level0Links(frontier.front().row);
      __builtin_prefetch(next);
      __builtin_prefetch(next + 16);
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Candidate& a, const Candidate& b) {
              return a.distance != b.distance ? a.distance < b.distance
                                              : a.row < b.row;
            });
  return walked;
}

}  // namespace vitrine
