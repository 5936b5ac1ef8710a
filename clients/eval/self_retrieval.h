// Whether another view of a photo finds it.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/progress.h"
#include "clients/eval/bootstrap.h"
#include "clients/eval/distance.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/extractor.h"

namespace vitrine::eval {

// Photos of the set, seen anew.
struct OtherViews {
  std::vector<int> photos;  // of which photo each is a view
  Vectors vectors;
};

// Up to `wanted` of the photos that ask, evenly chosen, each seen anew (see
// views.h, seeded by the photo's path) and embedded.
absl::StatusOr<OtherViews> EmbedOtherViews(const EvalSet& set, int wanted,
                                           Embedder& embedder, int threads,
                                           cli::Progress::Mode mode);

// The share of the views of usable photos that are nearer to their photo than
// to every other usable one: recall@1. `scaled` are the views' vectors, scaled
// as `rows`, whose row i is photo i of the set.
Estimate FoundFirst(const EvalSet& set, const std::vector<bool>& usable,
                    const Rows& rows, const OtherViews& views,
                    const std::vector<float>& scaled, int threads);

// `wanted` of 0 … n - 1, evenly spread; all where there are fewer.
std::vector<int> Spread(int n, int wanted);

}  // namespace vitrine::eval
