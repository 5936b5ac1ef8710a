// Builds graphs by inserting one row after the other, as hnswlib does, to whose
// graphs a test holds these link by link.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>
#include <optional>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/index/graph.h"
#include "common/index/graph_inserter.h"
#include "common/vector/blocks.h"

namespace vitrine {
namespace {

using Candidate = GraphView::Candidate;

constexpr uint32_t kNoRow = UINT32_MAX;
// Of 2^32 rows one in 16 is on a level higher: eight would do.
constexpr uint32_t kMostLevels = 64;
constexpr size_t kRowsAtOnce = 64;

// What another graph has of the rows, to be taken over as if they had been
// inserted. Where a neighbour of a row is gone, that one's neighbours are taken
// in its place (as FreshDiskANN does, arXiv 2105.09613); of too many, those
// that Select chooses.
class Adopter {
 public:
  explicit Adopter(const GraphBase& base)
      : base_(base), graph_(*base.graph), row_of_(base.rows) {
    // One that is not taken over may leave another alone.
    for (bool changed = true; changed;) {
      changed = false;
      for (uint32_t b = 0; b < row_of_.size(); ++b) {
        if (row_of_[b] == kNoRow || !IsAlone(b)) continue;
        row_of_[b] = kNoRow;
        changed = true;
      }
    }
  }

  // Sets the levels of the rows that are taken over, and their places, from 0
  // on; those of the others stay as they are.
  absl::Status Place(std::vector<uint8_t>* levels,
                     std::vector<uint32_t>* places) const {
    uint32_t place = 0;
    for (uint32_t b = 0; b < row_of_.size(); ++b) {
      if (row_of_[b] == kNoRow) continue;
      if (row_of_[b] >= levels->size()) {
        return absl::InternalError(absl::StrCat(
            "a graph of ", levels->size(), " rows has no row ", row_of_[b]));
      }
      // Read once: a file that is cut under us gives zeros from then on.
      const uint32_t level = graph_.LevelsOf(b);
      if (level > kMostLevels) {
        return absl::DataLossError(
            absl::StrCat("its graph has row ", b, " on level ", level));
      }
      (*levels)[row_of_[b]] = static_cast<uint8_t>(level);
      (*places)[row_of_[b]] = place++;
    }
    return absl::OkStatus();
  }
  // Finds where walks begin.
  void SetEntry(GrowingGraph* to) const {
    for (const uint32_t row : row_of_) {
      if (row == kNoRow) continue;
      const uint32_t level = to->LevelOf(row);
      if (!to->entry || level > to->entry->level) to->entry = {row, level};
    }
  }

  // Rows of the base, each to be given to AddLinks, by any thread.
  uint32_t rows() const { return static_cast<uint32_t>(row_of_.size()); }
  void AddLinks(uint32_t b, Inserter* inserter, GrowingGraph* to) const {
    const uint32_t row = row_of_[b];
    if (row == kNoRow) return;
    for (uint32_t level = 0; level <= to->LevelOf(row); ++level) {
      std::vector<uint32_t> links;
      const auto add = [&](uint32_t neighbour) {
        if (neighbour >= row_of_.size() || neighbour == b) return;
        const uint32_t other = row_of_[neighbour];
        if (other == kNoRow || to->LevelOf(other) < level) return;
        if (std::find(links.begin(), links.end(), other) == links.end())
          links.push_back(other);
      };
      for (const uint32_t neighbour : graph_.LinksOf(b, level)) add(neighbour);
      for (const uint32_t neighbour : graph_.LinksOf(b, level)) {
        if (!IsGone(neighbour) || neighbour >= graph_.rows() ||
            graph_.LevelsOf(neighbour) < level) {
          continue;
        }
        for (const uint32_t next : graph_.LinksOf(neighbour, level)) add(next);
      }
      std::vector<Candidate> chosen;
      if (links.size() > to->MostLinks(level)) {
        chosen = inserter->Near(row, links);
        inserter->Select(to->MostLinks(level), &chosen);
      } else {
        for (auto link = links.rbegin(); link != links.rend(); ++link)
          chosen.push_back({0, *link});
      }
      std::lock_guard lock(to->LockOf(row));
      to->SetLinks(row, level, chosen);
    }
  }

 private:
  bool IsGone(uint32_t b) const {
    return b >= base_.rows.size() || base_.rows[b] == GraphBase::kGone;
  }
  // Whether no neighbour of a row is taken over: it is inserted anew.
  bool IsAlone(uint32_t b) const {
    for (const uint32_t neighbour : graph_.LinksOf(b, 0)) {
      if (neighbour < row_of_.size() && row_of_[neighbour] != kNoRow)
        return false;
    }
    return true;
  }

  const GraphBase& base_;
  const GraphView& graph_;
  std::vector<uint32_t> row_of_;  // kNoRow for one that is not taken over.
};

// Draws the levels of rows that are inserted in this order, as hnswlib does.
void DrawLevels(std::span<const uint32_t> order, int m,
                std::vector<uint8_t>* levels) {
  std::default_random_engine random(100);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const double levels_of_e = 1 / std::log(1.0 * m);
  for (const uint32_t row : order) {
    const double level = -std::log(uniform(random)) * levels_of_e;
    (*levels)[row] = static_cast<uint8_t>(std::min<double>(level, kMostLevels));
  }
}

absl::Status NoMemory(size_t rows) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "there is no memory for a graph of ", rows,
      " rows; give it more, or cut the catalogue into partitions"));
}

// Throws where memory ends.
absl::StatusOr<Graph> Build(const CodedRows& rows, size_t count,
                            const GraphParams& params, const GraphBase* base) {
  std::vector<uint8_t> levels(count);
  std::vector<uint32_t> places(count, kNoRow);
  std::optional<Adopter> adopter;
  if (base != nullptr &&
      base->graph->level0_links() == 2 * static_cast<uint32_t>(params.m) &&
      base->graph->upper_links() == static_cast<uint32_t>(params.m)) {
    adopter.emplace(*base);
    VITRINE_RETURN_IF_ERROR(adopter->Place(&levels, &places));
  }
  // Rows are ordered by product, so neighbours in a shard are alike; a graph
  // grows better from rows in random order.
  std::vector<uint32_t> order;
  order.reserve(
      static_cast<size_t>(std::count(places.begin(), places.end(), kNoRow)));
  for (uint32_t row = 0; row < count; ++row) {
    if (places[row] == kNoRow) order.push_back(row);
  }
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  DrawLevels(order, params.m, &levels);
  GrowingGraph graph(params, std::move(levels), std::move(places),
                     static_cast<uint32_t>(count - order.size()));

  // Calls run(i, inserter) for i < n, on some threads.
  std::atomic<bool> no_memory = false;
  const auto for_each = [&](size_t n, const auto& run) {
    const auto chunks = static_cast<int>((n + kRowsAtOnce - 1) / kRowsAtOnce);
    ParallelFor(chunks, params.threads, [&](int chunk) {
      if (no_memory || (params.stop && params.stop())) return;
      try {
        Inserter inserter(rows, params, &graph);
        const size_t begin = static_cast<size_t>(chunk) * kRowsAtOnce;
        for (size_t i = begin; i < std::min(n, begin + kRowsAtOnce); ++i)
          run(i, &inserter);
      } catch (const std::bad_alloc&) {
        no_memory = true;
      }
    });
  };
  if (adopter) {
    adopter->SetEntry(&graph);
    for_each(adopter->rows(), [&](size_t b, Inserter* inserter) {
      adopter->AddLinks(static_cast<uint32_t>(b), inserter, &graph);
    });
    adopter.reset();
  }
  for_each(order.size(),
           [&](size_t i, Inserter* inserter) { inserter->Insert(order[i]); });
  if (no_memory) return NoMemory(count);
  if (params.stop && params.stop())
    return absl::CancelledError("building a graph was stopped");
  return graph.Take();
}

}  // namespace

absl::StatusOr<Graph> BuildGraph(const CodedRows& rows,
                                 const GraphParams& params,
                                 const GraphBase* base) {
  const size_t count =
      rows.codes.size() / static_cast<size_t>(TotalDim(rows.blocks));
  try {
    return Build(rows, count, params, base);
  } catch (const std::bad_alloc&) {
    return NoMemory(count);
  }
}

}  // namespace vitrine
