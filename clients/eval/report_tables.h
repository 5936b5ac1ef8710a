// The tables of the page, as HTML. Pure.
#pragma once

#include <string>

#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// An extractor a line: how it was initialised and trained, what it finds by all
// its blocks under the first scaling and metric, its size, how fast it is, and
// how many times as fast as VGG16, where that is among them.
std::string ModelHtml(const EvalOptions& options, const EvalSet& set,
                      const EvalResult& result);

// A line for each choice of blocks, scaling and metric; in bold that of the
// table above.
std::string ConfigurationHtml(const EvalOptions& options, const EvalSet& set,
                              const EvalResult& result);

// Agreement and self-retrieval: of each model's blocks under the first scaling
// and metric.
std::string AgreementHtml(const EvalOptions& options, const EvalSet& set,
                          const EvalResult& result);

// A class of the queries a line.
std::string ClassHtml(const EvalOptions& options, const EvalSet& set,
                      const EvalResult& result);

}  // namespace vitrine::eval
