#include "clients/eval/report_text.h"

#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/text.h"
#include "clients/eval/report_csv.h"

namespace vitrine::eval {
namespace {

std::string ConfigurationTable(const EvalOptions& options, const EvalSet& set,
                               const EvalResult& result) {
  const std::string& name = set.tasks.front().name;
  const int k = MainK(options.ks);
  std::vector<std::string> headings = {"extractor", "blocks", "vectors",
                                       "metric"};
  std::vector<bool> right = {false, false, false, false};
  for (Measure measure : kMeasures) {
    headings.push_back(MeasureHeading(measure, k));
    right.push_back(true);
    if (measure != Measure::kPrecision) continue;
    headings.emplace_back("95 %");
    right.push_back(false);
  }
  cli::Table table(headings, right);
  for (const ExtractorResult& extractor : result.extractors) {
    for (const Configuration& configuration : extractor.configurations) {
      std::vector<std::string> cells = {
          extractor.name, configuration.blocks,
          std::string(NormaliseName(configuration.normalise)),
          std::string(MetricName(configuration.metric))};
      for (Measure measure : kMeasures) {
        const Figure* figure = FindFigure(configuration, name, measure, k);
        cells.push_back(ValueText(figure->estimate.value));
        if (measure != Measure::kPrecision) continue;
        cells.push_back(std::isfinite(figure->estimate.low)
                            ? absl::StrFormat("%.3f-%.3f", figure->estimate.low,
                                              figure->estimate.high)
                            : "");
      }
      table.AddRow(cells);
    }
  }
  return table.ToString();
}

// By all blocks under the first scaling and metric.
std::string ModelTable(const EvalOptions& options, const EvalSet& set,
                       const EvalResult& result) {
  const int k = MainK(options.ks);
  std::vector<std::string> headings = {"extractor"};
  for (const Task& task : set.tasks) {
    headings.push_back(absl::StrCat(
        &task == &set.tasks.front() ? "" : task.name + " ", "P@", k));
  }
  headings.emplace_back("other views");
  for (const Rate& rate : result.extractors.front().rates) {
    headings.push_back(absl::StrCat("/s ", rate.threads, "x", rate.batch));
  }
  headings.insert(headings.end(), {"times VGG16", "MB"});
  std::vector<bool> right(headings.size(), true);
  right[0] = false;
  cli::Table table(headings, right);
  for (const ExtractorResult& extractor : result.extractors) {
    const Configuration& first = extractor.configurations.front();
    std::vector<std::string> cells = {extractor.name};
    for (const Task& task : set.tasks) {
      cells.push_back(
          ValueText(FindFigure(first, task.name, Measure::kPrecision, k)
                        ->estimate.value));
    }
    cells.push_back(
        first.self_retrieval ? ValueText(first.self_retrieval->value) : "");
    for (const Rate& rate : result.extractors.front().rates) {
      cells.push_back(RoundedText(RateAt(extractor, rate.threads, rate.batch)));
    }
    cells.push_back(RoundedText(SpeedOverVgg16(result, extractor)));
    cells.push_back(RoundedText(static_cast<double>(extractor.bytes) / 1e6));
    table.AddRow(cells);
  }
  return table.ToString();
}

}  // namespace

std::string ResultTable(const EvalOptions& options, const EvalSet& set,
                        const EvalResult& result) {
  std::string text = absl::StrCat(ConfigurationTable(options, set, result),
                                  "\n", ModelTable(options, set, result), "\n");
  for (const ExtractorResult& extractor : result.extractors) {
    absl::StrAppend(&text, cli::Printable(extractor.name), ": ",
                    cli::Printable(TrainingOf(extractor)), "\n");
  }
  return text;
}

}  // namespace vitrine::eval
