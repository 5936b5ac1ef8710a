#include "clients/eval/report_pictures.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "clients/eval/heat_table.h"
#include "clients/eval/html_table.h"
#include "clients/eval/plots.h"
#include "clients/eval/report_csv.h"
#include "clients/eval/report_sheets.h"
#include "clients/pictures/caption.h"
#include "clients/pictures/whole_file.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace vitrine::eval {
namespace {

constexpr size_t kExtremes = 4;
constexpr size_t kSideBySide = 3;
constexpr size_t kMaxClasses = 40;  // of a heat map
constexpr size_t kMaxAnswers = 10;  // of a sheet, in its row

// All names that pictures of a report have.
constexpr char kMetrics[] = "metrics.png", kBlocks[] = "blocks.png",
               kSpeed[] = "speed.png", kConfusion[] = "confusion.png",
               kBest[] = "best.png", kWorst[] = "worst.png";
constexpr const char* kQueries[kSideBySide] = {"query-1.png", "query-2.png",
                                               "query-3.png"};

constexpr char kLettersLacking[] =
    " The picture has Latin letters alone and shows others as ?; the table "
    "below has all.";

// Whether the pictures' font has all letters of a name.
bool CanBeDrawn(const std::string& name) {
  const std::string drawn = ToAscii(name);
  return std::count(drawn.begin(), drawn.end(), '?') ==
         std::count(name.begin(), name.end(), '?');
}

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

  // Which extractor is shown, where it is the best of several.
  std::string OfTheBest() const {
    return result_.extractors.size() == 1
               ? ""
               : absl::StrCat("Of ", Best().name, ", which has the highest ",
                              PrecisionWords(), ". ");
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
               {kMetrics, "Extractors and metrics",
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
        {kBlocks, "What each block finds",
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
               {kSpeed, "Precision against speed",
                "Up is better, right is faster; the axis of speed is "
                "logarithmic. All rates are of this run on this machine, by "
                "CPU time, which other programs disturb least."});
  }

  absl::Status SideBySide() {
    const auto& answers = First(result_.extractors.front()).answers;
    const char* const* file = kQueries;
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
      ReportPicture picture{
          *file++,
          absl::StrCat("A query under each extractor: ",
                       LabelOf(task_, answer->photo)),
          absl::StrCat(
              "The query comes first, as 100 %; green frames are right, red "
              "ones wrong. The queries are chosen at a quarter, a half and "
              "three quarters of the order from worst to best",
              result_.extractors.size() == 1
                  ? ""
                  : absl::StrCat(" under ", result_.extractors.front().name),
              "; where one is of a class that is shown already, the next "
              "better one of another class is taken, if there is one.")};
      TellLabels("extractor", names, row, &picture);
      VITRINE_RETURN_IF_ERROR(
          Add(DrawSideBySide(set_, names, row, metric_, k_), picture));
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
    const bool grey = std::any_of(
        map.shares.begin(), map.shares.end(),
        [](const std::vector<double>& row) { return std::isnan(row[0]); });
    ReportPicture picture{
        kConfusion, "What is taken for what",
        absl::StrCat(OfTheBest(),
                     shown.size() == task_.classes.size() ? whole : part,
                     grey ? " Grey rows are classes that no query is of." : ""),
        HeatTable(map),
        !std::all_of(map.names.begin(), map.names.end(), CanBeDrawn)};
    if (picture.table_first) picture.caption += kLettersLacking;
    return Add(DrawHeatMap(map), picture);
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
    ReportPicture picture{
        best ? kBest : kWorst, title,
        absl::StrCat(
            OfTheBest(),
            best ? "The queries are of different classes, as far as there are."
                 : "Queries that have right answers and find few of them. "
                   "Where the photos look alike, the labels may differ in "
                   "what cannot be seen.")};
    std::vector<std::string> queries;
    for (const QueryAnswer* answer : chosen) {
      queries.push_back(LabelOf(task_, answer->photo));
    }
    TellLabels("query", queries, chosen, &picture);
    return Add(DrawQueries(set_, title, chosen, metric_, k_), picture);
  }

  // Where a label below a photo cannot be drawn, all of them as a table: a row
  // a sheet's row.
  void TellLabels(const std::string& heading,
                  const std::vector<std::string>& names,
                  const std::vector<const QueryAnswer*>& rows,
                  ReportPicture* picture) const {
    std::vector<std::string> headings = {heading};
    for (size_t i = 1; i <= std::min<size_t>(k_, kMaxAnswers); ++i) {
      headings.push_back(absl::StrCat(i));
    }
    HtmlTable table(headings, headings.size());
    bool can_be_drawn = true;
    for (size_t i = 0; i < rows.size(); ++i) {
      std::vector<std::string> cells = {Escape(names[i])};
      can_be_drawn &= CanBeDrawn(LabelOf(task_, rows[i]->photo));
      for (const Hit& hit : rows[i]->hits) {
        if (cells.size() == headings.size()) break;
        const std::string label = LabelOf(task_, hit.photo);
        can_be_drawn &= CanBeDrawn(label);
        cells.push_back(Escape(label));
      }
      cells.resize(headings.size());
      table.Row(cells);
    }
    if (can_be_drawn) return;
    picture->table = table.Html();
    picture->table_first = true;
    picture->caption += kLettersLacking;
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

std::vector<std::string> PictureNames() {
  std::vector<std::string> names = {kMetrics,   kBlocks, kSpeed,
                                    kConfusion, kBest,   kWorst};
  names.insert(names.end(), std::begin(kQueries), std::end(kQueries));
  return names;
}

absl::Status RemovePictures(const std::filesystem::path& folder) {
  for (const std::string& name : PictureNames()) {
    VITRINE_RETURN_IF_ERROR(RemoveFile(folder / name));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ReportPicture>> WritePictures(
    const EvalOptions& options, const EvalSet& set, const EvalResult& result) {
  return Pictures(options, set, result).Write();
}

}  // namespace vitrine::eval
