// Scans that the queries of a batch share against one scan after the other.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_index.h"
#include "benchmarks/synthetic_rows.h"
#include "common/base/status.h"
#include "common/index/search.h"

namespace vitrine {
namespace {

constexpr size_t kQueries = 256;

}  // namespace

absl::Status RunBatchRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(
      const SyntheticRows drawn,
      DrawSyntheticRows(options.index, options.split_file, options.rows));
  ScratchIndex index;
  VITRINE_ASSIGN_OR_RETURN(auto snapshot,
                           index.Build(*drawn.source, RowsOf(drawn)));
  const size_t n = std::min(kQueries, drawn.queries.size());
  const PinnedToOneCore pinned;
  for (const bool exact : {false, true}) {
    SearchParams params;
    params.scan = true;
    params.exact = exact;
    absl::Status status;
    const double alone = [&] {
      std::vector<double> seconds;
      for (int i = 0; i < options.repetitions; ++i) {
        seconds.push_back(CpuSeconds([&] {
          for (size_t q = 0; q < n; ++q) {
            status.Update(Search(*snapshot, drawn.queries[q], params).status());
          }
        }));
      }
      return Median(seconds);
    }();
    for (const size_t at_once : {size_t{2}, size_t{8}, size_t{32}}) {
      std::vector<double> seconds;
      for (int i = 0; i < options.repetitions; ++i) {
        seconds.push_back(CpuSeconds([&] {
          for (size_t q = 0; q < n; q += at_once) {
            std::vector<SearchQuery> batch;
            for (size_t j = q; j < std::min(n, q + at_once); ++j)
              batch.push_back({drawn.queries[j], &params});
            for (const auto& result : SearchBatch(*snapshot, batch))
              status.Update(result.status());
          }
        }));
      }
      VITRINE_RETURN_IF_ERROR(status);
      report->Add({.name = absl::StrCat(exact ? "batch_exact_" : "batch_codes_",
                                        at_once),
                   .value = static_cast<double>(n) / Median(seconds),
                   .unit = "queries/s",
                   .against = "one scan after the other, one core",
                   .ratio = alone / Median(seconds)});
    }
  }
  return absl::OkStatus();
}

}  // namespace vitrine
