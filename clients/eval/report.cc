#include "clients/eval/report.h"

#include <vector>

#include "clients/eval/report_csv.h"
#include "clients/eval/report_html.h"
#include "clients/eval/report_pictures.h"
#include "clients/pictures/whole_file.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace vitrine::eval {

absl::Status WriteReport(const EvalOptions& options, const EvalSet& set,
                         const EvalResult& result) {
  // An older page shows pictures that this run may not draw: it goes first.
  VITRINE_RETURN_IF_ERROR(RemoveFile(options.report / "index.html"));
  VITRINE_RETURN_IF_ERROR(RemovePictures(options.report));
  VITRINE_RETURN_IF_ERROR(
      WriteWholeFile(options.report / "metrics.csv", MetricsCsv(result)));
  VITRINE_RETURN_IF_ERROR(
      WriteWholeFile(options.report / "models.csv", ModelsCsv(result)));
  VITRINE_RETURN_IF_ERROR(WriteWholeFile(options.report / "per_query.csv",
                                         PerQueryCsv(set, result, options.ks)));
  VITRINE_ASSIGN_OR_RETURN(const std::vector<ReportPicture> pictures,
                           WritePictures(options, set, result));
  return WriteWholeFile(options.report / "index.html",
                        ReportHtml(options, set, result, pictures));
}

}  // namespace vitrine::eval
