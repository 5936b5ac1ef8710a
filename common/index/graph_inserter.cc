#include "common/index/graph_inserter.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "common/vector/code_kernels.h"

namespace vitrine {
namespace {

using Candidate = GraphView::Candidate;

// Of a heap with the farthest on top.
bool NearerFirst(const Candidate& a, const Candidate& b) {
  return a.distance < b.distance;
}
// Of one with the nearest on top.
bool NearerLast(const Candidate& a, const Candidate& b) {
  return a.distance > b.distance;
}

}  // namespace

RowComparer::RowComparer(GraphSpace space, const CodedRows& rows)
    : is_dot_(space == GraphSpace::kDot), codes_(rows.codes.data()) {
  for (size_t b = 0; b < rows.blocks.size(); ++b) {
    const float step = rows.ranges[b] / kCodeSteps;
    runs_.push_back({static_cast<size_t>(rows.blocks[b].dim),
                     is_dot_ ? step * step : step, 0});
    dim_ += runs_.back().dim;
  }
  own_.resize(dim_);
}

void RowComparer::SetRow(uint32_t row) {
  std::copy_n(codes_ + size_t{row} * dim_, dim_, own_.data());
  if (!is_dot_) return;
  uint8_t* code = own_.data();
  for (Run& run : runs_) {
    int32_t sum = 0;
    for (size_t i = 0; i < run.dim; ++i) {
      const int number = code[i] - kCodeZero;
      code[i] = static_cast<uint8_t>(number);
      sum += number;
    }
    run.offset = sum * kCodeZero;
    code += run.dim;
  }
}

void RowComparer::Measure(std::span<const uint32_t> rows, float* out) {
  std::fill_n(out, rows.size(), 0.0f);
  sums_.resize(rows.size());
  size_t at = 0;
  for (const Run& run : runs_) {
    const CodeRows others = {codes_ + at, dim_, rows.data(), rows.size()};
    if (is_dot_) {
      DotCodes(reinterpret_cast<const int8_t*>(own_.data()) + at, run.dim,
               others, sums_.data());
      for (size_t i = 0; i < rows.size(); ++i)
        out[i] -= run.scale * static_cast<float>(sums_[i] - run.offset);
    } else {
      L1Codes(own_.data() + at, run.dim, others, sums_.data());
      for (size_t i = 0; i < rows.size(); ++i)
        out[i] += run.scale * static_cast<float>(sums_[i]);
    }
    at += run.dim;
  }
}

GrowingGraph::GrowingGraph(const GraphParams& params,
                           std::vector<uint8_t> levels,
                           std::vector<uint32_t> places, uint32_t next_place)
    : levels_(std::move(levels)),
      places_(std::move(places)),
      next_place_(next_place),
      locks_(new std::array<std::mutex, kLocks>) {
  const auto m = static_cast<uint32_t>(params.m);
  graph_.space = params.space;
  graph_.level0_stride = 2 * m + 1;
  graph_.upper_stride = m + 1;
  graph_.level0.resize(levels_.size() * graph_.level0_stride);
  graph_.upper_start.resize(levels_.size() + 1);
  std::inclusive_scan(levels_.begin(), levels_.end(),
                      graph_.upper_start.begin() + 1, std::plus<>(),
                      uint32_t{0});
  graph_.upper.resize(size_t{graph_.upper_start.back()} * graph_.upper_stride);
}

void GrowingGraph::SetLinks(uint32_t row, uint32_t level,
                            std::span<const Candidate> nearest_first) {
  uint32_t* links = LinksOf(row, level);
  uint32_t* const end = links + 1 + MostLinks(level);
  *links++ = static_cast<uint32_t>(nearest_first.size());
  for (auto one = nearest_first.rbegin(); one != nearest_first.rend(); ++one)
    *links++ = one->row;
  std::fill(links, end, 0);
}

Graph GrowingGraph::Take() {
  if (entry) {
    graph_.entry = entry->row;
    graph_.max_level = entry->level;
  }
  return std::move(graph_);
}

Inserter::Inserter(const CodedRows& rows, const GraphParams& params,
                   GrowingGraph* graph)
    : graph_(*graph),
      m_(static_cast<size_t>(params.m)),
      ef_(static_cast<size_t>(std::max(params.ef_construction, params.m))),
      to_row_(params.space, rows),
      to_other_(params.space, rows) {}

void Inserter::Insert(uint32_t row) {
  const uint32_t level = graph_.LevelOf(row);
  std::unique_lock top(graph_.entry_mutex);
  if (!graph_.entry) {
    graph_.SetPlace(row);
    graph_.entry = {row, level};
    return;
  }
  const GrowingGraph::Entry entry = *graph_.entry;
  if (level <= entry.level) top.unlock();
  to_row_.SetRow(row);
  uint32_t nearest = Descend(entry, level);
  const uint32_t highest = std::min(level, entry.level);
  if (chosen_.size() <= highest) chosen_.resize(highest + 1);
  for (uint32_t l = highest + 1; l-- > 0;) {
    SearchLevel(nearest, l);
    chosen_[l] = found_;
    Select(m_, &chosen_[l]);
    nearest = chosen_[l].front().row;
  }
  // Not before: one that others have overtaken would be linked from nowhere.
  graph_.SetPlace(row);
  // From below, so that who finds the row on a level finds it linked on those
  // below.
  for (uint32_t l = 0; l <= highest; ++l) Connect(row, l, chosen_[l]);
  if (level > entry.level) graph_.entry = {row, level};
}

void Inserter::Select(size_t most, std::vector<Candidate>* candidates) {
  if (candidates->size() >= most) ChooseDiverse(most, candidates);
  std::sort_heap(candidates->begin(), candidates->end(), NearerFirst);
}

void Inserter::ChooseDiverse(size_t most, std::vector<Candidate>* candidates) {
  std::sort(candidates->begin(), candidates->end(),
            [this](const Candidate& a, const Candidate& b) {
              return graph_.Nearer(a, b);
            });
  size_t chosen = 0;
  while (chosen < candidates->size()) {
    to_other_.SetRow((*candidates)[chosen++].row);
    if (chosen == most) break;
    rows_.clear();
    for (size_t i = chosen; i < candidates->size(); ++i)
      rows_.push_back((*candidates)[i].row);
    measured_.resize(rows_.size());
    to_other_.Measure(rows_, measured_.data());
    size_t kept = chosen;
    for (size_t i = 0; i < rows_.size(); ++i) {
      const Candidate candidate = (*candidates)[chosen + i];
      if (measured_[i] >= candidate.distance) (*candidates)[kept++] = candidate;
    }
    candidates->resize(kept);
  }
  candidates->resize(chosen);
  for (auto end = candidates->begin(); end != candidates->end();)
    std::push_heap(candidates->begin(), ++end, NearerFirst);
}

std::vector<Candidate> Inserter::Near(uint32_t row,
                                      std::span<const uint32_t> rows) {
  to_other_.SetRow(row);
  measured_.resize(rows.size());
  to_other_.Measure(rows, measured_.data());
  std::vector<Candidate> near;
  near.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i)
    near.push_back({measured_[i], rows[i]});
  std::make_heap(near.begin(), near.end(), NearerFirst);
  return near;
}

void Inserter::CopyLinks(uint32_t row, uint32_t level) {
  std::lock_guard lock(graph_.LockOf(row));
  const uint32_t* const links = graph_.LinksOf(row, level);
  rows_.assign(links + 1, links + 1 + *links);
}

uint32_t Inserter::Descend(const GrowingGraph::Entry& from, uint32_t level) {
  uint32_t nearest = from.row;
  if (from.level <= level) return nearest;
  float distance = 0;
  to_row_.Measure({&nearest, 1}, &distance);
  for (uint32_t l = from.level; l > level; --l) {
    for (bool moved = true; moved;) {
      moved = false;
      CopyLinks(nearest, l);
      measured_.resize(rows_.size());
      to_row_.Measure(rows_, measured_.data());
      for (size_t i = 0; i < rows_.size(); ++i) {
        if (measured_[i] >= distance) continue;
        distance = measured_[i];
        nearest = rows_[i];
        moved = true;
      }
    }
  }
  return nearest;
}

void Inserter::SearchLevel(uint32_t entry, uint32_t level) {
  VisitedRows& met = VisitedRows::ForThread(graph_.rows());
  Candidate first = {0, entry};
  to_row_.Measure({&entry, 1}, &first.distance);
  met.Insert(entry);
  frontier_.assign(1, first);
  found_.assign(1, first);
  while (!frontier_.empty()) {
    const Candidate current = frontier_.front();
    if (found_.size() == ef_ && current.distance > found_.front().distance)
      break;
    std::pop_heap(frontier_.begin(), frontier_.end(), NearerLast);
    frontier_.pop_back();
    CopyLinks(current.row, level);
    std::erase_if(rows_, [&met](uint32_t row) { return !met.Insert(row); });
    measured_.resize(rows_.size());
    to_row_.Measure(rows_, measured_.data());
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (found_.size() == ef_ && measured_[i] >= found_.front().distance)
        continue;
      const Candidate candidate = {measured_[i], rows_[i]};
      frontier_.push_back(candidate);
      std::push_heap(frontier_.begin(), frontier_.end(), NearerLast);
      found_.push_back(candidate);
      std::push_heap(found_.begin(), found_.end(), NearerFirst);
      if (found_.size() > ef_) {
        std::pop_heap(found_.begin(), found_.end(), NearerFirst);
        found_.pop_back();
      }
    }
    // The links that are most likely read next.
    if (!frontier_.empty()) {
      const uint32_t* const next = graph_.LinksOf(frontier_.front().row, level);
      __builtin_prefetch(next);
      __builtin_prefetch(next + 16);
    }
  }
}

void Inserter::Connect(uint32_t row, uint32_t level,
                       std::span<const Candidate> nearest_first) {
  {
    std::lock_guard lock(graph_.LockOf(row));
    graph_.SetLinks(row, level, nearest_first);
  }
  const size_t most = graph_.MostLinks(level);
  for (const Candidate& other : nearest_first) {
    std::lock_guard lock(graph_.LockOf(other.row));
    uint32_t* const links = graph_.LinksOf(other.row, level);
    if (*links < most) {
      links[++*links] = row;
      continue;
    }
    std::vector<uint32_t> rows(links + 1, links + 1 + most);
    rows.push_back(row);
    std::vector<Candidate> near = Near(other.row, rows);
    Select(most, &near);
    graph_.SetLinks(other.row, level, near);
  }
}

}  // namespace vitrine
