#include "clients/eval/report.h"

#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/eval/report_csv.h"
#include "clients/eval/report_html.h"
#include "clients/eval/report_pictures.h"
#include "clients/pictures/whole_file.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace vitrine::eval {
namespace {

namespace fs = std::filesystem;

constexpr char kPage[] = "index.html", kMetricsTable[] = "metrics.csv",
               kModelsTable[] = "models.csv", kQueriesTable[] = "per_query.csv";

bool IsReport(const fs::path& page) {
  std::error_code error;
  if (!fs::is_regular_file(page, error)) return false;
  const auto html = ReadFile(page);
  return html.ok() && html->find(kReportTitle) != std::string::npos;
}

}  // namespace

absl::Status CheckReplaceable(const fs::path& folder) {
  if (IsReport(folder / kPage)) return absl::OkStatus();
  std::vector<std::string> names = {kPage, kMetricsTable, kModelsTable,
                                    kQueriesTable};
  for (const std::string& name : PictureNames()) names.push_back(name);
  for (const std::string& name : names) {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(folder / name, error))) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "--report: ", (folder / name).string(),
        " is not of an older report and would be replaced; name another "
        "folder, or move the file away"));
  }
  return absl::OkStatus();
}

absl::Status WriteReport(const EvalOptions& options, const EvalSet& set,
                         const EvalResult& result) {
  // An older page shows pictures that this run may not draw: it goes first.
  // Where the run is cut off, what is in its place tells whose files these are.
  VITRINE_RETURN_IF_ERROR(WriteWholeFile(
      options.report / kPage,
      absl::StrCat("<!doctype html>\n<meta charset=utf-8>\n", kReportTitle,
                   "\n<p>This report is not whole: it is being written, or "
                   "its run was cut off.</p>\n")));
  VITRINE_RETURN_IF_ERROR(RemovePictures(options.report));
  VITRINE_RETURN_IF_ERROR(
      WriteWholeFile(options.report / kMetricsTable, MetricsCsv(result)));
  VITRINE_RETURN_IF_ERROR(
      WriteWholeFile(options.report / kModelsTable, ModelsCsv(result)));
  VITRINE_RETURN_IF_ERROR(WriteWholeFile(options.report / kQueriesTable,
                                         PerQueryCsv(set, result, options.ks)));
  VITRINE_ASSIGN_OR_RETURN(const std::vector<ReportPicture> pictures,
                           WritePictures(options, set, result));
  return WriteWholeFile(options.report / kPage,
                        ReportHtml(options, set, result, pictures));
}

}  // namespace vitrine::eval
