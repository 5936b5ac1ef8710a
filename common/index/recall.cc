#include "common/index/recall.h"

#include <algorithm>
#include <cmath>

#include "common/index/search_params.h"

namespace vitrine {
namespace {

constexpr double kSame = 1e-3;

// The curves of two kinds that enclose one.
struct Enclosing {
  const storage::RecallCurve* below = nullptr;
  const storage::RecallCurve* above = nullptr;
};

std::optional<Enclosing> Enclose(const RecallCurves& curves,
                                 const QueryKind& kind, int k) {
  // Fewer products are found no worse.
  uint32_t measured_k = 0;
  for (const storage::RecallCurve& curve : curves) {
    if (curve.k() >= static_cast<uint32_t>(k) &&
        (measured_k == 0 || curve.k() < measured_k)) {
      measured_k = curve.k();
    }
  }
  const bool filtered = kind.passing < 1;
  if (measured_k == 0 || (filtered && kind.tilt > 0)) return std::nullopt;
  Enclosing found;
  const double wanted = filtered ? kind.passing : kind.tilt;
  auto place = [filtered](const storage::RecallCurve& curve) -> double {
    return filtered ? curve.passing() : curve.tilt();
  };
  for (const storage::RecallCurve& curve : curves) {
    const bool plain = curve.passing() == 1 && curve.tilt() == 0;
    const bool alike =
        filtered ? curve.tilt() == 0
                 : curve.passing() == 1 &&
                       curve.block() == static_cast<uint32_t>(kind.block);
    if (curve.k() != measured_k || (!plain && !alike)) continue;
    const double here = place(curve);
    if (here <= wanted + kSame &&
        (found.below == nullptr || here > place(*found.below))) {
      found.below = &curve;
    }
    if (here >= wanted - kSame &&
        (found.above == nullptr || here < place(*found.above))) {
      found.above = &curve;
    }
  }
  if (found.below == nullptr || found.above == nullptr) return std::nullopt;
  return found;
}

// Calls visit(ef, recall) for the steps of a curve; what no measuring can have
// written is passed over.
template <typename Visit>
void ForEachStep(const storage::RecallCurve& curve, const Visit& visit) {
  for (int i = 0; i < std::min(curve.ef_size(), curve.recall_size()); ++i) {
    const float recall = curve.recall(i);
    if (curve.ef(i) >= 1 && curve.ef(i) <= kMaxEf && recall >= 0 &&
        recall <= 1) {
      visit(static_cast<int>(curve.ef(i)), recall);
    }
  }
}

std::optional<int> LeastEf(const storage::RecallCurve& curve,
                           double min_recall) {
  std::optional<int> least;
  ForEachStep(curve, [&](int ef, float recall) {
    // As numbers of one precision: what is stored as 0.9 keeps 0.9.
    if (recall >= static_cast<float>(min_recall) && (!least || ef < *least))
      least = ef;
  });
  return least;
}

std::optional<double> RecallAt(const storage::RecallCurve& curve, int ef) {
  std::optional<double> known;
  ForEachStep(curve, [&](int step, float recall) {
    if (step <= ef) known = recall;
  });
  return known;
}

}  // namespace

std::optional<QueryKind> KindOfEmphasis(const std::vector<Block>& blocks,
                                        const std::vector<float>& emphasis) {
  QueryKind kind;
  if (emphasis.empty() || blocks.size() < 2) return kind;
  double total = 0;
  for (size_t b = 0; b < blocks.size(); ++b) {
    total += static_cast<double>(emphasis[b]) * blocks[b].weight;
  }
  auto shift = [&](size_t b) {
    return emphasis[b] * blocks[b].weight / total - blocks[b].weight;
  };
  for (size_t b = 1; b < blocks.size(); ++b) {
    if (shift(b) > shift(static_cast<size_t>(kind.block)))
      kind.block = static_cast<int>(b);
  }
  const auto most = static_cast<size_t>(kind.block);
  kind.tilt = shift(most) / (1 - blocks[most].weight);
  if (kind.tilt < kSame) return QueryKind{};
  for (size_t b = 0; b < blocks.size(); ++b) {
    if (b != most &&
        std::fabs(shift(b) + kind.tilt * blocks[b].weight) > kSame) {
      return std::nullopt;
    }
  }
  return kind;
}

std::vector<float> EmphasisOfKind(const std::vector<Block>& blocks, int block,
                                  double tilt) {
  std::vector<float> emphasis(blocks.size(), static_cast<float>(1 - tilt));
  const auto b = static_cast<size_t>(block);
  emphasis[b] += static_cast<float>(tilt / blocks[b].weight);
  return emphasis;
}

std::optional<int> EfForRecall(const RecallCurves& curves,
                               const QueryKind& kind, int k,
                               double min_recall) {
  const auto found = Enclose(curves, kind, k);
  if (!found) return std::nullopt;
  const auto below = LeastEf(*found->below, min_recall);
  const auto above = LeastEf(*found->above, min_recall);
  if (!below || !above) return std::nullopt;
  return std::max(*below, *above);
}

std::optional<double> RecallOfEf(const RecallCurves& curves,
                                 const QueryKind& kind, int k, int ef) {
  const auto found = Enclose(curves, kind, k);
  if (!found) return std::nullopt;
  const auto below = RecallAt(*found->below, ef);
  const auto above = RecallAt(*found->above, ef);
  if (!below || !above) return std::nullopt;
  return std::min(*below, *above);
}

double RecallOf(const SearchResult& exact, const SearchResult& found, int k) {
  const size_t right = std::min(exact.hits.size(), static_cast<size_t>(k));
  if (right == 0) return 1;
  constexpr float kRounding = 1e-6F;
  const float farthest = exact.hits[right - 1].distance + kRounding;
  const auto hits = std::count_if(
      found.hits.begin(), found.hits.end(),
      [farthest](const SearchHit& hit) { return hit.distance <= farthest; });
  return std::min(1.0, static_cast<double>(hits) / static_cast<double>(right));
}

double LowerBound(const std::vector<double>& recalls) {
  const double n = static_cast<double>(recalls.size()) + 1;
  double sum = 0, squares = 0;
  for (double recall : recalls) {
    sum += recall;
    squares += recall * recall;
  }
  const double mean = sum / n;
  const double variance = std::max(0.0, squares / n - mean * mean);
  constexpr double kOneSided95 = 1.645;
  return std::max(0.0, mean - kOneSided95 * std::sqrt(variance / n));
}

}  // namespace vitrine
