#include "clients/eval/report_html.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/text.h"
#include "clients/eval/report_csv.h"
#include "clients/eval/report_style.h"

namespace vitrine::eval {
namespace {

using cli::FormatCount;

std::string Escape(std::string_view text) {
  return absl::StrReplaceAll(
      std::string(text),
      {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

std::string Value(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.3f", value) : "–";
}

std::string WithInterval(const Estimate& estimate) {
  std::string text = Value(estimate.value);
  if (std::isfinite(estimate.low)) {
    absl::StrAppendFormat(&text, " <small>%.3f–%.3f</small>", estimate.low,
                          estimate.high);
  }
  return text;
}

// Rows of cells that are HTML already; the first `left` columns are texts.
class HtmlTable {
 public:
  HtmlTable(const std::vector<std::string>& headings, size_t left)
      : left_(left), html_("<div class=scroll><table>\n<tr>") {
    for (size_t i = 0; i < headings.size(); ++i) {
      Cell("th", i, Escape(headings[i]));
    }
    html_ += "</tr>\n";
  }
  void Row(const std::vector<std::string>& cells, bool strong = false) {
    html_ += strong ? "<tr class=strong>" : "<tr>";
    for (size_t i = 0; i < cells.size(); ++i) Cell("td", i, cells[i]);
    html_ += "</tr>\n";
  }
  std::string Html() const { return html_ + "</table></div>\n"; }

 private:
  void Cell(const char* tag, size_t column, const std::string& html) {
    absl::StrAppend(&html_, "<", tag, column < left_ ? ">" : " class=n>", html,
                    "</", tag, ">");
  }

  const size_t left_;
  std::string html_;
};

std::string MeasureHeading(Measure measure, int k) {
  const char* name = "";
  switch (measure) {
    case Measure::kPrecision:
      name = "P";
      break;
    case Measure::kAveragePrecision:
      name = "mAP";
      break;
    case Measure::kNdcg:
      name = "nDCG";
      break;
    case Measure::kRecall:
      name = "recall";
      break;
    case Measure::kRelevanceScore:
      name = "R";
      break;
  }
  return absl::StrCat(name, "@", k);
}

const Figure* Find(const Configuration& configuration, const std::string& task,
                   const std::string& label, bool many, Measure measure,
                   int k) {
  for (const Figure& figure : configuration.figures) {
    if (figure.task == task && figure.label == label &&
        figure.many_relevant == many && figure.measure == measure &&
        figure.k == k) {
      return &figure;
    }
  }
  return nullptr;
}

std::string EstimateCell(const Figure* figure) {
  return figure == nullptr ? "–" : WithInterval(figure->estimate);
}

std::string RetrievalTable(const EvalOptions& options, const EvalSet& set,
                           const EvalResult& result) {
  const std::string& task = set.tasks.front().name;
  const int main_k = MainK(options.ks);
  std::vector<std::string> headings = {"extractor", "blocks", "vectors",
                                       "metric"};
  for (int k : options.ks) {
    headings.push_back(MeasureHeading(Measure::kPrecision, k));
  }
  for (Measure measure : kMeasures) {
    if (measure == Measure::kPrecision) continue;
    headings.push_back(MeasureHeading(measure, main_k));
  }
  headings.push_back(
      absl::StrCat("P@", main_k, ", ≥ ", kManyRelevant, " relevant"));
  HtmlTable table(headings, 4);
  for (const ExtractorResult& extractor : result.extractors) {
    for (const Configuration& configuration : extractor.configurations) {
      std::vector<std::string> cells = {
          Escape(extractor.name), Escape(configuration.blocks),
          std::string(NormaliseName(configuration.normalise)),
          std::string(MetricName(configuration.metric))};
      for (int k : options.ks) {
        cells.push_back(EstimateCell(
            Find(configuration, task, "", false, Measure::kPrecision, k)));
      }
      for (Measure measure : kMeasures) {
        if (measure == Measure::kPrecision) continue;
        cells.push_back(EstimateCell(
            Find(configuration, task, "", false, measure, main_k)));
      }
      cells.push_back(EstimateCell(
          Find(configuration, task, "", true, Measure::kPrecision, main_k)));
      table.Row(cells, &configuration == &extractor.configurations.front());
    }
  }
  return table.Html();
}

// Agreement and self-retrieval: of each model's blocks under the first metric.
std::string AgreementTable(const EvalOptions& options, const EvalSet& set,
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
        cells.push_back(EstimateCell(Find(configuration, set.tasks[t].name, "",
                                          false, Measure::kPrecision, k)));
      }
      if (views) {
        cells.push_back(configuration.self_retrieval
                            ? WithInterval(*configuration.self_retrieval)
                            : "");
      }
      table.Row(cells, first);
    }
  }
  return table.Html();
}

std::string SpeedTable(const EvalResult& result) {
  std::vector<std::string> headings = {"extractor", "size, MB", "numbers"};
  const std::vector<Rate>& columns = result.extractors.front().rates;
  for (const Rate& rate : columns) {
    headings.push_back(absl::StrCat("pictures/s, ", rate.threads,
                                    rate.threads == 1 ? " thread" : " threads",
                                    ", batch ", rate.batch));
  }
  const bool vgg16 =
      std::isfinite(SpeedOverVgg16(result, result.extractors.front()));
  if (vgg16) headings.emplace_back("times VGG16");
  headings.emplace_back("initialised and trained");
  HtmlTable table(headings, 1);
  for (const ExtractorResult& extractor : result.extractors) {
    std::vector<std::string> cells = {
        Escape(extractor.name),
        absl::StrFormat("%.1f", static_cast<double>(extractor.bytes) / 1e6),
        FormatCount(extractor.dim)};
    for (const Rate& rate : columns) {
      const double value = RateAt(extractor, rate.threads, rate.batch);
      cells.push_back(std::isfinite(value) ? absl::StrFormat("%.1f", value)
                                           : "–");
    }
    if (vgg16) {
      cells.push_back(
          absl::StrFormat("%.1f", SpeedOverVgg16(result, extractor)));
    }
    cells.push_back(
        absl::StrCat("<span class=card>", Escape(extractor.card), "</span>"));
    table.Row(cells);
  }
  return table.Html();
}

std::string ClassTable(const EvalOptions& options, const EvalSet& set,
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
          Find(first, task.name, label, false, Measure::kPrecision, k);
      if (figure != nullptr) cells[1] = FormatCount(figure->queries);
      cells.push_back(EstimateCell(figure));
      cells.push_back(EstimateCell(
          Find(first, task.name, label, false, Measure::kAveragePrecision, k)));
    }
    if (cells[1] != "0") table.Row(cells);
  }
  return table.Html();
}

std::string Summary(const EvalOptions& options, const EvalSet& set,
                    const EvalResult& result) {
  const auto& answers =
      result.extractors.front().configurations.front().answers;
  std::set<int> groups;
  for (const QueryAnswer& answer : answers) {
    groups.insert(set.photos[answer.photo].group);
  }
  return absl::StrCat(
      FormatCount(static_cast<int64_t>(answers.size())), " photos by ",
      FormatCount(static_cast<int64_t>(groups.size())),
      set.senders_known ? " senders" : " products", " of ",
      Escape(options.catalog.root.filename().empty()
                 ? options.catalog.root.parent_path().filename().string()
                 : options.catalog.root.filename().string()),
      " ask for photos with the same ",
      Escape(absl::StrJoin(options.label, " and ")), "; the answers come from ",
      options.whole_gallery ? "the whole catalogue" : "these photos",
      options.cross_sender ? ", but never from the query's own sender" : "",
      ". Intervals are 95 % bootstrap intervals over ",
      set.senders_known ? "senders" : "products", ".");
}

// What is of a model rather than of a way to compare: a line each, by all
// blocks under the first metric.
std::string ModelTable(const EvalSet& set, const EvalResult& result, int k) {
  std::vector<std::string> headings = {"extractor"};
  for (size_t t = 1; t < set.tasks.size(); ++t) {
    headings.push_back(absl::StrCat(set.tasks[t].name, " P@", k));
  }
  headings.emplace_back("other views");
  for (const Rate& rate : result.extractors.front().rates) {
    headings.push_back(absl::StrCat("/s ", rate.threads, "x", rate.batch));
  }
  headings.emplace_back("MB");
  std::vector<bool> right(headings.size(), true);
  right[0] = false;
  cli::Table table(headings, right);
  for (const ExtractorResult& extractor : result.extractors) {
    const Configuration& first = extractor.configurations.front();
    std::vector<std::string> cells = {extractor.name};
    for (size_t t = 1; t < set.tasks.size(); ++t) {
      cells.push_back(
          Value(FindFigure(first, set.tasks[t].name, Measure::kPrecision, k)
                    ->estimate.value));
    }
    cells.push_back(first.self_retrieval ? Value(first.self_retrieval->value)
                                         : "");
    for (const Rate& rate : extractor.rates) {
      cells.push_back(absl::StrFormat("%.1f", rate.pictures_per_second));
    }
    cells.push_back(
        absl::StrFormat("%.1f", static_cast<double>(extractor.bytes) / 1e6));
    table.AddRow(cells);
  }
  return table.ToString();
}

}  // namespace

std::string ReportHtml(const EvalOptions& options, const EvalSet& set,
                       const EvalResult& result,
                       const std::vector<ReportPicture>& pictures) {
  std::string html = absl::StrCat(
      "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
      "<meta name=viewport content=\"width=device-width\">\n"
      "<title>Vitrine: evaluation</title>\n<style>",
      std::string(kReportStyle), "</style>\n<main>\n<h1>How well ",
      result.extractors.size() == 1
          ? "one model finds"
          : absl::StrCat(result.extractors.size(), " models find"),
      " alike photos</h1>\n<p class=lead>", Summary(options, set, result),
      "</p>\n");
  for (const ReportPicture& picture : pictures) {
    absl::StrAppend(&html, "<figure><h2>", Escape(picture.heading),
                    "</h2>\n<a href=\"", Escape(picture.file), "\"><img src=\"",
                    Escape(picture.file), "\" alt=\"", Escape(picture.heading),
                    "\"></a>\n<figcaption>", Escape(picture.caption),
                    "</figcaption></figure>\n");
  }
  absl::StrAppend(&html, "<h2>Retrieval</h2>\n",
                  RetrievalTable(options, set, result),
                  "<p>P: precision; R: average relevance score; mAP is "
                  "normalised by min(k, relevant). Lines in bold are those of "
                  "the pictures and of the table by class. <a "
                  "href=metrics.csv>metrics.csv</a> has all figures, <a "
                  "href=per_query.csv>per_query.csv</a> each query.</p>\n");
  if (set.tasks.size() > 1 || result.extractors.front().views > 0) {
    absl::StrAppend(&html, "<h2>Agreement and other views</h2>\n",
                    AgreementTable(options, set, result),
                    "<p>Agreement: the share of the first answers that have "
                    "the query's colour, pattern and so on, among the photos "
                    "of which they are known.</p>\n");
  }
  absl::StrAppend(&html, "<h2>Speed and size</h2>\n", SpeedTable(result));
  absl::StrAppend(&html, "<h2>By ", Escape(set.tasks.front().name), "</h2>\n",
                  ClassTable(options, set, result));
  if (!set.warnings.empty() || result.refused > 0) {
    html += "<h2>To be known</h2>\n<ul>\n";
    for (const std::string& warning : set.warnings) {
      absl::StrAppend(&html, "<li>", Escape(warning), "</li>\n");
    }
    if (result.refused > 0) {
      absl::StrAppend(&html, "<li>", FormatCount(result.refused),
                      " photos could not be read and are left out; vitrine "
                      "check names them</li>\n");
    }
    html += "</ul>\n";
  }
  return html + "</main>\n</html>\n";
}

std::string ResultTable(const EvalOptions& options, const EvalSet& set,
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
        cells.push_back(Value(figure->estimate.value));
        if (measure != Measure::kPrecision) continue;
        cells.push_back(std::isfinite(figure->estimate.low)
                            ? absl::StrFormat("%.3f-%.3f", figure->estimate.low,
                                              figure->estimate.high)
                            : "");
      }
      table.AddRow(cells);
    }
  }
  return table.ToString() + "\n" + ModelTable(set, result, k);
}

}  // namespace vitrine::eval
