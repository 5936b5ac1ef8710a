// Asks a server, as many callers would, from one thread.
#pragma once

#include <grpcpp/support/status.h>

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {

// All ask `requests` over and over, from the first on. An answer that is an
// error ends the run and is its status. Rates are queries a second.

// `calls` unary searches, of which `in_flight` are always under way.
absl::StatusOr<double> UnaryRate(v1::SearchService::Stub* stub,
                                 const std::vector<v1::SearchRequest>& requests,
                                 size_t calls, size_t in_flight);

// `batches` of `batch_size` searches over one stream, of which `in_flight` are
// always unanswered.
absl::StatusOr<double> StreamRate(
    v1::SearchService::Stub* stub,
    const std::vector<v1::SearchRequest>& requests, size_t batches,
    size_t batch_size, size_t in_flight);

// One search of an open loop.
struct OpenLoopCall {
  double due_s = 0;  // When it was to begin, from the begin of the loop on.
  // From then on until it was answered, so that a stall counts for all that it
  // holds up.
  double ms = 0;
  grpc::StatusCode code = grpc::StatusCode::OK;
};

// Unary searches that begin `rate` times a second on the mean for `seconds`, as
// callers come who know nothing of each other (a Poisson process, the same at
// each call), whether those before are answered or not; in the order in which
// they ended.
std::vector<OpenLoopCall> OpenLoop(
    v1::SearchService::Stub* stub,
    const std::vector<v1::SearchRequest>& requests, double rate,
    double seconds);

// The same where each must be answered: the milliseconds of all.
absl::StatusOr<std::vector<double>> OpenLoopLatencies(
    v1::SearchService::Stub* stub,
    const std::vector<v1::SearchRequest>& requests, double rate,
    double seconds);

// The value below which `share` of `values` lie: the nearest rank. There is one
// at least.
double Quantile(std::vector<double> values, double share);

}  // namespace vitrine
