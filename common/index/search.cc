#include "common/index/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "common/base/status.h"
#include "common/index/candidates.h"
#include "common/index/comparer.h"
#include "common/index/hit_selection.h"
#include "common/index/search_params.h"
#include "common/index/search_plan.h"
#include "common/index/shard_scan.h"
#include "common/index/walk_recall.h"

namespace vitrine {
namespace {

// Products that are excluded are mostly far from the query: the search widens
// where more of them are near.
constexpr size_t kMostExcludedAtOnce = 64;
// However near other shards' rows are, a walk finds so many: with fewer it may
// miss its way to what is nearer still.
constexpr size_t kLeastFound = 16;
// To code the query takes as long as to compare some rows exactly.
constexpr size_t kCodedFrom = 4;

// Whether a graph of `space` leads to the neighbours under `metric`.
// Manhattan's are others than the dot product's, most of them far down its
// order: among 600 photos, the 256 nearest by the one held 8 of the 10 nearest
// by the other.
bool OrdersAlike(GraphSpace space, Metric metric) {
  return (space == GraphSpace::kDot) == SharesOrderOfDot(metric);
}

class Searcher {
 public:
  Searcher(const Snapshot& snapshot, std::span<const float> query,
           const SearchParams& params)
      : snapshot_(snapshot),
        params_(params),
        needed_(static_cast<size_t>(params.offset) +
                static_cast<size_t>(params.k)),
        wanted_(needed_ +
                std::min(params.excluded_products.size(), kMostExcludedAtOnce)),
        recall_(snapshot, params),
        compare_(snapshot.blocks(), query, params.metric, params.emphasis),
        before_{snapshot},
        selection_(snapshot, params) {
    result_.rows_matching = static_cast<int64_t>(
        params.filter != nullptr ? params.filter->matching : snapshot.images());
  }

  // Begins a round: candidates are looked for anew, in all shards.
  void BeginRound() {
    candidates_.clear();
    nearest_.clear();
    reach_ = std::numeric_limits<float>::infinity();
    horizon_.reset();
    exhausted_ = true;
    result_.ef = 0;
    recall_.Begin();
    result_.plan = params_.filter != nullptr ? SearchResult::Plan::kFilteredScan
                                             : SearchResult::Plan::kExactScan;
  }

  // Walks a shard's graph for candidates. Otherwise returns the scan that is to
  // be made instead, and handed to Admit; none where the search must stop. What
  // is found in one shard spares work in the next.
  std::unique_ptr<ShardScan> Look(uint32_t s) {
    const LiveShard& live = snapshot_.shards()[s];
    const bool walkable =
        live.shard->graph() != nullptr && !params_.exact && !params_.scan &&
        wanted_ < kMaxEf &&
        OrdersAlike(live.shard->graph_space(), params_.metric);
    if (walkable && Walk(s, live)) return nullptr;
    if (AtMostMatching(s, live) > kLongScan && MustStop()) return nullptr;
    const bool by_codes =
        !params_.exact && AtMostMatching(s, live) > kCodedFrom * Kept();
    return std::make_unique<ShardScan>(compare_, *live.shard, s, Kept(), reach_,
                                       by_codes);
  }

  // Takes the candidates of a scan.
  void Admit(ShardScan* scan) {
    result_.rows_visited += static_cast<int64_t>(scan->compared());
    const std::vector<Candidate> found = scan->Take();
    Admit(found, /*more=*/scan->compared() > found.size());
  }

  // Ends a round that has looked into all shards. False where another one is
  // needed: several rows may be of one product or of an excluded one, so that
  // the search widens until enough hits stand or every row has been offered.
  bool EndRound() {
    if (stopped_) return true;
    std::vector<SearchHit> hits;
    const bool below_min_score = Select(&hits);
    if (hits.size() < needed_ && !exhausted_ && !below_min_score) {
      if (MustStop()) return true;
      // Limits that few rows keep within are best judged on all rows soon.
      wanted_ *= recall_.IsSelective() ? 8 : 2;
      return false;
    }
    hits.erase(hits.begin(),
               hits.begin() +
                   std::min<std::ptrdiff_t>(params_.offset, std::ssize(hits)));
    for (SearchHit& hit : hits) {
      if (!hit.block_cosines.empty()) continue;
      hit.block_cosines = compare_.BlockCosines(hit.shard->vector(hit.row));
    }
    result_.recall_basis = recall_.basis();
    result_.recall = recall_.Of(hits);
    result_.hits = std::move(hits);
    return true;
  }

  absl::StatusOr<SearchResult> Take() {
    if (stopped_) return absl::CancelledError("the search was stopped");
    return std::move(result_);
  }

  // What its scans of a shard read; null for all live rows.
  const Bitmap* FilterOf(uint32_t s) const {
    return params_.filter != nullptr ? &params_.filter->rows[s] : nullptr;
  }

 private:
  bool MustStop() {
    stopped_ = stopped_ || (params_.stop && params_.stop());
    return stopped_;
  }

  // How many candidates are kept so that wanted_ hits may stand: a product may
  // have several rows, and to keep more costs less than to search again.
  size_t Kept() const {
    return params_.group_by_product ? 2 * wanted_ : wanted_;
  }

  std::vector<Candidate> CompareExactly(
      std::vector<Candidate> estimated) const {
    for (Candidate& candidate : estimated) {
      const Shard& shard = *snapshot_.shards()[candidate.shard].shard;
      candidate.order = compare_.Order(shard.vector(candidate.row));
    }
    return estimated;
  }

  // Takes rows of a shard, of which the best are candidates; `more` tells that
  // it has others: which come after reach_, or after as many of these as are
  // kept.
  void Admit(const std::vector<Candidate>& found, bool more) {
    candidates_.insert(candidates_.end(), found.begin(), found.end());
    exhausted_ &= !more && candidates_.size() <= Kept();
    if (candidates_.size() < Kept()) return;
    const auto last = candidates_.begin() + static_cast<ptrdiff_t>(Kept()) - 1;
    std::nth_element(candidates_.begin(), last, candidates_.end(), before_);
    candidates_.resize(Kept());
    reach_ = candidates_.back().order;
    if (!exhausted_) EndAt(candidates_.back());
  }

  // The rows of a shard that match; with no filter, dead ones are counted too.
  uint32_t AtMostMatching(uint32_t s, const LiveShard& live) const {
    return params_.filter != nullptr ? params_.filter->counts[s]
                                     : live.shard->rows();
  }

  // Walks the graph of a shard. False, and no candidate, where to scan the rows
  // that match is as good, or the walk found too few: one that fills less than
  // it may has met every row that it can reach, and cannot know of the others.
  bool Walk(uint32_t s, const LiveShard& live) {
    const Shard& shard = *live.shard;
    const std::optional<int> ef = recall_.EfOf(s, RanksAsked());
    if (!ef) return false;
    GraphView::WalkParams walk;
    walk.ef = std::max(*ef, static_cast<int>(wanted_));
    // A walk that may keep all rows meets all of them.
    if (static_cast<uint32_t>(walk.ef) >= shard.rows()) return false;
    const Bitmap* filter = nullptr;
    if (params_.filter != nullptr) {
      filter = &params_.filter->rows[s];
      const auto plan =
          PlanFilteredWalk(walk.ef, AtMostMatching(s, live), shard.rows());
      if (!plan) return false;
      walk = *plan;
    }
    const RowDistances distances(compare_, shard);
    // So many are nearer already. A recall that was promised is that of a walk
    // through this graph alone; a filter may cut it in two, which shows where a
    // walk finds less than it may.
    if (params_.min_recall == 0 && filter == nullptr &&
        SharesOrderOfDot(params_.metric) && std::ssize(nearest_) >= walk.ef) {
      walk.bound =
          nearest_[static_cast<size_t>(walk.ef) - 1] - distances.constant();
      walk.least = static_cast<int>(std::max(Kept(), kLeastFound));
    }
    GraphView::Walked walked =
        filter != nullptr
            ? shard.graph()->Search(
                  distances,
                  [filter](uint32_t row) { return filter->Get(row); }, walk)
            : shard.graph()->Search(
                  distances, [&live](uint32_t row) { return live.IsLive(row); },
                  walk);
    result_.rows_visited += walked.distances;
    // Rows that are dead may cut the graph in two as well.
    const bool full = walked.bounded || std::ssize(walked.found) == walk.ef;
    if (walked.gave_up || !full) return false;
    result_.plan = filter != nullptr ? SearchResult::Plan::kFilteredWalk
                                     : SearchResult::Plan::kGraphWalk;
    result_.ef = std::max(result_.ef, walk.ef);
    recall_.Note(s, RanksAsked(), static_cast<int>(walked.found.size()));

    for (const GraphView::Candidate& one : walked.found) {
      nearest_.push_back(one.distance + distances.constant());
    }
    std::inplace_merge(nearest_.begin(),
                       nearest_.end() - std::ssize(walked.found),
                       nearest_.end());
    float last = reach_ - distances.constant();
    std::vector<Candidate> near;
    for (const GraphView::Candidate& one : walked.found) {
      if (one.distance > last + kMisplaced * distances.error()) break;
      near.push_back({one.distance, s, one.row});
      if (near.size() == Kept()) last = std::min(last, one.distance);
    }
    const bool all = near.size() == walked.found.size();
    near = CompareExactly(std::move(near));
    // Rows that it has not met come after these.
    if (all) EndAt(*std::max_element(near.begin(), near.end(), before_));
    Admit(near, /*more=*/true);
    return true;
  }

  // Among how many of the nearest products the hits are looked for: recall is
  // measured with one product excluded.
  int RanksAsked() const {
    return static_cast<int>(
        wanted_ - std::min<size_t>(params_.excluded_products.size(), 1));
  }

  // Rows that no candidate stands for come after `last`, or after what was
  // told before.
  void EndAt(const Candidate& last) {
    if (!horizon_ || before_(last, *horizon_)) horizon_ = last;
  }

  // The first needed_ hits of the candidates, best first. Whether it ended at
  // a candidate that scores less than the least that is asked for.
  bool Select(std::vector<SearchHit>* hits) {
    std::sort(candidates_.begin(), candidates_.end(), before_);
    absl::flat_hash_set<std::string_view> seen;
    selection_.Begin();
    if (params_.first != nullptr) {
      seen.insert(params_.first->key().product_id);
      hits->push_back(*params_.first);
      selection_.Add(*params_.first->shard, params_.first->row);
    }
    for (const Candidate& candidate : candidates_) {
      if (hits->size() == needed_) return false;
      if (horizon_ && before_(*horizon_, candidate)) return false;
      const float score = compare_.ScoreOf(candidate.order);
      if (score < params_.min_score) return true;
      const Shard& shard = *snapshot_.shards()[candidate.shard].shard;
      const std::string_view product_id = shard.key(candidate.row).product_id;
      if (params_.excluded_products.contains(product_id)) continue;
      if (params_.first != nullptr && params_.first->shard == &shard &&
          params_.first->row == candidate.row) {
        continue;
      }
      if (params_.group_by_product && !seen.insert(product_id).second) continue;
      if (!selection_.Admit(shard, candidate.row, hits)) continue;
      hits->push_back({&shard,
                       candidate.row,
                       score,
                       compare_.DistanceOf(candidate.order),
                       {},
                       {}});
    }
    return false;
  }

  const Snapshot& snapshot_;
  const SearchParams& params_;
  const size_t needed_;  // How many hits.
  size_t wanted_;        // How many candidates, at the least.
  WalkRecall recall_;
  Comparer compare_;
  const ComesBefore before_;
  HitSelection selection_;
  SearchResult result_;
  std::vector<Candidate> candidates_;  // The best so far, no more than Kept().
  // The order of the last of them once they are so many: what comes after it is
  // of no use.
  float reach_ = std::numeric_limits<float>::infinity();
  std::vector<float> nearest_;  // Orders of what walks have found, rising.
  bool exhausted_ = true;       // The candidates are all rows.
  bool stopped_ = false;
  // What comes after it may come after rows that no candidate stands for.
  std::optional<Candidate> horizon_;
};

// Scans rows of a shard for searchers; those of one filter share the reading.
void ScanTogether(
    const LiveShard& live, uint32_t s,
    std::vector<std::pair<Searcher*, std::unique_ptr<ShardScan>>> scans) {
  std::vector<ShardScan*> alike;
  for (size_t i = 0; i < scans.size(); ++i) {
    if (scans[i].first == nullptr) continue;
    const Bitmap* filter = scans[i].first->FilterOf(s);
    alike.clear();
    for (size_t j = i; j < scans.size(); ++j) {
      if (scans[j].first != nullptr && scans[j].first->FilterOf(s) == filter)
        alike.push_back(scans[j].second.get());
    }
    ScanRows(live, filter, alike);
    for (size_t j = i; j < scans.size(); ++j) {
      if (scans[j].first == nullptr || scans[j].first->FilterOf(s) != filter)
        continue;
      scans[j].first->Admit(scans[j].second.get());
      scans[j].first = nullptr;
    }
  }
}

// The shards in the order in which they are looked into: the largest graphs
// bound the walks through the others.
std::vector<uint32_t> OrderOf(const std::vector<LiveShard>& shards) {
  std::vector<uint32_t> order(shards.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return shards[a].shard->rows() > shards[b].shard->rows();
  });
  return order;
}

// Runs searchers to their ends.
void RunAll(const Snapshot& snapshot, std::vector<Searcher*> running) {
  const std::vector<uint32_t> order = OrderOf(snapshot.shards());
  while (!running.empty()) {
    for (Searcher* searcher : running) searcher->BeginRound();
    for (const uint32_t s : order) {
      std::vector<std::pair<Searcher*, std::unique_ptr<ShardScan>>> scans;
      for (Searcher* searcher : running) {
        if (auto scan = searcher->Look(s))
          scans.emplace_back(searcher, std::move(scan));
      }
      ScanTogether(snapshot.shards()[s], s, std::move(scans));
    }
    std::erase_if(running,
                  [](Searcher* searcher) { return searcher->EndRound(); });
  }
}

}  // namespace

Metric MetricOf(const storage::VectorSet& set) {
  switch (set.metric()) {
    case storage::VectorSet::METRIC_EUCLIDEAN:
      return Metric::kEuclidean;
    case storage::VectorSet::METRIC_MANHATTAN:
      return Metric::kManhattan;
    default:
      return Metric::kCosine;
  }
}

absl::StatusOr<SearchResult> Search(const Snapshot& snapshot,
                                    std::span<const float> query,
                                    const SearchParams& params) {
  VITRINE_RETURN_IF_ERROR(CheckSearchParams(snapshot, query, params));
  Searcher searcher(snapshot, query, params);
  RunAll(snapshot, {&searcher});
  return searcher.Take();
}

std::vector<absl::StatusOr<SearchResult>> SearchBatch(
    const Snapshot& snapshot, std::span<const SearchQuery> queries) {
  std::vector<absl::StatusOr<SearchResult>> results;
  std::vector<std::unique_ptr<Searcher>> searchers;
  std::vector<Searcher*> running;
  for (const SearchQuery& query : queries) {
    const absl::Status status =
        CheckSearchParams(snapshot, query.vector, *query.params);
    if (status.ok()) {
      results.emplace_back(SearchResult());
      searchers.push_back(
          std::make_unique<Searcher>(snapshot, query.vector, *query.params));
      running.push_back(searchers.back().get());
    } else {
      results.emplace_back(status);
      searchers.push_back(nullptr);
    }
  }
  RunAll(snapshot, std::move(running));
  for (size_t i = 0; i < results.size(); ++i) {
    if (searchers[i] != nullptr) results[i] = searchers[i]->Take();
  }
  return results;
}

}  // namespace vitrine
