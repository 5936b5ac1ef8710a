#include "clients/eval/retrieval_metrics.h"

#include <algorithm>
#include <cmath>

namespace vitrine::eval {
namespace {

Right First(Right right, int k) {
  return right.first(std::min(right.size(), static_cast<size_t>(k)));
}

double Count(Right right) {
  return static_cast<double>(std::count(right.begin(), right.end(), 1));
}

double Discount(size_t rank) {
  return 1 / std::log2(static_cast<double>(rank) + 2);
}

}  // namespace

double PrecisionAt(Right right, int k) { return Count(First(right, k)) / k; }

double RecallAt(Right right, int64_t relevant, int k) {
  if (relevant == 0) return 0;
  return Count(First(right, k)) / static_cast<double>(relevant);
}

double AveragePrecisionAt(Right right, int64_t relevant, int k) {
  if (relevant == 0) return 0;
  double found = 0, sum = 0;
  const Right first = First(right, k);
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i] == 0) continue;
    found += 1;
    sum += found / static_cast<double>(i + 1);
  }
  return sum / static_cast<double>(std::min<int64_t>(k, relevant));
}

double NdcgAt(Right right, int64_t relevant, int k) {
  if (relevant == 0) return 0;
  double gain = 0, best = 0;
  const Right first = First(right, k);
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i] != 0) gain += Discount(i);
  }
  for (int64_t i = 0; i < std::min<int64_t>(k, relevant); ++i) {
    best += Discount(static_cast<size_t>(i));
  }
  return gain / best;
}

double RelevanceScoreAt(Right right, int k) {
  double sum = 0;
  const Right first = First(right, k);
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i] != 0) sum += k - static_cast<double>(i);
  }
  return sum / (k * (k + 1.0) / 2);
}

std::string_view MeasureName(Measure measure) {
  switch (measure) {
    case Measure::kPrecision:
      return "precision";
    case Measure::kAveragePrecision:
      return "map";
    case Measure::kNdcg:
      return "ndcg";
    case Measure::kRecall:
      return "recall";
    case Measure::kRelevanceScore:
      return "relevance";
  }
  return {};
}

double MeasureAt(Measure measure, Right right, int64_t relevant, int k) {
  switch (measure) {
    case Measure::kPrecision:
      return PrecisionAt(right, k);
    case Measure::kAveragePrecision:
      return AveragePrecisionAt(right, relevant, k);
    case Measure::kNdcg:
      return NdcgAt(right, relevant, k);
    case Measure::kRecall:
      return RecallAt(right, relevant, k);
    case Measure::kRelevanceScore:
      return RelevanceScoreAt(right, k);
  }
  return 0;
}

}  // namespace vitrine::eval
