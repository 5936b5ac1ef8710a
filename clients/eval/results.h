// What a run of `vitrine eval` found, as the report shows it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "clients/eval/bootstrap.h"
#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/ranking.h"
#include "clients/eval/retrieval_metrics.h"
#include "clients/eval/run_facts.h"

namespace vitrine::eval {

// A mean over queries: a line of metrics.csv.
struct Figure {
  std::string task;
  std::string label;           // the class of the queries; "" for all
  bool many_relevant = false;  // only queries with kManyRelevant or more
  Measure measure = Measure::kPrecision;
  int k = 0;
  Estimate estimate;
  int64_t queries = 0;
};

inline constexpr int kManyRelevant = 10;

// One way to compare the vectors of one model.
struct Configuration {
  std::string blocks;  // "all", or a block's name
  Normalise normalise = Normalise::kUnit;
  Metric metric = Metric::kCosine;
  std::vector<QueryAnswer> answers;  // of the first task
  std::vector<Figure> figures;
  // The share of other views that find their photo first.
  std::optional<Estimate> self_retrieval;
};

// How fast a model is on this machine; see speed.h.
struct Rate {
  int threads = 1;
  int batch = 1;
  double pictures_per_second = 0;
};

struct ExtractorResult {
  std::string name;                // Unique among the extractors.
  std::string card_name;           // as the card tells it
  std::string origin, trained_on;  // as the card tells them
  std::filesystem::path file;
  std::string sha256;  // of the file, in hexadecimal
  uint64_t bytes = 0;
  int dim = 0;
  // The first is what the report shows in pictures: all blocks, under the first
  // metric and normalisation.
  std::vector<Configuration> configurations;
  int views = 0;  // of self-retrieval
  std::vector<Rate> rates;
};

struct EvalResult {
  std::vector<ExtractorResult> extractors;
  int64_t refused = 0;  // photos that could not be read
  int64_t gallery = 0;  // photos that may answer
  std::vector<std::string> warnings;
  RunFacts facts;
  double seconds = 0;
};

// The figures of `answers` to a task: all measures at all ks, over all queries
// and over those with many relevant; with `by_class` also for each class.
std::vector<Figure> FiguresOf(const EvalSet& set, const Task& task,
                              const std::vector<QueryAnswer>& answers,
                              const std::vector<int>& ks, bool by_class);

// The figure over all queries of a task, or over those of a class or with many
// relevant; null where there is none.
const Figure* FindFigure(const Configuration& configuration,
                         std::string_view task, Measure measure, int k,
                         std::string_view label = "",
                         bool many_relevant = false);

// How an extractor was initialised and trained, in words: its card's origin and
// `trained_on`, as far as it has them.
std::string TrainingOf(const ExtractorResult& extractor);

// "P@10", "mAP@10": what a column of a table is called.
std::string MeasureHeading(Measure measure, int k);

// Three digits; "–" where the value is not known.
std::string ValueText(double value);

// One digit after the point; "–" where the value is not known.
std::string RoundedText(double value);

// The k of tables and pictures: 10, or the largest below it, or the smallest.
int MainK(const std::vector<int>& ks);

}  // namespace vitrine::eval
