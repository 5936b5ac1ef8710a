#include "common/index/search.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/vector/kernels.h"

namespace vitrine {
namespace {

constexpr int kMaxEf = 4096;
constexpr int kMaxResults = 1000;

bool SharesOrderOfDot(Metric metric) { return metric != Metric::kManhattan; }

// Whether a graph of `space` leads to the neighbours under `metric`.
// Manhattan's are others than the dot product's, most of them far down its
// order: among 600 photos, the 256 nearest by the one held 8 of the 10 nearest
// by the other.
bool OrdersAlike(GraphSpace space, Metric metric) {
  return (space == GraphSpace::kDot) == SharesOrderOfDot(metric);
}

// The distance of one query to stored rows, emphasis included.
class Comparer {
 public:
  Comparer(const std::vector<Block>& blocks, std::span<const float> query,
           Metric metric, const std::vector<float>& emphasis)
      : blocks_(blocks),
        plain_(query),
        metric_(metric),
        scaled_(query.begin(), query.end()) {
    double total = 0;
    for (size_t b = 0; b < blocks.size(); ++b) {
      total += (emphasis.empty() ? 1.0 : emphasis[b]) * blocks[b].weight;
    }
    size_t offset = 0;
    for (size_t b = 0; b < blocks.size(); ++b) {
      scale_.push_back(
          static_cast<float>((emphasis.empty() ? 1.0 : emphasis[b]) / total));
      for (int i = 0; i < blocks[b].dim; ++i) scaled_[offset++] *= scale_[b];
    }
  }

  // 1 - similarity, whose order is that of cosine and Euclidean.
  float DotDistance(const uint16_t* row) const {
    return 1 - DotHalf(scaled_.data(), row, scaled_.size());
  }
  float L1Distance(const uint16_t* row) const {
    float sum = 0;
    const float* q = plain_.data();
    for (size_t b = 0; b < blocks_.size(); ++b) {
      sum += scale_[b] * L1Half(q, row, static_cast<size_t>(blocks_[b].dim));
      q += blocks_[b].dim;
      row += blocks_[b].dim;
    }
    return sum;
  }
  // By what the answer is ordered.
  float Order(const uint16_t* row) const {
    return SharesOrderOfDot(metric_) ? DotDistance(row) : L1Distance(row);
  }

  float DistanceOf(float order) const {
    return metric_ == Metric::kEuclidean ? std::sqrt(std::max(0.0f, 2 * order))
                                         : order;
  }
  float ScoreOf(float order) const {
    if (metric_ == Metric::kCosine) return std::clamp(1 - order, 0.0f, 1.0f);
    return 1 / (1 + std::max(0.0f, DistanceOf(order)));
  }

  std::vector<float> BlockCosines(const uint16_t* row) const {
    std::vector<float> cosines;
    size_t offset = 0;
    for (const Block& block : blocks_) {
      const float dot = DotHalf(plain_.data() + offset, row + offset,
                                static_cast<size_t>(block.dim));
      cosines.push_back(
          block.weight > 0 ? std::clamp(dot / block.weight, -1.0f, 1.0f) : 0);
      offset += static_cast<size_t>(block.dim);
    }
    return cosines;
  }

 private:
  const std::vector<Block>& blocks_;
  std::span<const float> plain_;
  Metric metric_;
  std::vector<float> scaled_;
  std::vector<float> scale_;
};

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
    result->plan = params_.filter != nullptr ? SearchResult::Plan::kFilteredScan
                                             : SearchResult::Plan::kExactScan;
    for (uint32_t s = 0; s < snapshot_.shards().size(); ++s) {
      const LiveShard& live = snapshot_.shards()[s];
      const bool walk = live.shard->graph() != nullptr && !params_.exact &&
                        params_.filter == nullptr && wanted < kMaxEf &&
                        wanted < live.shard->rows() &&
                        OrdersAlike(live.shard->graph_space(), params_.metric);
      if (walk) {
        exhausted &= Walk(s, live, wanted, result);
        result->plan = SearchResult::Plan::kGraphWalk;
      } else {
        exhausted &= Scan(s, live, wanted, result);
      }
    }
    return exhausted;
  }

  bool Scan(uint32_t s, const LiveShard& live, size_t wanted,
            SearchResult* result) {
    // A product may have several rows, and to keep more costs less than to scan
    // again.
    Best best(params_.group_by_product ? 2 * wanted : wanted);
    size_t offered = 0;
    auto offer = [&](uint32_t row) {
      ++offered;
      best.Offer({compare_.Order(live.shard->vector(row)), s, row});
    };
    if (params_.filter != nullptr) {
      params_.filter->rows[s].ForEach(offer);
    } else {
      for (uint32_t row = 0; row < live.shard->rows(); ++row) {
        if (live.IsLive(row)) offer(row);
      }
    }
    result->rows_visited += static_cast<int64_t>(offered);
    const std::vector<Candidate> found = best.Take();
    candidates_.insert(candidates_.end(), found.begin(), found.end());
    const bool exhausted = offered <= found.size();
    if (!exhausted) {
      EndAt(*std::max_element(found.begin(), found.end(), before_));
    }
    return exhausted;
  }

  bool Walk(uint32_t s, const LiveShard& live, size_t wanted,
            SearchResult* result) {
    const Shard& shard = *live.shard;
    const int ef = std::max(params_.ef > 0 ? params_.ef : kDefaultEf,
                            static_cast<int>(wanted));
    result->ef = std::max(result->ef, ef);
    const std::vector<GraphView::Candidate> found = shard.graph()->Search(
        [&](uint32_t row) { return compare_.Order(shard.vector(row)); },
        [&live](uint32_t row) { return live.IsLive(row); }, ef,
        &result->rows_visited);
    for (const GraphView::Candidate& candidate : found) {
      candidates_.push_back({candidate.distance, s, candidate.row});
    }
    if (std::ssize(found) == ef) EndAt(candidates_.back());
    // A walk that fills less than it may has met every row that it can reach,
    // but cannot know of those that it cannot: only a scan exhausts a shard.
    return false;
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
