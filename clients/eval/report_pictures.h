// The pictures of the report, from its results.
#pragma once

#include <filesystem>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/report_html.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// Draws them into options.report; an older picture of the same name is
// replaced. What cannot be drawn is left out: speed where it was not measured,
// confusion of more classes than can be told apart. Labels in letters that the
// pictures lack come as tables too.
absl::StatusOr<std::vector<ReportPicture>> WritePictures(
    const EvalOptions& options, const EvalSet& set, const EvalResult& result);

// Removes the pictures that an older report left in the folder, by the names
// that WritePictures gives.
absl::Status RemovePictures(const std::filesystem::path& folder);

// The share of the first k answers to the queries of each class that are of
// each class: [class of the query][class of the answer], NaN for a class
// without queries.
std::vector<std::vector<double>> Confusion(
    const Task& task, const std::vector<QueryAnswer>& answers, int k);

}  // namespace vitrine::eval
