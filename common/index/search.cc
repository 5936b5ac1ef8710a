#include "common/index/search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/index/comparer.h"
#include "common/index/search_plan.h"

namespace vitrine {
namespace {

constexpr int kMaxEf = 4096;
constexpr int kMaxResults = 1000;
constexpr size_t kScannedAtOnce = 256;
// To code the query takes as long as to compare some rows exactly.
constexpr size_t kCodedFrom = 4;

// How far, in standard deviations of an estimate, one row may stand behind
// another and still be the nearer one: five of the difference of two, which are
// √2 times as large.
constexpr float kMisplaced = 7;

// Whether a graph of `space` leads to the neighbours under `metric`.
// Manhattan's are others than the dot product's, most of them far down its
// order: among 600 photos, the 256 nearest by the one held 8 of the 10 nearest
// by the other.
bool OrdersAlike(GraphSpace space, Metric metric) {
  return (space == GraphSpace::kDot) == SharesOrderOfDot(metric);
}

struct Candidate {
  float order;
  uint32_t shard;
  uint32_t row;
};

// The `wanted` least of what is offered; ties go to the lower row, which has
// the lower product id.
class Best {
 public:
  explicit Best(size_t wanted) : wanted_(wanted) {}
  void Offer(const Candidate& candidate) {
    if (heap_.size() == wanted_) {
      if (!Less(candidate, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), Less);
      heap_.back() = candidate;
    } else {
      heap_.push_back(candidate);
    }
    std::push_heap(heap_.begin(), heap_.end(), Less);
  }
  std::vector<Candidate> Take() { return std::move(heap_); }
  bool full() const { return heap_.size() == wanted_; }
  // The order of the last of them; at least one was offered.
  float last() const { return heap_.front().order; }

 private:
  static bool Less(const Candidate& a, const Candidate& b) {
    return a.order != b.order ? a.order < b.order : a.row < b.row;
  }
  size_t wanted_;
  std::vector<Candidate> heap_;
};

// The order of an answer; ties go by product id, then image key.
struct ComesBefore {
  const Snapshot& snapshot;

  bool operator()(const Candidate& a, const Candidate& b) const {
    if (a.order != b.order) return a.order < b.order;
    const RowKey x = snapshot.shards()[a.shard].shard->key(a.row);
    const RowKey y = snapshot.shards()[b.shard].shard->key(b.row);
    return std::tie(x.product_id, x.image_key) <
           std::tie(y.product_id, y.image_key);
  }
};

class Searcher {
 public:
  Searcher(const Snapshot& snapshot, std::span<const float> query,
           const SearchParams& params)
      : snapshot_(snapshot),
        params_(params),
        compare_(snapshot.blocks(), query, params.metric, params.emphasis),
        before_{snapshot} {}

  SearchResult Run() {
    SearchResult result;
    result.rows_matching = static_cast<int64_t>(params_.filter != nullptr
                                                    ? params_.filter->matching
                                                    : snapshot_.images());
    const auto needed =
        static_cast<size_t>(params_.offset) + static_cast<size_t>(params_.k);
    // Several rows may be of one product or of an excluded one: the search
    // widens until enough hits stand or every row has been offered.
    for (size_t wanted = needed + params_.excluded_products.size();;
         wanted *= 2) {
      const bool exhausted = Collect(wanted, &result);
      std::vector<SearchHit> hits;
      const bool below_min_score = Select(needed, &hits);
      if (hits.size() < needed && !exhausted && !below_min_score) continue;
      hits.erase(hits.begin(),
                 hits.begin() + std::min<std::ptrdiff_t>(params_.offset,
                                                         std::ssize(hits)));
      for (SearchHit& hit : hits) {
        hit.block_cosines = compare_.BlockCosines(hit.shard->vector(hit.row));
      }
      result.hits = std::move(hits);
      return result;
    }
  }

 private:
  // Fills candidates_ with the best of each shard, `wanted` at the least.
  // Whether no shard has any more.
  bool Collect(size_t wanted, SearchResult* result) {
    candidates_.clear();
    horizon_.reset();
    bool exhausted = true;
    result->ef = 0;
    result->plan = params_.filter != nullptr ? SearchResult::Plan::kFilteredScan
                                             : SearchResult::Plan::kExactScan;
    for (uint32_t s = 0; s < snapshot_.shards().size(); ++s) {
      const LiveShard& live = snapshot_.shards()[s];
      const bool walkable =
          live.shard->graph() != nullptr && !params_.exact && wanted < kMaxEf &&
          wanted < live.shard->rows() &&
          OrdersAlike(live.shard->graph_space(), params_.metric);
      if (walkable && Walk(s, live, wanted, result)) {
        exhausted = false;
      } else {
        exhausted &= Scan(s, live, wanted, result);
      }
    }
    return exhausted;
  }

  // How many candidates of a shard are kept so that `wanted` hits may stand: a
  // product may have several rows, and to keep more costs less than to search
  // again.
  size_t Kept(size_t wanted) const {
    return params_.group_by_product ? 2 * wanted : wanted;
  }

  // Calls visit(row) for the rows of a shard that match.
  template <typename Visit>
  void ForEachMatching(uint32_t s, const LiveShard& live,
                       const Visit& visit) const {
    if (params_.filter != nullptr) {
      params_.filter->rows[s].ForEach(visit);
      return;
    }
    for (uint32_t row = 0; row < live.shard->rows(); ++row) {
      if (live.IsLive(row)) visit(row);
    }
  }

  // Compares all rows that match. Whether that exhausts the shard.
  bool Scan(uint32_t s, const LiveShard& live, size_t wanted,
            SearchResult* result) {
    const Shard& shard = *live.shard;
    const size_t kept = Kept(wanted);
    if (!params_.exact && AtMostMatching(s, live) > kCodedFrom * kept) {
      const RowDistances distances(compare_, shard);
      if (distances.coded()) return ScanCodes(s, live, distances, kept, result);
    }
    Best best(kept);
    size_t offered = 0;
    ForEachMatching(s, live, [&](uint32_t row) {
      ++offered;
      best.Offer({compare_.Order(shard.vector(row)), s, row});
    });
    result->rows_visited += static_cast<int64_t>(offered);
    return Admit(best.Take(), kept, offered > kept);
  }

  // Likewise by codes, and then exactly those that may be among the best.
  bool ScanCodes(uint32_t s, const LiveShard& live,
                 const RowDistances& distances, size_t kept,
                 SearchResult* result) {
    Best best(kept);
    std::vector<Candidate> near;
    const float margin = kMisplaced * distances.error();
    std::array<uint32_t, kScannedAtOnce> rows;
    std::array<float, kScannedAtOnce> orders;
    size_t count = 0, offered = 0;
    auto compare = [&] {
      distances(rows.data(), count, orders.data());
      for (size_t i = 0; i < count; ++i) {
        if (best.full() && orders[i] > best.last() + margin) continue;
        near.push_back({orders[i], s, rows[i]});
        best.Offer(near.back());
      }
      offered += count;
      count = 0;
    };
    ForEachMatching(s, live, [&](uint32_t row) {
      rows[count++] = row;
      if (count == kScannedAtOnce) compare();
    });
    compare();
    result->rows_visited += static_cast<int64_t>(offered);
    if (offered == 0) return true;
    const float last = best.last() + margin;
    std::erase_if(near,
                  [last](const Candidate& one) { return one.order > last; });
    return Admit(CompareExactly(std::move(near)), kept, offered > kept);
  }

  std::vector<Candidate> CompareExactly(
      std::vector<Candidate> estimated) const {
    for (Candidate& candidate : estimated) {
      const Shard& shard = *snapshot_.shards()[candidate.shard].shard;
      candidate.order = compare_.Order(shard.vector(candidate.row));
    }
    return estimated;
  }

  // Takes the best `kept` of a shard's rows as candidates; `more` tells that it
  // has others. Whether it has none.
  bool Admit(std::vector<Candidate> found, size_t kept, bool more) {
    if (found.size() > kept) {
      std::nth_element(found.begin(),
                       found.begin() + static_cast<ptrdiff_t>(kept) - 1,
                       found.end(), before_);
      found.resize(kept);
    }
    if (more && !found.empty()) {
      EndAt(*std::max_element(found.begin(), found.end(), before_));
    }
    candidates_.insert(candidates_.end(), found.begin(), found.end());
    return !more;
  }

  // The rows of a shard that match; with no filter, dead ones are counted too.
  uint32_t AtMostMatching(uint32_t s, const LiveShard& live) const {
    return params_.filter != nullptr ? params_.filter->counts[s]
                                     : live.shard->rows();
  }

  // Walks the graph of a shard. False, and no candidate, where to scan the rows
  // that match is as good, or the walk found too few: one that fills less than
  // it may has met every row that it can reach, and cannot know of the others.
  bool Walk(uint32_t s, const LiveShard& live, size_t wanted,
            SearchResult* result) {
    const Shard& shard = *live.shard;
    GraphView::WalkParams walk;
    walk.ef = std::max(params_.ef > 0 ? params_.ef : kDefaultEf,
                       static_cast<int>(wanted));
    const Bitmap* filter = nullptr;
    if (params_.filter != nullptr) {
      filter = &params_.filter->rows[s];
      const auto plan =
          PlanFilteredWalk(walk.ef, AtMostMatching(s, live), shard.rows());
      if (!plan) return false;
      walk = *plan;
    }
    const RowDistances distances(compare_, shard);
    GraphView::Walked walked =
        filter != nullptr
            ? shard.graph()->Search(
                  distances,
                  [filter](uint32_t row) { return filter->Get(row); }, walk)
            : shard.graph()->Search(
                  distances, [&live](uint32_t row) { return live.IsLive(row); },
                  walk);
    result->rows_visited += walked.distances;
    // A filter, or rows that are dead, may cut the graph in two.
    const bool full = std::ssize(walked.found) == walk.ef;
    if (walked.gave_up || !full) return false;
    result->plan = filter != nullptr ? SearchResult::Plan::kFilteredWalk
                                     : SearchResult::Plan::kGraphWalk;
    result->ef = std::max(result->ef, walk.ef);

    const size_t kept = std::min(Kept(wanted), walked.found.size());
    std::vector<Candidate> near;
    for (const GraphView::Candidate& one : walked.found) {
      if (near.size() >= kept &&
          one.distance >
              near[kept - 1].order + kMisplaced * distances.error()) {
        break;
      }
      near.push_back({one.distance, s, one.row});
    }
    Admit(CompareExactly(std::move(near)), kept,
          /*more=*/true);
    return true;
  }

  // `last` is the last candidate of a shard that has more.
  void EndAt(const Candidate& last) {
    if (!horizon_ || before_(last, *horizon_)) horizon_ = last;
  }

  // The first `needed` hits of the candidates, best first. Whether it ended at
  // a candidate that scores less than the least that is asked for.
  bool Select(size_t needed, std::vector<SearchHit>* hits) {
    std::sort(candidates_.begin(), candidates_.end(), before_);
    absl::flat_hash_set<std::string_view> seen;
    for (const Candidate& candidate : candidates_) {
      if (hits->size() == needed) return false;
      if (horizon_ && before_(*horizon_, candidate)) return false;
      const float score = compare_.ScoreOf(candidate.order);
      if (score < params_.min_score) return true;
      const Shard& shard = *snapshot_.shards()[candidate.shard].shard;
      const std::string_view product_id = shard.key(candidate.row).product_id;
      if (params_.excluded_products.contains(product_id)) continue;
      if (params_.group_by_product && !seen.insert(product_id).second) continue;
      hits->push_back({&shard,
                       candidate.row,
                       score,
                       compare_.DistanceOf(candidate.order),
                       {}});
    }
    return false;
  }

  const Snapshot& snapshot_;
  const SearchParams& params_;
  Comparer compare_;
  const ComesBefore before_;
  std::vector<Candidate> candidates_;
  // What comes after it may come after rows that no candidate stands for: the
  // first of the last candidates of those shards that have more.
  std::optional<Candidate> horizon_;
};

absl::Status OutOfRange(std::string_view field, double value, double low,
                        double high) {
  const absl::string_view name(field.data(), field.size());
  return MakeError(
      absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
      absl::StrCat(name, " is ", value, ": give ", low, " to ", high), field,
      value < low ? low : high);
}

absl::Status CheckParams(const Snapshot& snapshot, std::span<const float> query,
                         const SearchParams& params) {
  if (query.size() != static_cast<size_t>(snapshot.dim())) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     v1::ERROR_REASON_WRONG_DIMENSION,
                     absl::StrCat("the query has ", query.size(),
                                  " numbers, but vectors of this index have ",
                                  snapshot.dim()),
                     "", snapshot.dim());
  }
  if (params.k < 1 || params.k > kMaxResults)
    return OutOfRange("k", params.k, 1, kMaxResults);
  if (params.offset < 0 || params.offset > kMaxResults - params.k) {
    return OutOfRange("offset", params.offset, 0, kMaxResults - params.k);
  }
  if (params.ef < 0 || params.ef > kMaxEf)
    return OutOfRange("ef", params.ef, 1, kMaxEf);
  if (!std::isfinite(params.min_score)) {
    return OutOfRange("min_score", params.min_score, 0, 1);
  }
  if (params.emphasis.empty()) return absl::OkStatus();
  if (params.emphasis.size() != snapshot.blocks().size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are ", params.emphasis.size(), " emphases for ",
                     snapshot.blocks().size(), " blocks"));
  }
  double total = 0;
  for (size_t b = 0; b < params.emphasis.size(); ++b) {
    const float emphasis = params.emphasis[b];
    if (!(emphasis >= 0 && emphasis <= 1e6f))
      return OutOfRange("emphasis", emphasis, 0, 1e6);
    total += static_cast<double>(emphasis) * snapshot.blocks()[b].weight;
  }
  if (total <= 0) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
        "every block's emphasis is 0: give at least one a positive one",
        "emphasis", 0);
  }
  return absl::OkStatus();
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
  VITRINE_RETURN_IF_ERROR(CheckParams(snapshot, query, params));
  return Searcher(snapshot, query, params).Run();
}

}  // namespace vitrine
