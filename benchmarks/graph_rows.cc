#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/curve.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_index.h"
#include "common/base/status.h"
#include "common/index/search.h"
#include "common/index/snapshot.h"
#include "common/vector/half.h"

namespace vitrine {
namespace {

constexpr int kK = 10;

std::vector<Row> LiveRows(const Snapshot& snapshot) {
  std::vector<Row> rows;
  for (const LiveShard& live : snapshot.shards()) {
    for (uint32_t i = 0; i < live.shard->rows(); ++i) {
      if (!live.IsLive(i)) continue;
      const RowKey key = live.shard->key(i);
      Row& row = rows.emplace_back();
      row.product_id = key.product_id;
      row.image_key = key.image_key;
      const uint16_t* vector = live.shard->vector(i);
      row.vector.assign(vector, vector + snapshot.dim());
    }
  }
  return rows;
}

struct Queries {
  std::vector<std::string> products;  // Each query's own, which never counts.
  std::vector<std::vector<float>> vectors;
};

Queries DrawQueries(const std::vector<Row>& rows, int dim, size_t n) {
  Queries queries;
  const size_t step = std::max<size_t>(1, rows.size() / n);
  for (size_t i = 0; i < rows.size(); i += step) {
    queries.products.push_back(rows[i].product_id);
    queries.vectors.emplace_back(dim);
    FloatsFromHalves(rows[i].vector.data(), static_cast<size_t>(dim),
                     queries.vectors.back().data());
  }
  return queries;
}

absl::StatusOr<std::vector<std::vector<std::string>>> Answers(
    const Snapshot& snapshot, const Queries& queries, bool exact) {
  std::vector<std::vector<std::string>> answers;
  for (size_t q = 0; q < queries.vectors.size(); ++q) {
    SearchParams params;
    params.k = kK;
    params.group_by_product = false;
    params.metric = MetricOf(snapshot.set());
    params.exact = exact;
    params.excluded_products.insert(queries.products[q]);
    VITRINE_ASSIGN_OR_RETURN(const SearchResult result,
                             Search(snapshot, queries.vectors[q], params));
    std::vector<std::string>& answer = answers.emplace_back();
    for (const SearchHit& hit : result.hits) {
      const RowKey key = hit.key();
      answer.push_back(absl::StrCat(std::string(key.product_id), "\n",
                                    std::string(key.image_key)));
    }
  }
  return answers;
}

}  // namespace

absl::Status RunGraphRows(const BenchOptions& options, Report* report) {
  std::string degraded;
  VITRINE_ASSIGN_OR_RETURN(
      auto stored, Snapshot::OpenNewest({options.index}, nullptr, &degraded));
  std::vector<Row> rows = LiveRows(*stored);
  if (rows.size() < 2 * kK) {
    return absl::FailedPreconditionError(
        absl::StrCat(options.index.string(), " has only ", rows.size(),
                     " pictures: index more to measure a graph"));
  }
  const Queries queries = DrawQueries(rows, stored->dim(), 1000);
  // The same rows in one shard, whatever shards they came from.
  ScratchIndex index;
  VITRINE_ASSIGN_OR_RETURN(auto graph, index.Build(*stored, std::move(rows)));

  std::vector<std::vector<std::string>> walked, scanned;
  std::vector<double> walk_seconds, scan_seconds;
  absl::Status status;
  auto run = [&](bool exact, std::vector<std::vector<std::string>>* answers) {
    auto found = Answers(*graph, queries, exact);
    status.Update(found.status());
    if (found.ok()) *answers = *std::move(found);
  };
  for (int i = 0; i < options.repetitions; ++i) {
    walk_seconds.push_back(TimeSeconds([&] { run(false, &walked); }));
    scan_seconds.push_back(TimeSeconds([&] { run(true, &scanned); }));
  }
  VITRINE_RETURN_IF_ERROR(status);
  const double recall = RecallOf<std::string>(scanned, walked);
  const double n = static_cast<double>(queries.vectors.size());
  report->Add({.name = "graph_vs_scan",
               .value = n / Median(walk_seconds),
               .unit = "queries/s",
               .against = absl::StrCat("exact scan of ", graph->images(),
                                       " rows, default ef"),
               .ratio = Median(scan_seconds) / Median(walk_seconds),
               .recall = recall});
  return absl::OkStatus();
}

}  // namespace vitrine
