#include "clients/eval/results.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace vitrine::eval {
namespace {

// The values of some queries, a row each.
struct Table {
  std::vector<double> values;
  std::vector<int> groups;
};

void AddFigures(const Table& table, const std::string& task,
                const std::string& label, bool many_relevant,
                const std::vector<int>& ks, std::vector<Figure>* figures) {
  const auto columns = static_cast<int>(std::size(kMeasures) * ks.size());
  const std::vector<Estimate> estimates =
      MeansOverGroups(table.values, columns, table.groups);
  auto estimate = estimates.begin();
  for (Measure measure : kMeasures) {
    for (int k : ks) {
      figures->push_back({task, label, many_relevant, measure, k, *estimate++,
                          static_cast<int64_t>(table.groups.size())});
    }
  }
}

}  // namespace

std::vector<Figure> FiguresOf(const EvalSet& set, const Task& task,
                              const std::vector<QueryAnswer>& answers,
                              const std::vector<int>& ks, bool by_class) {
  Table all, many;
  std::map<int, Table> classes;
  for (const QueryAnswer& answer : answers) {
    std::vector<double> row;
    for (Measure measure : kMeasures) {
      for (int k : ks) {
        row.push_back(MeasureAt(measure, answer.right, answer.relevant, k));
      }
    }
    const auto add = [&](Table& table) {
      table.values.insert(table.values.end(), row.begin(), row.end());
      table.groups.push_back(set.photos[answer.photo].group);
    };
    add(all);
    if (answer.relevant >= kManyRelevant) add(many);
    if (by_class) add(classes[task.label[answer.photo]]);
  }
  std::vector<Figure> figures;
  AddFigures(all, task.name, "", false, ks, &figures);
  AddFigures(many, task.name, "", true, ks, &figures);
  for (const auto& [label, table] : classes) {
    AddFigures(table, task.name, task.classes[label], false, ks, &figures);
  }
  return figures;
}

const Figure* FindFigure(const Configuration& configuration,
                         std::string_view task, Measure measure, int k,
                         std::string_view label, bool many_relevant) {
  for (const Figure& figure : configuration.figures) {
    if (figure.task == task && figure.label == label &&
        figure.many_relevant == many_relevant && figure.measure == measure &&
        figure.k == k) {
      return &figure;
    }
  }
  return nullptr;
}

std::string TrainingOf(const ExtractorResult& extractor) {
  if (extractor.origin.empty() && extractor.trained_on.empty()) {
    return "not told by its card";
  }
  const bool both = !extractor.origin.empty() && !extractor.trained_on.empty();
  return absl::StrCat(extractor.origin, both ? "; " : "", extractor.trained_on);
}

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

std::string ValueText(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.3f", value) : "–";
}

std::string RoundedText(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.1f", value) : "–";
}

int MainK(const std::vector<int>& ks) {
  const auto above = std::upper_bound(ks.begin(), ks.end(), 10);
  return above == ks.begin() ? ks.front() : *(above - 1);
}

}  // namespace vitrine::eval
