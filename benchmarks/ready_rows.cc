// How soon a server of many rows is ready, and what it holds in memory.
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/load_generator.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_index.h"
#include "benchmarks/served_index.h"
#include "benchmarks/synthetic_rows.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/model/embedder.h"
#include "common/vector/half.h"

namespace vitrine {
namespace {

constexpr size_t kQueries = 100'000;
constexpr size_t kBatch = 64;
constexpr size_t kBatchesInFlight = 8;
// Different ones at a time, so that they need little memory here.
constexpr size_t kRequests = 4096;

// "50k", "1m": a count as the names of rows have it.
std::string ShortCount(size_t n) {
  if (n % 1'000'000 == 0) return absl::StrCat(n / 1'000'000, "m");
  if (n % 1000 == 0) return absl::StrCat(n / 1000, "k");
  return absl::StrCat(n);
}

// Each asks for a random row.
std::vector<v1::SearchRequest> RandomRequests(const SyntheticRows& drawn,
                                              std::mt19937* random) {
  const auto dim = static_cast<size_t>(drawn.dim);
  std::vector<v1::SearchRequest> requests(kRequests);
  for (v1::SearchRequest& request : requests) {
    const size_t row = (*random)() % (drawn.rows.size() / dim);
    auto* values = request.add_examples()->mutable_vector()->mutable_values();
    values->Resize(drawn.dim, 0);
    FloatsFromHalves(drawn.rows.data() + row * dim, dim,
                     values->mutable_data());
  }
  return requests;
}

}  // namespace

absl::Status RunReadyRows(const BenchOptions& options, Report* report) {
  const IndexPaths paths{options.index};
  VITRINE_ASSIGN_OR_RETURN(
      const SyntheticRows drawn,
      DrawSyntheticRows(options.index, options.split_file, options.rows));
  ScratchIndex index;
  VITRINE_ASSIGN_OR_RETURN(
      auto snapshot,
      index.Build(*drawn.source, RowsOf(drawn), ProductsOf(drawn)));
  VITRINE_RETURN_IF_ERROR(
      CopyModel(paths, index.paths(), drawn.source->set().model()));

  std::mt19937 random(1);
  const v1::SearchRequest first = RandomRequests(drawn, &random).front();
  std::vector<double> seconds, model_seconds;
  std::unique_ptr<ServedIndex> server;
  for (int run = -1; run < options.repetitions; ++run) {
    absl::Status status;
    const double ready = TimeSeconds([&] {
      auto started = ServedIndex::Start(index.paths().root);
      status.Update(started.status());
      if (!started.ok()) return;
      server = *std::move(started);
      grpc::ClientContext context;
      v1::SearchResponse response;
      if (!server->stub()->Search(&context, first, &response).ok() ||
          response.hits().empty()) {
        status.Update(absl::InternalError("the first search fails"));
      }
    });
    const double loading = TimeSeconds([&] {
      status.Update(LoadTorchEmbedder(paths.model(drawn.source->set().model()),
                                      AvailableCores())
                        .status());
    });
    VITRINE_RETURN_IF_ERROR(status);
    if (run < 0) continue;
    seconds.push_back(ready);
    model_seconds.push_back(loading);
  }
  report->Add({.name = absl::StrCat("ready_seconds_", ShortCount(options.rows)),
               .value = Median(seconds),
               .unit = "s",
               .against = "loading its model alone",
               .ratio = Median(seconds) / Median(model_seconds)});

  VITRINE_ASSIGN_OR_RETURN(const int64_t opened, server->ResidentBytes());
  for (size_t asked = 0; asked < kQueries; asked += kRequests) {
    VITRINE_RETURN_IF_ERROR(
        StreamRate(server->stub(), RandomRequests(drawn, &random),
                   std::min(kRequests, kQueries - asked) / kBatch, kBatch,
                   kBatchesInFlight)
            .status());
  }
  VITRINE_ASSIGN_OR_RETURN(const int64_t resident, server->ResidentBytes());
  const auto file =
      static_cast<double>(snapshot->set().shards(0).file().bytes());
  report->Add({.name = "resident_bytes",
               .value = static_cast<double>(resident),
               .unit = "bytes",
               .against = absl::StrCat("its file of ", options.rows,
                                       " rows, after ", kQueries, " queries"),
               .ratio = static_cast<double>(resident) / file});
  report->Add({.name = "resident_bytes_opened",
               .value = static_cast<double>(opened),
               .unit = "bytes",
               .against = "its file, before the first query",
               .ratio = static_cast<double>(opened) / file});
  return absl::OkStatus();
}

}  // namespace vitrine
