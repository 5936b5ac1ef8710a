// Writes the report's folder.
#pragma once

#include "absl/status/status.h"
#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// index.html with its pictures, models.csv, metrics.csv and per_query.csv into
// options.report, which is there; what an older report left under the names of
// its pages and pictures goes.
absl::Status WriteReport(const EvalOptions& options, const EvalSet& set,
                         const EvalResult& result);

}  // namespace vitrine::eval
