// Writes the report's folder.
#pragma once

#include "absl/status/status.h"
#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// index.html with its pictures, metrics.csv and per_query.csv into
// options.report, which is there.
absl::Status WriteReport(const EvalOptions& options, const EvalSet& set,
                         const EvalResult& result);

}  // namespace vitrine::eval
