// The report as a page that opens in any browser, without a network. Reads
// nothing but the catalogue's full name.
#pragma once

#include <string>
#include <vector>

#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// What a page of ours is known by.
inline constexpr char kReportTitle[] = "<title>Vitrine: evaluation</title>";

// A picture of the report, in its order.
struct ReportPicture {
  std::string file;  // its name in the report's folder
  std::string heading;
  std::string caption;     // what it shows and how to read it
  std::string table = {};  // what its letters say, as HTML; may be empty
  // The table is shown at once: it tells what the picture cannot.
  bool table_first = false;
};

std::string ReportHtml(const EvalOptions& options, const EvalSet& set,
                       const EvalResult& result,
                       const std::vector<ReportPicture>& pictures);

}  // namespace vitrine::eval
