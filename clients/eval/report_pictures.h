// The pictures of the report, from its results.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/report_html.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// Draws them into options.report; an older picture of the same name is
// replaced. Speed that was not measured is left out; where there are more
// classes than can be told apart, the confusion is of those with the most
// queries. Labels in letters that the pictures lack come as tables too.
absl::StatusOr<std::vector<ReportPicture>> WritePictures(
    const EvalOptions& options, const EvalSet& set, const EvalResult& result);

// All names that WritePictures gives.
std::vector<std::string> PictureNames();

// Removes the pictures of these names that an older report left in the folder.
absl::Status RemovePictures(const std::filesystem::path& folder);

// The share of the first k answers to the queries of each class that are of
// each class: [class of the query][class of the answer], NaN for a class
// without queries.
std::vector<std::vector<double>> Confusion(
    const Task& task, const std::vector<QueryAnswer>& answers, int k);

}  // namespace vitrine::eval
