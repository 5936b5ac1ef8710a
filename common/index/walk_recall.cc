#include "common/index/walk_recall.h"

#include <algorithm>

namespace vitrine {
namespace {

using Basis = SearchResult::RecallBasis;

// As many rows may die before a graph is built anew.
constexpr double kFewDead = 0.2;
constexpr double kLeastRecall = 0.01;

}  // namespace

WalkRecall::WalkRecall(const Snapshot& snapshot, const SearchParams& params)
    : snapshot_(snapshot),
      params_(params),
      emphasis_kind_(KindOfEmphasis(snapshot.blocks(), params.emphasis)) {}

bool WalkRecall::IsSelective() const {
  return params_.collapse_near_duplicates || !params_.diversity.empty();
}

const RecallCurves& WalkRecall::CurvesOf(uint32_t s) const {
  return snapshot_.set().shards(static_cast<int>(s)).recall();
}

std::optional<QueryKind> WalkRecall::KindOf(uint32_t s) const {
  if (!emphasis_kind_ || IsSelective()) return std::nullopt;
  const double rows = snapshot_.shards()[s].shard->rows();
  const auto dead = static_cast<double>(
      snapshot_.set().shards(static_cast<int>(s)).deletions().entries());
  QueryKind kind = *emphasis_kind_;
  if (params_.filter != nullptr) {
    kind.passing = params_.filter->counts[s] / rows;
  } else if (dead > kFewDead * rows) {
    kind.passing = 1 - dead / rows;
  }
  return kind;
}

std::optional<int> WalkRecall::EfOf(uint32_t s, int ranks) const {
  const bool promised = params_.min_recall > 0;
  if (!promised && params_.ef > 0) return params_.ef;
  std::optional<int> ef;
  if (const std::optional<QueryKind> kind = KindOf(s)) {
    ef = EfForRecall(CurvesOf(s), *kind, ranks,
                     promised ? params_.min_recall : kDefaultRecall);
  }
  if (promised) return ef;
  return std::clamp(ef.value_or(kDefaultEf), kDefaultEf, kMostDefaultEf);
}

void WalkRecall::Begin() {
  basis_ = Basis::kScanned;
  walked_.clear();
}

void WalkRecall::Note(uint32_t s, int ranks, int ef) {
  std::optional<double> recall;
  if (const std::optional<QueryKind> kind = KindOf(s)) {
    recall = RecallOfEf(CurvesOf(s), *kind, ranks, ef);
  }
  if (!recall) {
    basis_ = Basis::kUnmeasured;
  } else if (basis_ != Basis::kUnmeasured) {
    basis_ = Basis::kMeasured;
    walked_.emplace_back(snapshot_.shards()[s].shard.get(), *recall);
  }
}

double WalkRecall::Of(const std::vector<SearchHit>& hits) const {
  if (basis_ == Basis::kUnmeasured) return 0;
  double worst = 1;
  auto right = static_cast<double>(hits.size());
  for (const auto& [walked, recall] : walked_) {
    worst = std::min(worst, recall);
    const auto found = static_cast<double>(std::count_if(
        hits.begin(), hits.end(),
        [shard = walked](const SearchHit& hit) { return hit.shard == shard; }));
    right += found / std::max(recall, kLeastRecall) - found;
  }
  return hits.empty() ? worst : static_cast<double>(hits.size()) / right;
}

}  // namespace vitrine
