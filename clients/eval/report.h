// Writes the report's folder.
#pragma once

#include <filesystem>

#include "absl/status/status.h"
#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// Whether a report may be written into the folder, which need not be there: an
// older report is replaced, but FAILED_PRECONDITION where files of its names
// are there and index.html is not a page of ours. The message names one.
absl::Status CheckReplaceable(const std::filesystem::path& folder);

// index.html with its pictures, models.csv, metrics.csv and per_query.csv into
// options.report, which is there and replaceable; what an older report left
// under the names of its pages and pictures goes.
absl::Status WriteReport(const EvalOptions& options, const EvalSet& set,
                         const EvalResult& result);

}  // namespace vitrine::eval
