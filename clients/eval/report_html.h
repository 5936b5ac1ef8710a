// The report as a page that opens in any browser, without a network. Pure.
#pragma once

#include <string>
#include <vector>

#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// A picture of the report, in its order.
struct ReportPicture {
  std::string file;  // its name in the report's folder
  std::string heading;
  std::string caption;  // what it shows and how to read it
};

std::string ReportHtml(const EvalOptions& options, const EvalSet& set,
                       const EvalResult& result,
                       const std::vector<ReportPicture>& pictures);

// The results for a terminal: a table of one line a configuration, and one of
// agreement, other views and speed (/s 2x8: pictures a second on 2 threads, 8
// at a time) of one line a model.
std::string ResultTable(const EvalOptions& options, const EvalSet& set,
                        const EvalResult& result);

}  // namespace vitrine::eval
