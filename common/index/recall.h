// How much of the exact answer the walks of a graph find: measured when a graph
// is built, promised to queries after.
//
// Queries are of kinds: plain ones, those with a filter that a share of the
// rows passes, and those whose emphasis shifts the blocks' weights. For each
// kind there is a curve of recall by ef, at k of 10 and of 100. Between two
// kinds that were measured the worse one counts; a query of more (or of a
// filter and an emphasis at once) is of no kind that is known.
#pragma once

#include <optional>
#include <vector>

#include "common/vector/blocks.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

using RecallCurves = google::protobuf::RepeatedPtrField<storage::RecallCurve>;

struct SearchResult;

struct QueryKind {
  double passing = 1;  // The share of a shard's rows that pass the filter.
  // The block to which emphasis shifts the weights, and how far: 0 is as they
  // are, 1 leaves that block alone.
  int block = 0;
  double tilt = 0;
};

// The kind of an emphasis, one number a block or empty. Nothing where it shifts
// weights to no single block; `blocks` have weights that add up to 1.
std::optional<QueryKind> KindOfEmphasis(const std::vector<Block>& blocks,
                                        const std::vector<float>& emphasis);

// The emphasis that shifts the weights by `tilt` to `block`.
std::vector<float> EmphasisOfKind(const std::vector<Block>& blocks, int block,
                                  double tilt);

// The least ef that was measured to keep `min_recall` for the first `k`
// products. Nothing where none was.
std::optional<int> EfForRecall(const RecallCurves& curves,
                               const QueryKind& kind, int k, double min_recall);

// The recall that walks with `ef` keep; nothing where it was not measured.
std::optional<double> RecallOfEf(const RecallCurves& curves,
                                 const QueryKind& kind, int k, int ef);

// The share of the first `k` hits of an exact answer that another one holds:
// rows as near as the last of them are as right as that one. 1 where there is
// none.
double RecallOf(const SearchResult& exact, const SearchResult& found, int k);

// The mean of `recalls`, one a query, as a lower bound with 95 % confidence.
// One more query that found nothing is counted in, so that a thousand without a
// miss promise no more than a thousand can: the rule of three (Hanley and
// Lippman-Hand 1983).
double LowerBound(const std::vector<double>& recalls);

}  // namespace vitrine
