#include "clients/eval/report_pictures.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "clients/eval/plots.h"
#include "clients/eval/report_csv.h"
#include "clients/eval/report_sheets.h"
#include "clients/pictures/whole_file.h"
#include "common/base/status.h"

namespace vitrine::eval {
namespace {

constexpr size_t kExtremes = 4;
constexpr size_t kSideBySide = 3;
constexpr size_t kMaxClasses = 40;  // of a heat map

Reading ReadingOf(const Figure* figure) {
  if (figure == nullptr) return {};
  return {figure->estimate.value, figure->estimate.low, figure->estimate.high};
}

class Pictures {
 public:
  Pictures(const EvalOptions& options, const EvalSet& set,
           const EvalResult& result)
      : options_(options),
        set_(set),
        result_(result),
        task_(set.tasks.front()),
        k_(MainK(options.ks)),
        metric_(options.metrics.front()) {}

  absl::StatusOr<std::vector<ReportPicture>> Write() {
    VITRINE_RETURN_IF_ERROR(Metrics());
    if (set_.tasks.size() > 1 || HasBlocks()) {
      VITRINE_RETURN_IF_ERROR(Blocks());
    }
    if (options_.speed) {
      VITRINE_RETURN_IF_ERROR(Speed());
    }
    VITRINE_RETURN_IF_ERROR(SideBySide());
    VITRINE_RETURN_IF_ERROR(Heat());
    for (const bool best : {true, false}) VITRINE_RETURN_IF_ERROR(Ends(best));
    return std::move(written_);
  }

 private:
  absl::Status Add(const absl::StatusOr<std::string>& png,
                   const ReportPicture& picture) {
    if (!png.ok()) return png.status();
    VITRINE_RETURN_IF_ERROR(
        WriteWholeFile(options_.report / picture.file, *png));
    written_.push_back(picture);
    return absl::OkStatus();
  }

  std::string PrecisionWords() const {
    return absl::StrCat("precision@", k_, " by ", task_.name);
  }
  const Configuration& First(const ExtractorResult& extractor) const {
    return extractor.configurations.front();
  }
  bool HasBlocks() const {
    return std::any_of(result_.extractors.begin(), result_.extractors.end(),
                       [](const ExtractorResult& extractor) {
                         return extractor.configurations.back().blocks != "all";
                       });
  }
  // The one whose first configuration has the highest precision.
  const ExtractorResult& Best() const {
    const auto precision = [this](const ExtractorResult& extractor) {
      return FindFigure(First(extractor), task_.name, Measure::kPrecision, k_)
          ->estimate.value;
    };
    return *std::max_element(
        result_.extractors.begin(), result_.extractors.end(),
        [&](const ExtractorResult& a, const ExtractorResult& b) {
          return precision(a) < precision(b);
        });
  }

  absl::Status Metrics() {
    BarChart chart;
    chart.title = absl::StrCat("Extractors and metrics: ", PrecisionWords());
    chart.y_label = absl::StrCat("precision@", k_);
    for (Metric metric : options_.metrics) {
      chart.series.emplace_back(MetricName(metric));
    }
    for (const ExtractorResult& extractor : result_.extractors) {
      for (Normalise normalise : options_.normalise) {
        BarGroup& group = chart.groups.emplace_back();
        group.name = extractor.name;
        group.detail = normalise == Normalise::kUnit ? "unit blocks" : "raw";
        for (const Configuration& configuration : extractor.configurations) {
          if (configuration.blocks == "all" &&
              configuration.normalise == normalise) {
            group.readings.push_back(ReadingOf(FindFigure(
                configuration, task_.name, Measure::kPrecision, k_)));
          }
        }
      }
    }
    return Add(DrawBars(chart),
               {"metrics.png", "Extractors and metrics",
                absl::StrCat("The share of the first ", k_,
                             " answers that are right, with 95 % intervals. "
                             "Unit blocks are what is served: each block of "
                             "the vector of the length that its weight asks "
                             "for.")});
  }

  absl::Status Blocks() {
    BarChart chart;
    chart.title =
        absl::StrCat("What each block finds: precision@", k_, " by label");
    chart.y_label = absl::StrCat("precision@", k_);
    for (const ExtractorResult& extractor : result_.extractors) {
      for (const Configuration& configuration : extractor.configurations) {
        if (std::find(chart.series.begin(), chart.series.end(),
                      configuration.blocks) == chart.series.end()) {
          chart.series.push_back(configuration.blocks);
        }
      }
    }
    for (const ExtractorResult& extractor : result_.extractors) {
      for (const Task& task : set_.tasks) {
        BarGroup& group = chart.groups.emplace_back();
        group.name = task.name;
        group.detail = extractor.name;
        for (const std::string& blocks : chart.series) {
          Reading& reading = group.readings.emplace_back();
          for (const Configuration& configuration : extractor.configurations) {
            if (configuration.blocks == blocks &&
                configuration.metric == metric_ &&
                configuration.normalise == options_.normalise.front()) {
              reading = ReadingOf(FindFigure(configuration, task.name,
                                             Measure::kPrecision, k_));
            }
          }
        }
      }
    }
    return Add(
        DrawBars(chart),
        {"blocks.png", "What each block finds",
         absl::StrCat("The share of the first ", k_,
                      " answers that agree with the query in category, in "
                      "colour and so on, by all blocks together and by each "
                      "alone. Agreement in colour and pattern is among the "
                      "photos of which they are known.")});
  }

  absl::Status Speed() {
    Scatter scatter;
    scatter.title = absl::StrCat("Precision against speed");
    scatter.x_label =
        "pictures a second of CPU, one thread, one picture at a time";
    scatter.y_label = PrecisionWords();
    for (const ExtractorResult& extractor : result_.extractors) {
      const double rate = RateAt(extractor, 1, 1);
      if (!(rate > 0)) continue;
      scatter.points.push_back(
          {extractor.name, rate,
           ReadingOf(FindFigure(First(extractor), task_.name,
                                Measure::kPrecision, k_))});
    }
    if (scatter.points.empty()) return absl::OkStatus();
    return Add(DrawScatter(scatter),
               {"speed.png", "Precision against speed",
                "Up is better, right is faster; the axis of speed is "
                "logarithmic. All rates are of this run on this machine, by "
                "CPU time, which other programs disturb least."});
  }

  absl::Status SideBySide() {
    const auto& answers = First(result_.extractors.front()).answers;
    int number = 0;
    for (const QueryAnswer* answer : Typical(task_, answers, k_, kSideBySide)) {
      std::vector<std::string> names;
      std::vector<const QueryAnswer*> row;
      for (const ExtractorResult& extractor : result_.extractors) {
        // All extractors answer the same queries in the same order.
        const QueryAnswer& its =
            First(extractor).answers[answer - answers.data()];
        names.push_back(extractor.name);
        row.push_back(&its);
      }
      VITRINE_RETURN_IF_ERROR(
          Add(DrawSideBySide(set_, names, row, metric_, k_),
              {absl::StrCat("query-", ++number, ".png"),
               absl::StrCat("A query under each extractor: ",
                            task_.classes[task_.label[answer->photo]]),
               "The query comes first, as 100 %; green frames are right, red "
               "ones wrong. The three queries stand at a quarter, a half and "
               "three quarters of the order from best to worst."}));
    }
    return absl::OkStatus();
  }

  absl::Status Heat() {
    const ExtractorResult& best = Best();
    const std::vector<size_t> shown = MostAsked(best);
    const auto shares = Confusion(task_, First(best).answers, k_);
    HeatMap map;
    map.title =
        absl::StrCat(best.name, ": of what class the first ", k_, " are, in %");
    map.row_label = "class of the query";
    map.column_label = "class of the answer";
    for (size_t row : shown) {
      map.names.push_back(task_.classes[row]);
      std::vector<double>& of_row = map.shares.emplace_back();
      for (size_t column : shown) of_row.push_back(shares[row][column]);
    }
    const std::string whole = absl::StrCat(
        "Each row adds up to 100 % of the first ", k_,
        " answers to the queries of a class; right answers are on the "
        "diagonal.");
    const std::string part = absl::StrCat(
        "The ", shown.size(), " classes with the most queries of ",
        task_.classes.size(), ". Each row is in % of the first ", k_,
        " answers to the queries of a class; what it lacks to "
        "100 % are answers of classes that are not shown.");
    return Add(DrawHeatMap(map),
               {"confusion.png", "What is taken for what",
                shown.size() == task_.classes.size() ? whole : part});
  }

  // The classes of the heat map, in their order: all, or those with the most
  // queries.
  std::vector<size_t> MostAsked(const ExtractorResult& extractor) const {
    std::vector<int> queries(task_.classes.size());
    for (const QueryAnswer& answer : First(extractor).answers) {
      ++queries[task_.label[answer.photo]];
    }
    std::vector<size_t> shown(task_.classes.size());
    std::iota(shown.begin(), shown.end(), 0);
    if (shown.size() <= kMaxClasses) return shown;
    std::stable_sort(shown.begin(), shown.end(), [&](size_t a, size_t b) {
      return queries[a] > queries[b];
    });
    shown.resize(kMaxClasses);
    std::sort(shown.begin(), shown.end());
    return shown;
  }

  absl::Status Ends(bool best) {
    const ExtractorResult& extractor = Best();
    const std::vector<const QueryAnswer*> chosen =
        Extremes(task_, First(extractor).answers, k_, kExtremes, best);
    if (chosen.empty()) return absl::OkStatus();
    const std::string title = absl::StrCat(best ? "The best" : "The worst",
                                           " queries of ", extractor.name);
    return Add(DrawQueries(set_, title, chosen, metric_, k_),
               {best ? "best.png" : "worst.png", title,
                best ? "Of different classes, as far as there are."
                     : "Queries that have right answers and find few of them. "
                       "Where the photos look alike, the labels may differ in "
                       "what cannot be seen."});
  }

  const EvalOptions& options_;
  const EvalSet& set_;
  const EvalResult& result_;
  const Task& task_;
  const int k_;
  const Metric metric_;
  std::vector<ReportPicture> written_;
};

}  // namespace

std::vector<std::vector<double>> Confusion(
    const Task& task, const std::vector<QueryAnswer>& answers, int k) {
  const size_t n = task.classes.size();
  std::vector<std::vector<double>> shares(n, std::vector<double>(n));
  std::vector<double> total(n);
  for (const QueryAnswer& answer : answers) {
    const int asked = task.label[answer.photo];
    const size_t count = std::min(answer.hits.size(), static_cast<size_t>(k));
    for (size_t i = 0; i < count; ++i) {
      shares[asked][task.label[answer.hits[i].photo]] += 1;
      total[asked] += 1;
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (double& share : shares[i]) {
      share = total[i] > 0 ? share / total[i] : NAN;
    }
  }
  return shares;
}

absl::StatusOr<std::vector<ReportPicture>> WritePictures(
    const EvalOptions& options, const EvalSet& set, const EvalResult& result) {
  return Pictures(options, set, result).Write();
}

}  // namespace vitrine::eval
