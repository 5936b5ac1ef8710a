// The results for a terminal. Pure.
#pragma once

#include <string>

#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// A table of one line a configuration; one of one line a model, with its
// precision, agreement, other views, speed (/s 2x8: pictures a second on 2
// threads, 8 at a time) and size; and how each model was initialised and
// trained.
std::string ResultTable(const EvalOptions& options, const EvalSet& set,
                        const EvalResult& result);

}  // namespace vitrine::eval
