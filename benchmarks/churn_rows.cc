// A fifth of the products go and as many others come, a few in each
// generation: what searches find all along, and what is left on the disk,
// against an index that was built of those that stay.
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/answers.h"
#include "benchmarks/changing_index.h"
#include "benchmarks/curve.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_index.h"
#include "benchmarks/synthetic_rows.h"
#include "common/base/status.h"
#include "common/index/search.h"

namespace vitrine {
namespace {

constexpr size_t kChurnOneOf = 5;
constexpr size_t kGenerations = 400;
constexpr size_t kLookEvery = 40;  // Generations.
constexpr int kK = 10;
constexpr double kPromise = 0.99;

struct Found {
  double recall = 0;
  double ms = 0;  // A query, the median.
};

// Recall@10 against exact scans, of the default search or of one that was
// promised a recall.
absl::StatusOr<Found> Look(const Snapshot& snapshot,
                           const std::vector<std::vector<float>>& queries,
                           double min_recall) {
  std::vector<std::vector<std::string>> right, found;
  std::vector<double> ms;
  for (const std::vector<float>& query : queries) {
    for (const bool exact : {true, false}) {
      SearchParams params;
      params.k = kK;
      params.exact = exact;
      if (!exact) params.min_recall = min_recall;
      absl::StatusOr<SearchResult> result;
      const double seconds =
          TimeSeconds([&] { result = Search(snapshot, query, params); });
      VITRINE_RETURN_IF_ERROR(result.status());
      if (!exact) ms.push_back(seconds * 1000);
      (exact ? right : found).push_back(ProductIdsOf(*result));
    }
  }
  return Found{RecallOf<std::string>(right, found), Median(std::move(ms))};
}

}  // namespace

absl::Status RunChurnRows(const BenchOptions& options, Report* report) {
  const size_t churn = options.rows / kChurnOneOf;
  VITRINE_ASSIGN_OR_RETURN(const SyntheticRows drawn,
                           DrawSyntheticRows(options.index, options.split_file,
                                             options.rows + churn));
  VITRINE_ASSIGN_OR_RETURN(
      const auto index,
      ChangingIndex::Make({options.index}, drawn, options.rows));

  // Which go, in no order that rows have.
  std::vector<size_t> order(options.rows);
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  order.resize(churn);
  const size_t step = std::max<size_t>(1, churn / kGenerations);
  double least = 1, least_promised = 1;
  const auto look = [&]() -> absl::Status {
    const auto snapshot = index->snapshot();
    VITRINE_ASSIGN_OR_RETURN(const Found plain,
                             Look(*snapshot, drawn.queries, 0));
    VITRINE_ASSIGN_OR_RETURN(const Found promised,
                             Look(*snapshot, drawn.queries, kPromise));
    least = std::min(least, plain.recall);
    least_promised = std::min(least_promised, promised.recall);
    return absl::OkStatus();
  };
  for (size_t done = 0, i = 0; done < churn; ++i) {
    const size_t n = std::min(step, churn - done);
    VITRINE_RETURN_IF_ERROR(index->Publish(options.rows + done, n,
                                           std::span(order).subspan(done, n)));
    done += n;
    if (i % kLookEvery == 0) {
      VITRINE_RETURN_IF_ERROR(look());
    }
  }
  VITRINE_RETURN_IF_ERROR(index->Settle());
  VITRINE_RETURN_IF_ERROR(look());
  VITRINE_RETURN_IF_ERROR(index->LetADayPass());
  VITRINE_RETURN_IF_ERROR(look());

  std::vector<bool> gone(drawn.product_of.size());
  for (const size_t i : order) gone[i] = true;
  std::vector<Row> rows;
  TableChanges products = ProductsOf(drawn);
  for (size_t i = 0; i < gone.size(); ++i) {
    const Row& row = index->rows()[i];
    if (gone[i]) {
      products.erase(row.product_id);
    } else {
      rows.push_back(row);
    }
  }
  ScratchIndex fresh_index;
  VITRINE_ASSIGN_OR_RETURN(
      const auto fresh,
      fresh_index.Build(*drawn.source, rows, products, GraphRecall::kMeasured));
  std::vector<double> churned_ms, fresh_ms;
  Found churned_found, fresh_found;
  const PinnedToOneCore pinned;
  for (int i = 0; i < options.repetitions; ++i) {
    VITRINE_ASSIGN_OR_RETURN(churned_found,
                             Look(*index->snapshot(), drawn.queries, kPromise));
    VITRINE_ASSIGN_OR_RETURN(fresh_found,
                             Look(*fresh, drawn.queries, kPromise));
    churned_ms.push_back(churned_found.ms);
    fresh_ms.push_back(fresh_found.ms);
  }
  VITRINE_ASSIGN_OR_RETURN(const Found fresh_plain,
                           Look(*fresh, drawn.queries, 0));
  const std::string against = absl::StrCat("an index that was built of the ",
                                           rows.size(), " products that stay");
  report->Add({.name = "churn_least_recall",
               .value = least,
               .unit = "recall@10 of the default search, all along",
               .against = against,
               .ratio = least / fresh_plain.recall,
               .recall = least});
  report->Add({.name = "churn_least_recall_promised",
               .value = least_promised,
               .unit = absl::StrCat("recall@10 with min_recall ", kPromise),
               .recall = least_promised});
  report->Add(
      {.name = "churn_search",
       .value = Median(churned_ms),
       .unit = absl::StrCat("ms with min_recall ", kPromise),
       .against = absl::StrCat(against, ", recall ", fresh_found.recall),
       .ratio = Median(churned_ms) / Median(fresh_ms),
       .recall = churned_found.recall});
  const auto bytes = static_cast<double>(RowBytesOnDisk(index->paths()));
  report->Add({.name = "churn_bytes_on_disk",
               .value = bytes,
               .unit = "bytes, a day and four generations after",
               .against = against,
               .ratio = bytes / static_cast<double>(
                                    RowBytesOnDisk(fresh_index.paths()))});
  return absl::OkStatus();
}

}  // namespace vitrine
