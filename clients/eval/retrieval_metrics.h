// The formulas of retrieval quality for one query. docs/evaluation.md gives
// them in full, with their sources. Pure.
//
// `right[i]` is 1 where the answer at rank i, counted from 0 and best first, is
// right, else 0. Answers that are lacking, right.size() < k, are wrong.
// `relevant` counts the right answers that the gallery has for the query; where
// it is 0 every measure is 0. k is at least 1.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace vitrine::eval {

using Right = std::span<const uint8_t>;

// The share of the first k answers that are right.
double PrecisionAt(Right right, int k);

// The share of the relevant that is among the first k answers.
double RecallAt(Right right, int64_t relevant, int k);

// Σ_{i<k} right_i × (right among the first i + 1) / (i + 1), over
// min(k, relevant). Its mean over the queries is mAP@k.
double AveragePrecisionAt(Right right, int64_t relevant, int k);

// Σ_{i<k} right_i / log2(i + 2), over what the best order would give.
double NdcgAt(Right right, int64_t relevant, int k);

// The average relevance score of k answers with linear weights:
// Σ_{i<k} right_i (k − i) / Σ_{i<k} (k − i).
double RelevanceScoreAt(Right right, int k);

// All of the above, for tables.
enum class Measure {
  kPrecision,
  kAveragePrecision,
  kNdcg,
  kRecall,
  kRelevanceScore
};
inline constexpr Measure kMeasures[] = {
    Measure::kPrecision, Measure::kAveragePrecision, Measure::kNdcg,
    Measure::kRecall, Measure::kRelevanceScore};

// "precision", "map", "ndcg", "recall", "relevance": as in metrics.csv.
std::string_view MeasureName(Measure measure);

double MeasureAt(Measure measure, Right right, int64_t relevant, int k);

}  // namespace vitrine::eval
