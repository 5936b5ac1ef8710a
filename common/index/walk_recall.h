// What one query may expect its walks through graphs to find, and how far they
// go for it: recall.h for a search over several shards.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "common/index/recall.h"
#include "common/index/search.h"
#include "common/index/snapshot.h"

namespace vitrine {

// Not thread-safe; what it is made of must outlive it.
class WalkRecall {
 public:
  WalkRecall(const Snapshot& snapshot, const SearchParams& params);

  // Limits of the request take hits from among more rows than are measured.
  bool IsSelective() const;
  // The ef to walk shard `s` with, where the hits are looked for among the
  // first `ranks` products; nothing where no walk is known to keep the recall
  // that is asked for.
  std::optional<int> EfOf(uint32_t s, int ranks) const;

  // A search begins anew.
  void Begin();
  // A walk through shard `s` has kept `ef` rows.
  void Note(uint32_t s, int ranks, int ef);
  // SCANNED before the first walk.
  SearchResult::RecallBasis basis() const { return basis_; }
  // That of the answer, by where its hits lie: each stands for as many right
  // ones as there are to one that its shard's walk finds. 0 where a walk is of
  // no kind that was measured.
  double Of(const std::vector<SearchHit>& hits) const;

 private:
  // Of what kind the query is to a shard; nothing for none that is measured.
  std::optional<QueryKind> KindOf(uint32_t s) const;
  const RecallCurves& CurvesOf(uint32_t s) const;

  const Snapshot& snapshot_;
  const SearchParams& params_;
  const std::optional<QueryKind> emphasis_kind_;
  SearchResult::RecallBasis basis_ = SearchResult::RecallBasis::kScanned;
  std::vector<std::pair<const Shard*, double>> walked_;  // And its recall.
};

}  // namespace vitrine
