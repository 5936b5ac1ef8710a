// The server over gRPC against what it consists of: searches with vectors, by
// the stream and one at a time. The server has a core, those who ask another.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/load_generator.h"
#include "benchmarks/report.h"
#include "benchmarks/served_index.h"
#include "benchmarks/stored_queries.h"
#include "common/base/status.h"
#include "common/index/search.h"

namespace vitrine {
namespace {

constexpr size_t kQueries = 512;
constexpr size_t kBatch = 64;
constexpr size_t kBatchesInFlight = 8;
constexpr size_t kCallsInFlight = 16;
// Of each side in a run.
constexpr size_t kAsked = 16384;
constexpr size_t kAskedQuickly = 4096;

// The library's own searches, one after the other.
absl::StatusOr<double> InProcessRate(const Snapshot& snapshot,
                                     const StoredQueries& queries, size_t n) {
  absl::Status status;
  SearchParams params;
  params.metric = MetricOf(snapshot.set());
  const double seconds = CpuSeconds([&] {
    for (size_t i = 0; i < n; ++i) {
      status.Update(
          Search(snapshot, queries.vectors[i % queries.vectors.size()], params)
              .status());
    }
  });
  VITRINE_RETURN_IF_ERROR(status);
  return static_cast<double>(n) / seconds;
}

}  // namespace

absl::Status RunServingRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(const CorePair cores, TwoCores());
  const PinnedToOneCore pinned(cores.asker);
  std::string degraded;
  VITRINE_ASSIGN_OR_RETURN(
      const auto snapshot,
      Snapshot::OpenNewest({options.index}, nullptr, &degraded));
  const StoredQueries queries = QueriesOf(*snapshot, kQueries);
  if (queries.vectors.empty()) {
    return absl::FailedPreconditionError("the index has no picture");
  }
  VITRINE_ASSIGN_OR_RETURN(const auto server,
                           ServedIndex::Start(options.index, cores.server));
  v1::SearchResponse answer;
  {
    grpc::ClientContext context;
    const grpc::Status status =
        server->stub()->Search(&context, queries.requests[0], &answer);
    if (!status.ok()) return absl::InternalError(status.error_message());
  }
  VITRINE_ASSIGN_OR_RETURN(
      const auto empty, ServedIndex::StartEmptyHandler(answer, cores.server));

  const size_t n = options.quick ? kAskedQuickly : kAsked;
  // Rates, and those that the server's CPU time alone would allow.
  std::vector<double> in_process, stream, stream_cpu, unary, unary_cpu, nothing,
      nothing_cpu;
  for (int run = -1; run < options.repetitions; ++run) {
    VITRINE_ASSIGN_OR_RETURN(const double library,
                             InProcessRate(*snapshot, queries, n));
    const auto measure = [&](const ServedIndex& served, auto rate,
                             std::vector<double>* rates,
                             std::vector<double>* cpu_rates) {
      const double begin = served.CpuSeconds();
      const absl::StatusOr<double> found = rate(served.stub());
      const double cpu_seconds = served.CpuSeconds() - begin;
      if (found.ok() && run >= 0) {
        rates->push_back(*found);
        cpu_rates->push_back(static_cast<double>(n) / cpu_seconds);
      }
      return found.status();
    };
    const auto by_stream = [&](v1::SearchService::Stub* stub) {
      return StreamRate(stub, queries.requests, n / kBatch, kBatch,
                        kBatchesInFlight);
    };
    const auto by_calls = [&](v1::SearchService::Stub* stub) {
      return UnaryRate(stub, queries.requests, n, kCallsInFlight);
    };
    VITRINE_RETURN_IF_ERROR(measure(*server, by_stream, &stream, &stream_cpu));
    VITRINE_RETURN_IF_ERROR(measure(*server, by_calls, &unary, &unary_cpu));
    VITRINE_RETURN_IF_ERROR(measure(*empty, by_calls, &nothing, &nothing_cpu));
    // The first run is for all to get warm.
    if (run >= 0) in_process.push_back(library);
  }
  const double library = Median(in_process);
  report->Add(
      {.name = "stream_vs_inprocess",
       .value = Median(stream),
       .unit = "queries/s",
       .against = absl::StrCat("the library's search of ", snapshot->images(),
                               " rows, one thread each"),
       .ratio = Median(stream) / library});
  report->Add({.name = "stream_cpu_vs_inprocess",
               .value = Median(stream_cpu),
               .unit = "queries/s",
               .against = "the same, by the server's CPU time alone",
               .ratio = Median(stream_cpu) / library});
  report->Add({.name = "unary_vs_parts",
               .value = Median(unary),
               .unit = "queries/s",
               .against = "an empty handler and the library's search, by turns",
               .ratio = Median(unary) * (1 / Median(nothing) + 1 / library)});
  report->Add(
      {.name = "unary_cpu_vs_parts",
       .value = Median(unary_cpu),
       .unit = "queries/s",
       .against = "the same, by the server's CPU time alone",
       .ratio = Median(unary_cpu) * (1 / Median(nothing_cpu) + 1 / library)});
  report->Add(
      {.name = "empty_handler", .value = Median(nothing), .unit = "calls/s"});
  return absl::OkStatus();
}

}  // namespace vitrine
