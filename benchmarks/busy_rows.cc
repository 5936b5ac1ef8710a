// A picture is dropped each second while the indexer merges all rows of a large
// index into one graph: how soon it is found, and what the merge takes.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/catalog_pictures.h"
#include "benchmarks/load_generator.h"
#include "benchmarks/memory_watch.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_index.h"
#include "benchmarks/synthetic_rows.h"
#include "benchmarks/watched_catalog.h"
#include "common/base/status.h"
#include "common/index/manifest.h"
#include "indexer/index_changes.h"
#include "indexer/publisher.h"

namespace vitrine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kFreshShare = 0.4;  // Of the rows: added to the others' graph.
constexpr size_t kDrops = 2000;      // At most.
constexpr std::chrono::seconds kDropEvery(1);

// Writes an index of one graph, and publishes the other rows, which are due to
// be added to it.
absl::Status WriteUnmerged(const IndexPaths& from, const IndexPaths& to,
                           const SyntheticRows& drawn) {
  std::vector<Row> rows = RowsOf(drawn);
  TableChanges products = ProductsOf(drawn);
  TableChanges old_products, fresh_products;
  const auto old = static_cast<ptrdiff_t>(static_cast<double>(rows.size()) *
                                          (1 - kFreshShare));
  for (ptrdiff_t i = 0; i < std::ssize(rows); ++i) {
    (i < old ? old_products : fresh_products)
        .insert(products.extract(rows[static_cast<size_t>(i)].product_id));
  }
  IndexChanges fresh;
  fresh.set = drawn.source->set().id();
  fresh.products = std::move(fresh_products);
  for (auto row = rows.begin() + old; row != rows.end(); ++row) {
    std::pair key(row->product_id, row->image_key);
    fresh.rows.emplace(std::move(key), std::move(*row));
  }
  rows.resize(static_cast<size_t>(old));
  VITRINE_RETURN_IF_ERROR(
      WriteIndex(to, *drawn.source, rows, old_products).status());
  VITRINE_RETURN_IF_ERROR(CopyModel(from, to, drawn.source->set().model()));
  VITRINE_ASSIGN_OR_RETURN(const auto publisher,
                           Publisher::Open(to, PublisherOptions()));
  return publisher->Publish(fresh).status();
}

// Whether the newest generation has one graph of at least so many rows.
absl::StatusOr<bool> IsMerged(const IndexPaths& paths, uint64_t rows) {
  VITRINE_ASSIGN_OR_RETURN(const auto generations, ListGenerations(paths));
  VITRINE_ASSIGN_OR_RETURN(const storage::Manifest manifest,
                           ReadManifest(paths, generations.back()));
  VITRINE_ASSIGN_OR_RETURN(const storage::VectorSet* set, ServingSet(manifest));
  return std::any_of(set->shards().begin(), set->shards().end(),
                     [rows](const storage::Shard& shard) {
                       return shard.has_graph() &&
                              shard.file().entries() >= rows;
                     });
}

}  // namespace

absl::Status RunBusyRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(const std::vector<std::string> pictures,
                           DifferentPictures(options.catalog, kDrops));
  VITRINE_ASSIGN_OR_RETURN(const auto world, WatchedCatalog::Make());
  {
    VITRINE_ASSIGN_OR_RETURN(
        const SyntheticRows drawn,
        DrawSyntheticRows(options.index, options.split_file, options.rows));
    VITRINE_RETURN_IF_ERROR(
        WriteUnmerged({options.index}, world->index(), drawn));
  }
  ::malloc_trim(0);  // What drawing has left would be used again, unseen.
  const MemoryWatch memory;
  const auto begin = Clock::now();
  VITRINE_RETURN_IF_ERROR(world->Start({}));
  VITRINE_RETURN_IF_ERROR(
      world->WaitForImages(static_cast<int64_t>(options.rows)));
  std::vector<double> drops;
  bool merged = false;
  for (auto next = Clock::now(); !merged && drops.size() < pictures.size();) {
    VITRINE_ASSIGN_OR_RETURN(const DropStages stages,
                             world->Measure(absl::StrCat("new", drops.size()),
                                            pictures[drops.size()]));
    drops.push_back(stages.all);
    next = std::max(next + kDropEvery, Clock::now());
    std::this_thread::sleep_until(next);
    VITRINE_ASSIGN_OR_RETURN(merged, IsMerged(world->index(), options.rows));
  }
  if (!merged) {
    return absl::DeadlineExceededError(
        absl::StrCat("the merge has not ended after ", drops.size(),
                     " drops, which are all different pictures of ",
                     options.catalog.string()));
  }
  const double seconds =
      std::chrono::duration<double>(Clock::now() - begin).count();
  const auto within = std::count_if(drops.begin(), drops.end(),
                                    [](double ms) { return ms < 1000; });
  const auto rows = static_cast<double>(options.rows);
  report->Add({.name = "busy_drops_within_1_s",
               .value = 100.0 * static_cast<double>(within) /
                        static_cast<double>(drops.size()),
               .unit = absl::StrCat("% of ", drops.size(), " drops"),
               .against = "the aim of 95 %",
               .ratio = static_cast<double>(within) /
                        static_cast<double>(drops.size()) / 0.95});
  report->Add({.name = "busy_drop_p50", .value = Median(drops), .unit = "ms"});
  report->Add(
      {.name = "busy_drop_p95", .value = Quantile(drops, 0.95), .unit = "ms"});
  report->Add({.name = "busy_merge",
               .value = rows / seconds,
               .unit = "rows of its result/s"});
  report->Add({.name = "busy_memory",
               .value = memory.MostBytes() / rows,
               .unit = "bytes/row, models included",
               .against = "rows of 512 float16 numbers",
               .ratio = memory.MostBytes() / (2.0 * 512 * rows)});
  return absl::OkStatus();
}

}  // namespace vitrine
