#include "common/index/recall_measure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <random>
#include <string>

#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/index/comparer.h"
#include "common/index/recall.h"
#include "common/index/search.h"
#include "common/index/search_plan.h"
#include "common/vector/half.h"

namespace vitrine {
namespace {

constexpr int kQueries = 1000;
// The cosine of a query to the row that it was made of, in each block. Noise in
// all directions leads no walk astray as a new picture does, so that there is
// much of it: at 0.4 the bounds lie below what photos find that a graph has not
// seen, at every ef (`vitrine-bench --rows=recall`); at 0.9 they lie above.
constexpr float kLikeness = 0.4F;
constexpr std::array<double, 3> kPassing = {0.5, 0.1, 0.01};
constexpr std::array<double, 2> kTilts = {0.5, 1};
constexpr int kPivots = 3;
// A mean recall that a larger ef would hardly show to be better.
constexpr double kEnough = 0.9985;

struct Ladder {
  int k;
  std::vector<int> plain;
  std::vector<int> others;  // Of kinds that are rarely asked.
};

const std::array<Ladder, 2>& Ladders() {
  static const auto& ladders = *new std::array<Ladder, 2>{
      {{10,
        {16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024},
        {16, 32, 64, 128, 256, 512}},
       {100, {104, 128, 192, 256, 384, 512, 768, 1024}, {104, 256, 512}}}};
  return ladders;
}

struct Query {
  std::vector<float> vector;
  std::string_view product;
};

// Measures the one shard of a snapshot.
class Meter {
 public:
  Meter(const Snapshot& snapshot, int threads, const StopRequested& stop)
      : snapshot_(snapshot),
        shard_(*snapshot.shards().front().shard),
        metric_(MetricOf(snapshot.set())),
        threads_(threads),
        stop_(stop) {
    for (int i = 0; i < kQueries; ++i) queries_.push_back(Draw());
  }

  absl::StatusOr<RecallCurves> Run() {
    RecallCurves curves;
    VITRINE_RETURN_IF_ERROR(Measure({}, {}, {}, &curves));
    for (size_t b = 0; b < snapshot_.blocks().size(); ++b) {
      if (snapshot_.blocks().size() < 2) break;
      for (double tilt : kTilts) {
        const QueryKind kind = {1, static_cast<int>(b), tilt};
        VITRINE_RETURN_IF_ERROR(
            Measure(kind, EmphasisOfKind(snapshot_.blocks(), kind.block, tilt),
                    {}, &curves));
      }
    }
    const std::vector<std::vector<uint32_t>> orders = Orders();
    for (double passing : kPassing) {
      const auto matching =
          static_cast<uint32_t>(std::llround(passing * shard_.rows()));
      // Where the search would rather scan there is nothing to measure.
      if (!PlanFilteredWalk(Ladders()[0].others.front(), matching,
                            shard_.rows())) {
        continue;
      }
      VITRINE_RETURN_IF_ERROR(
          Measure({passing, 0, 0}, {}, FiltersOf(orders, matching), &curves));
    }
    return curves;
  }

 private:
  // A row with noise.
  Query Draw() {
    const auto row = static_cast<uint32_t>(
        std::uniform_int_distribution<int64_t>(0, shard_.rows() - 1)(random_));
    Query query;
    query.product = shard_.key(row).product_id;
    query.vector.resize(static_cast<size_t>(shard_.dim()));
    FloatsFromHalves(shard_.vector(row), query.vector.size(),
                     query.vector.data());
    std::normal_distribution<float> normal;
    float* block = query.vector.data();
    for (const Block& spec : snapshot_.blocks()) {
      // Noise that is as long as the tangent of the angle asks.
      const float scale =
          std::sqrt(spec.weight * (1 / (kLikeness * kLikeness) - 1) /
                    static_cast<float>(spec.dim));
      for (int i = 0; i < spec.dim; ++i) block[i] += scale * normal(random_);
      block += spec.dim;
    }
    NormaliseBlocks(snapshot_.blocks(), query.vector.data());
    return query;
  }

  // Rows in some orders, of which a filter lets the first pass: any, those
  // nearest to some row, or those farthest from it, so that filters are with
  // the query, against it and neither.
  std::vector<std::vector<uint32_t>> Orders() {
    std::vector<std::vector<uint32_t>> orders;
    for (int i = 0; i < kPivots; ++i) {
      std::vector<uint32_t> order(shard_.rows());
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.end(), random_);
      std::vector<float> pivot(static_cast<size_t>(shard_.dim()));
      FloatsFromHalves(shard_.vector(order.front()), pivot.size(),
                       pivot.data());
      orders.push_back(order);
      const Comparer comparer(snapshot_.blocks(), pivot, metric_, {});
      std::vector<float> distance(shard_.rows());
      for (uint32_t row : order)
        distance[row] = comparer.Order(shard_.vector(row));
      std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
        return distance[a] < distance[b];
      });
      orders.push_back(order);
      std::reverse(order.begin(), order.end());
      orders.push_back(std::move(order));
    }
    return orders;
  }

  std::vector<RowFilter> FiltersOf(
      const std::vector<std::vector<uint32_t>>& orders,
      uint32_t matching) const {
    std::vector<RowFilter> filters;
    for (const std::vector<uint32_t>& order : orders) {
      Bitmap rows(shard_.rows());
      for (uint32_t i = 0; i < matching; ++i) rows.Set(order[i]);
      filters.emplace_back().Add(std::move(rows));
    }
    return filters;
  }

  // Asks every query; `answers` gets the results.
  absl::Status Ask(const SearchParams& params,
                   const std::vector<RowFilter>& filters,
                   std::vector<SearchResult>* answers) const {
    const size_t n = queries_.size();
    // Queries with one filter are asked together.
    const size_t strands = std::max<size_t>(filters.size(), 1);
    constexpr size_t kAtOnce = 32;
    std::vector<std::vector<size_t>> batches;
    for (size_t strand = 0; strand < strands; ++strand) {
      for (size_t q = strand; q < n; q += strands) {
        if (q == strand || batches.back().size() == kAtOnce)
          batches.emplace_back();
        batches.back().push_back(q);
      }
    }
    answers->resize(n);
    std::vector<absl::Status> statuses(batches.size());
    ParallelFor(static_cast<int>(batches.size()), threads_, [&](int b) {
      if (stop_ && stop_()) {
        statuses[static_cast<size_t>(b)] =
            absl::CancelledError("measuring recall was stopped");
        return;
      }
      const std::vector<size_t>& batch = batches[static_cast<size_t>(b)];
      std::vector<SearchParams> mine(batch.size(), params);
      std::vector<SearchQuery> asked;
      for (size_t i = 0; i < batch.size(); ++i) {
        const Query& query = queries_[batch[i]];
        mine[i].excluded_products.insert(query.product);
        if (!filters.empty()) mine[i].filter = &filters[batch[i] % strands];
        asked.push_back({query.vector, &mine[i]});
      }
      auto results = SearchBatch(snapshot_, asked);
      for (size_t i = 0; i < batch.size(); ++i) {
        statuses[static_cast<size_t>(b)].Update(results[i].status());
        if (results[i].ok()) (*answers)[batch[i]] = *std::move(results[i]);
      }
    });
    for (const absl::Status& status : statuses) VITRINE_RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }

  absl::Status Measure(const QueryKind& kind,
                       const std::vector<float>& emphasis,
                       const std::vector<RowFilter>& filters,
                       RecallCurves* curves) const {
    const bool plain = emphasis.empty() && filters.empty();
    SearchParams params;
    params.metric = metric_;
    params.emphasis = emphasis;
    params.min_score = -2;
    std::vector<SearchResult> truth, answers;
    for (const Ladder& ladder : Ladders()) {
      storage::RecallCurve curve;
      for (int ef : plain ? ladder.plain : ladder.others) {
        // A scan is cheaper, and misses nothing.
        if (!PlanFilteredWalk(ef, shard_.rows(), shard_.rows())) break;
        if (truth.empty()) {
          params.scan = true;
          params.k = Ladders().back().k;
          VITRINE_RETURN_IF_ERROR(Ask(params, filters, &truth));
          params.scan = false;
        }
        params.ef = ef;
        params.k = ladder.k;
        VITRINE_RETURN_IF_ERROR(Ask(params, filters, &answers));
        std::vector<double> recalls;
        for (size_t q = 0; q < truth.size(); ++q)
          recalls.push_back(RecallOf(truth[q], answers[q], ladder.k));
        curve.add_ef(static_cast<uint32_t>(ef));
        curve.add_recall(static_cast<float>(LowerBound(recalls)));
        const double found =
            std::accumulate(recalls.begin(), recalls.end(), 0.0);
        if (found >= kEnough * static_cast<double>(recalls.size())) break;
      }
      if (curve.ef_size() == 0) continue;
      curve.set_k(static_cast<uint32_t>(ladder.k));
      curve.set_passing(static_cast<float>(kind.passing));
      curve.set_block(static_cast<uint32_t>(kind.block));
      curve.set_tilt(static_cast<float>(kind.tilt));
      curve.set_queries(kQueries);
      *curves->Add() = std::move(curve);
    }
    return absl::OkStatus();
  }

  const Snapshot& snapshot_;
  const Shard& shard_;
  const Metric metric_;
  const int threads_;
  const StopRequested& stop_;
  std::mt19937 random_{1};
  std::vector<Query> queries_;
};

}  // namespace

absl::Status MeasureRecall(const IndexPaths& paths,
                           const storage::VectorSet& set, int threads,
                           const StopRequested& stop, storage::Shard* shard) {
  storage::Manifest alone;
  storage::VectorSet* only = alone.add_vector_sets();
  *only = set;
  only->set_state(storage::VectorSet::STATE_SERVING);
  only->clear_shards();
  *only->add_shards() = *shard;
  VITRINE_ASSIGN_OR_RETURN(auto snapshot,
                           Snapshot::Open(paths, alone, nullptr));
  VITRINE_ASSIGN_OR_RETURN(*shard->mutable_recall(),
                           Meter(*snapshot, threads, stop).Run());
  return absl::OkStatus();
}

}  // namespace vitrine
