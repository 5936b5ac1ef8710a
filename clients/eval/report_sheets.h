// Pages of real photos for the report: queries with what they found.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// One query under several extractors, a row each: the query first, as 100 %,
// then the first k of what was found, green where right and red where wrong.
// `answers` go with `names` and are of the same query. The page as PNG.
absl::StatusOr<std::string> DrawSideBySide(
    const EvalSet& set, const std::vector<std::string>& names,
    const std::vector<const QueryAnswer*>& answers, Metric metric, int k);

// Several queries below each other, each with what it found, framed likewise.
absl::StatusOr<std::string> DrawQueries(
    const EvalSet& set, const std::string& title,
    const std::vector<const QueryAnswer*>& answers, Metric metric, int k);

// Queries that stand for the others: of answers ranked by average precision@k
// and then precision, the first `n` (best) or the last (worst), no class twice
// as long as there are others.
std::vector<const QueryAnswer*> Extremes(
    const Task& task, const std::vector<QueryAnswer>& answers, int k, size_t n,
    bool best);

// `n` queries at even steps from the worst to the best, no class twice as long
// as there are others.
std::vector<const QueryAnswer*> Typical(const Task& task,
                                        const std::vector<QueryAnswer>& answers,
                                        int k, size_t n);

}  // namespace vitrine::eval
