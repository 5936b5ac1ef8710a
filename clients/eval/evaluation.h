// The run: every model over every photo, every way of comparing.
#pragma once

#include "absl/status/statusor.h"
#include "clients/cli/progress.h"
#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// INVALID_ARGUMENT where a model's file is missing or no bundle; said before
// anything is embedded, as far as that can be.
absl::Status CheckModels(const EvalOptions& options);

// Embeds the photos of `set` with each model and measures. Vectors are kept for
// this run alone. Progress goes to standard error.
absl::StatusOr<EvalResult> Evaluate(const EvalOptions& options,
                                    const EvalSet& set,
                                    cli::Progress::Mode progress);

}  // namespace vitrine::eval
