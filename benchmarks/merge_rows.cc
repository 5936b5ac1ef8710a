// Adding rows to the largest graph of an index against building the graph of
// all of them anew.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmarks/answers.h"
#include "benchmarks/curve.h"
#include "benchmarks/memory_watch.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_index.h"
#include "benchmarks/synthetic_rows.h"
#include "common/base/status.h"
#include "common/index/search.h"

namespace vitrine {
namespace {

constexpr size_t kFreshOneOf = 10;
constexpr int kK = 10;
constexpr int kEf = 64;

absl::StatusOr<double> RecallOfShard(const IndexPaths& paths,
                                     const Snapshot& like,
                                     const storage::FileRef& file,
                                     const SyntheticRows& drawn) {
  storage::Manifest manifest = like.manifest();
  storage::VectorSet* set = manifest.mutable_vector_sets(0);
  set->mutable_shards(0)->clear_recall();
  *set->mutable_shards(0)->mutable_file() = file;
  VITRINE_ASSIGN_OR_RETURN(const auto snapshot,
                           Snapshot::Open(paths, manifest, nullptr));
  std::vector<std::vector<std::string>> found, right;
  for (const std::vector<float>& query : drawn.queries) {
    for (const bool exact : {false, true}) {
      SearchParams params;
      params.k = kK;
      params.exact = exact;
      params.ef = kEf;
      params.min_score = -2;
      VITRINE_ASSIGN_OR_RETURN(const SearchResult result,
                               Search(*snapshot, query, params));
      (exact ? right : found).push_back(ProductIdsOf(result));
    }
  }
  return RecallOf<std::string>(right, found);
}

}  // namespace

absl::Status RunMergeRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(
      SyntheticRows drawn,
      DrawSyntheticRows(options.index, options.split_file, options.rows));
  std::vector<Row> old, fresh;
  for (Row& row : RowsOf(drawn)) {
    const bool is_fresh = (old.size() + fresh.size()) % kFreshOneOf == 0;
    (is_fresh ? fresh : old).push_back(std::move(row));
  }
  const size_t n = old.size() + fresh.size();
  drawn.rows = {};
  ScratchIndex index;
  VITRINE_ASSIGN_OR_RETURN(const auto before, index.Build(*drawn.source, old));
  const Shard& base = *before->shards()[0].shard;

  std::vector<RowView> rows;
  for (uint32_t row = 0; row < base.rows(); ++row) {
    rows.push_back({base.key(row), base.vector(row)});
  }
  for (const Row& row : fresh) {
    rows.push_back({{row.product_id,
                     row.image_key,
                     {reinterpret_cast<const char*>(row.sha256.data()),
                      row.sha256.size()}},
                    row.vector.data()});
  }
  // As a merge beside publications.
  GraphParams params;
  if (MetricOf(before->set()) == Metric::kManhattan) {
    params.space = GraphSpace::kL1;
  }
  int written = 0;
  storage::FileRef files[2];
  double bytes = 0;
  std::vector<double> seconds[2];
  absl::Status status;
  for (int i = 0; i < options.repetitions; ++i) {
    for (const bool anew : {false, true}) {
      const auto write = [&] {
        auto file = WriteShard(
            index.paths().shards() / absl::StrFormat("000002-%x", written++),
            before->blocks(), rows, &params, anew ? nullptr : &base);
        status.Update(file.status());
        if (file.ok()) files[anew] = *std::move(file);
      };
      seconds[anew].push_back(TimeSeconds([&] {
        const MemoryWatch memory;
        write();
        if (!anew) bytes = memory.MostBytes();
      }));
    }
    VITRINE_RETURN_IF_ERROR(status);
  }
  double recall[2];
  for (const bool anew : {false, true}) {
    VITRINE_ASSIGN_OR_RETURN(recall[anew], RecallOfShard(index.paths(), *before,
                                                         files[anew], drawn));
  }
  const std::string size = absl::StrCat("_", n);
  report->Add(
      {.name = absl::StrCat("merge_grown_vs_built", size),
       .value = Median(seconds[0]),
       .unit = "s",
       .against = absl::StrFormat(
           "the graph of all %d rows built anew, recall %.4f", n, recall[1]),
       .ratio = Median(seconds[1]) / Median(seconds[0]),
       .recall = recall[0]});
  report->Add({.name = absl::StrCat("merge_memory", size),
               .value = bytes / static_cast<double>(n),
               .unit = "bytes/row",
               .against = "float16 vectors of the rows",
               .ratio = bytes / (2.0 * static_cast<double>(n) *
                                 static_cast<double>(before->dim()))});
  return absl::OkStatus();
}

}  // namespace vitrine
