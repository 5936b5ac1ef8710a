// What a graph promises to find against what photos find that it has never
// seen.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_index.h"
#include "benchmarks/synthetic_rows.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/index/recall.h"
#include "common/index/recall_measure.h"
#include "common/index/search.h"

namespace vitrine {
namespace {

constexpr double kPromises[] = {0.9, 0.95, 0.98, 0.99};

struct Kind {
  std::string name;
  std::vector<float> emphasis;
  RowFilter filter;
  int k = 10;
};

std::vector<Kind> KindsOf(const Snapshot& snapshot) {
  std::vector<Kind> kinds;
  kinds.push_back({"plain", {}, {}});
  kinds.push_back({"k_100", {}, {}, 100});
  for (size_t b = 0; b < snapshot.blocks().size(); ++b) {
    if (snapshot.blocks().size() < 2) break;
    std::vector<float> emphasis(snapshot.blocks().size(), 1);
    emphasis[b] = 2;
    kinds.push_back({absl::StrCat("twice_", snapshot.blocks()[b].name),
                     std::move(emphasis),
                     {}});
  }
  for (uint32_t one_of : {2U, 10U}) {
    Bitmap passing(snapshot.shards().front().shard->rows());
    for (uint32_t row = 0; row < passing.size(); row += one_of)
      passing.Set(row);
    kinds.push_back({absl::StrCat("one_of_", one_of), {}, {}});
    kinds.back().filter.Add(std::move(passing));
  }
  return kinds;
}

absl::Status Compare(const Snapshot& snapshot, const SyntheticRows& drawn,
                     const Kind& kind, double promise, int repetitions,
                     Report* report) {
  SearchParams params;
  params.k = kind.k;
  params.emphasis = kind.emphasis;
  params.min_score = -2;
  if (!kind.filter.rows.empty()) params.filter = &kind.filter;
  const size_t n = drawn.queries.size();
  std::vector<SearchResult> found(n), right(n);
  absl::Status status;
  auto run = [&](std::vector<SearchResult>* results) {
    return CpuSeconds([&] {
      for (size_t q = 0; q < n; ++q) {
        auto result = Search(snapshot, drawn.queries[q], params);
        status.Update(result.status());
        if (result.ok()) (*results)[q] = *std::move(result);
      }
    });
  };
  std::vector<double> ours, scan;
  for (int i = 0; i < repetitions; ++i) {
    params.min_recall = promise;
    params.scan = false;
    ours.push_back(run(&found));
    params.scan = true;
    scan.push_back(run(&right));
  }
  VITRINE_RETURN_IF_ERROR(status);
  double recall = 0;
  for (size_t q = 0; q < n; ++q) recall += RecallOf(right[q], found[q], kind.k);
  report->Add({.name = absl::StrCat("recall_", kind.name, "_", promise),
               .value = found.front().ef * 1.0,
               .unit = found.front().ef == 0 ? "scanned" : "ef",
               .against = "scanning all codes",
               .ratio = Median(scan) / Median(ours),
               .recall = recall / static_cast<double>(n)});
  return absl::OkStatus();
}

}  // namespace

absl::Status RunRecallRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(
      const SyntheticRows drawn,
      DrawSyntheticRows(options.index, options.split_file, options.rows));
  ScratchIndex index;
  std::shared_ptr<const Snapshot> snapshot;
  absl::Status status;
  const double build_seconds = TimeSeconds([&] {
    auto built = index.Build(*drawn.source, RowsOf(drawn));
    status = built.status();
    if (built.ok()) snapshot = *built;
  });
  VITRINE_RETURN_IF_ERROR(status);
  storage::Manifest manifest = snapshot->manifest();
  storage::VectorSet& set = *manifest.mutable_vector_sets(0);
  const double measure_seconds = TimeSeconds([&] {
    status = MeasureRecall(index.paths(), snapshot->set(), AvailableCores(), {},
                           set.mutable_shards(0));
  });
  VITRINE_RETURN_IF_ERROR(status);
  report->Add({.name = "recall_measuring",
               .value = measure_seconds,
               .unit = "s",
               .against = "building the graph",
               .ratio = measure_seconds / build_seconds});
  VITRINE_ASSIGN_OR_RETURN(
      snapshot, Snapshot::Open(index.paths(), manifest, snapshot.get()));
  const PinnedToOneCore pinned;
  for (const Kind& kind : KindsOf(*snapshot)) {
    for (double promise : kPromises) {
      VITRINE_RETURN_IF_ERROR(Compare(*snapshot, drawn, kind, promise,
                                      options.repetitions, report));
    }
  }
  return absl::OkStatus();
}

}  // namespace vitrine
