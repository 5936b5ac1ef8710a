#include "clients/eval/report_tables.h"

#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/text.h"
#include "clients/eval/html_table.h"
#include "clients/eval/report_csv.h"

namespace vitrine::eval {
namespace {

using cli::FormatCount;

std::string EstimateCell(const Figure* figure) {
  return figure == nullptr ? "–" : IntervalHtml(figure->estimate);
}

void Append(std::vector<std::string> more, std::vector<std::string>* all) {
  all->insert(all->end(), std::make_move_iterator(more.begin()),
              std::make_move_iterator(more.end()));
}

// Precision at every k, the other measures at one, and precision of the queries
// with many right answers.
std::vector<std::string> RetrievalHeadings(const std::vector<int>& ks) {
  const int main_k = MainK(ks);
  std::vector<std::string> headings;
  for (int k : ks) {
    headings.push_back(MeasureHeading(Measure::kPrecision, k));
  }
  for (Measure measure : kMeasures) {
    if (measure == Measure::kPrecision) continue;
    headings.push_back(MeasureHeading(measure, main_k));
  }
  headings.push_back(
      absl::StrCat("P@", main_k, ", ≥ ", kManyRelevant, " relevant"));
  return headings;
}

std::vector<std::string> RetrievalCells(const std::vector<int>& ks,
                                        const std::string& task,
                                        const Configuration& configuration) {
  const int main_k = MainK(ks);
  std::vector<std::string> cells;
  for (int k : ks) {
    cells.push_back(
        EstimateCell(FindFigure(configuration, task, Measure::kPrecision, k)));
  }
  for (Measure measure : kMeasures) {
    if (measure == Measure::kPrecision) continue;
    cells.push_back(
        EstimateCell(FindFigure(configuration, task, measure, main_k)));
  }
  cells.push_back(EstimateCell(
      FindFigure(configuration, task, Measure::kPrecision, main_k, "", true)));
  return cells;
}

}  // namespace

std::string ModelHtml(const EvalOptions& options, const EvalSet& set,
                      const EvalResult& result) {
  std::vector<std::string> headings = {"extractor", "initialised and trained"};
  Append(RetrievalHeadings(options.ks), &headings);
  Append({"size, MB", "numbers"}, &headings);
  const std::vector<Rate>& columns = result.extractors.front().rates;
  for (const Rate& rate : columns) {
    headings.push_back(absl::StrCat("pictures/s, ", rate.threads,
                                    rate.threads == 1 ? " thread" : " threads",
                                    ", batch ", rate.batch));
  }
  const bool vgg16 =
      std::isfinite(SpeedOverVgg16(result, result.extractors.front()));
  if (vgg16) headings.emplace_back("times VGG16");
  HtmlTable table(headings, 2);
  for (const ExtractorResult& extractor : result.extractors) {
    std::vector<std::string> cells = {
        Escape(extractor.name),
        absl::StrCat("<span class=card>", Escape(TrainingOf(extractor)),
                     "</span>")};
    Append(RetrievalCells(options.ks, set.tasks.front().name,
                          extractor.configurations.front()),
           &cells);
    Append({RoundedText(static_cast<double>(extractor.bytes) / 1e6),
            FormatCount(extractor.dim)},
           &cells);
    for (const Rate& rate : columns) {
      cells.push_back(RoundedText(RateAt(extractor, rate.threads, rate.batch)));
    }
    if (vgg16) cells.push_back(RoundedText(SpeedOverVgg16(result, extractor)));
    table.Row(cells);
  }
  return table.Html();
}

std::string ConfigurationHtml(const EvalOptions& options, const EvalSet& set,
                              const EvalResult& result) {
  std::vector<std::string> headings = {"extractor", "blocks", "vectors",
                                       "metric"};
  Append(RetrievalHeadings(options.ks), &headings);
  HtmlTable table(headings, 4);
  for (const ExtractorResult& extractor : result.extractors) {
    for (const Configuration& configuration : extractor.configurations) {
      std::vector<std::string> cells = {
          Escape(extractor.name), Escape(configuration.blocks),
          std::string(NormaliseName(configuration.normalise)),
          std::string(MetricName(configuration.metric))};
      Append(RetrievalCells(options.ks, set.tasks.front().name, configuration),
             &cells);
      table.Row(cells, &configuration == &extractor.configurations.front());
    }
  }
  return table.Html();
}

std::string AgreementHtml(const EvalOptions& options, const EvalSet& set,
                          const EvalResult& result) {
  const int k = MainK(options.ks);
  std::vector<std::string> headings = {"extractor", "blocks"};
  for (size_t t = 1; t < set.tasks.size(); ++t) {
    headings.push_back(absl::StrCat(set.tasks[t].name, " P@", k));
  }
  const bool views = result.extractors.front().views > 0;
  if (views) {
    headings.push_back(
        absl::StrCat("photos found first by another view, of ",
                     FormatCount(result.extractors.front().views)));
  }
  HtmlTable table(headings, 2);
  for (const ExtractorResult& extractor : result.extractors) {
    for (const Configuration& configuration : extractor.configurations) {
      const bool first = &configuration == &extractor.configurations.front();
      if (configuration.metric != options.metrics.front() ||
          configuration.normalise != options.normalise.front()) {
        continue;
      }
      std::vector<std::string> cells = {Escape(extractor.name),
                                        Escape(configuration.blocks)};
      for (size_t t = 1; t < set.tasks.size(); ++t) {
        cells.push_back(EstimateCell(FindFigure(
            configuration, set.tasks[t].name, Measure::kPrecision, k)));
      }
      if (views) {
        cells.push_back(configuration.self_retrieval
                            ? IntervalHtml(*configuration.self_retrieval)
                            : "");
      }
      table.Row(cells, first);
    }
  }
  return table.Html();
}

std::string ClassHtml(const EvalOptions& options, const EvalSet& set,
                      const EvalResult& result) {
  const int k = MainK(options.ks);
  const Task& task = set.tasks.front();
  std::vector<std::string> headings = {task.name, "queries"};
  for (const ExtractorResult& extractor : result.extractors) {
    headings.push_back(absl::StrCat(extractor.name, " P@", k));
    headings.push_back(absl::StrCat("mAP@", k));
  }
  HtmlTable table(headings, 1);
  for (const std::string& label : task.classes) {
    std::vector<std::string> cells = {Escape(label), "0"};
    for (const ExtractorResult& extractor : result.extractors) {
      const Configuration& first = extractor.configurations.front();
      const Figure* figure =
          FindFigure(first, task.name, Measure::kPrecision, k, label);
      if (figure != nullptr) cells[1] = FormatCount(figure->queries);
      cells.push_back(EstimateCell(figure));
      cells.push_back(EstimateCell(
          FindFigure(first, task.name, Measure::kAveragePrecision, k, label)));
    }
    if (cells[1] != "0") table.Row(cells);
  }
  return table.Html();
}

}  // namespace vitrine::eval
