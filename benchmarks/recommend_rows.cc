// Recommendations in generations that have just been published: what a server
// makes of each anew, and what it takes over.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/changing_index.h"
#include "benchmarks/report.h"
#include "benchmarks/synthetic_rows.h"
#include "common/base/status.h"
#include "server/recommend.h"
#include "server/serving.h"
#include "server/slots.h"

namespace vitrine {
namespace {

// Milliseconds until what goes with a product is told.
absl::StatusOr<double> Recommend(const Serving& serving,
                                 const std::string& product_id) {
  v1::RecommendRequest request;
  request.set_product_id(product_id);
  absl::Status status;
  const double seconds = TimeSeconds(
      [&] { status = HandleRecommend(serving, request, Call()).status(); });
  VITRINE_RETURN_IF_ERROR(status);
  return 1000 * seconds;
}

}  // namespace

absl::Status RunRecommendRows(const BenchOptions& options, Report* report) {
  const auto generations = static_cast<size_t>(options.repetitions) + 1;
  VITRINE_ASSIGN_OR_RETURN(const SyntheticRows drawn,
                           DrawSyntheticRows(options.index, options.split_file,
                                             options.rows + generations));
  VITRINE_ASSIGN_OR_RETURN(
      const auto index,
      ChangingIndex::Make({options.index}, drawn, options.rows));
  const PinnedToOneCore pinned;
  std::vector<double> fresh, known, anew;
  for (size_t i = 0; i < generations; ++i) {
    VITRINE_RETURN_IF_ERROR(index->Publish(options.rows + i, 1, {}));
    VITRINE_RETURN_IF_ERROR(index->Settle());
    const auto snapshot = index->snapshot();
    const std::string& product_id =
        index->rows()[i * options.rows / generations].product_id;
    const Serving serving(snapshot, /*embedder=*/nullptr, SlotTable::Default());
    VITRINE_ASSIGN_OR_RETURN(const double first,
                             Recommend(serving, product_id));
    VITRINE_ASSIGN_OR_RETURN(const double again,
                             Recommend(serving, product_id));
    VITRINE_ASSIGN_OR_RETURN(
        const auto alone, Snapshot::Open(index->paths(), snapshot->manifest(),
                                         /*previous=*/nullptr));
    const Serving serving_alone(alone, /*embedder=*/nullptr,
                                SlotTable::Default());
    VITRINE_ASSIGN_OR_RETURN(const double of_alone,
                             Recommend(serving_alone, product_id));
    // The first generation has nothing to take over.
    if (i == 0) continue;
    fresh.push_back(first);
    known.push_back(again);
    anew.push_back(of_alone);
  }
  report->Add(
      {.name = "recommend_fresh",
       .value = Median(fresh),
       .unit = "ms",
       .against = absl::StrCat("the same as a server's first question, ",
                               options.rows, " products"),
       .ratio = Median(fresh) / Median(anew)});
  report->Add({.name = "recommend_again",
               .value = Median(known),
               .unit = "ms",
               .against = "the first question of a generation",
               .ratio = Median(known) / Median(fresh)});
  return absl::OkStatus();
}

}  // namespace vitrine
