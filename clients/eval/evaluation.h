// The run: every model over every photo, every way of comparing.
#pragma once

#include "absl/status/statusor.h"
#include "clients/cli/progress.h"
#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// Fails where a model's file is missing or no bundle that works: each is loaded
// once.
absl::Status CheckModels(const EvalOptions& options);

// Embeds the photos of `set` with each model and measures, over the photos that
// all models could read. Vectors of all models are in memory at once. Progress
// goes to standard error.
absl::StatusOr<EvalResult> Evaluate(const EvalOptions& options,
                                    const EvalSet& set,
                                    cli::Progress::Mode progress);

}  // namespace vitrine::eval
