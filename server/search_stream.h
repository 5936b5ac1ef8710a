// The server's side of SearchStream over gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "server/call.h"
#include "server/calls.h"
#include "server/executor.h"
#include "server/snapshot_store.h"
#include "server/stream_budget.h"

namespace vitrine {

// Answers some searches of a batch, with a status each. Called from several
// threads.
using AnswerSearches = std::function<std::vector<absl::Status>(
    std::span<const v1::SearchRequest* const> requests, const Call& call,
    std::span<v1::SearchResponse* const> responses)>;

struct StreamOptions {
  // What a batch is answered by, all of it; an error where nothing can.
  std::function<absl::StatusOr<AnswerSearches>()> take;
  Executors executors;
  StreamBudget* budget = nullptr;  // Of all streams.
  // So many threads of each kind a stream may have; all of them by default.
  int threads = 0;
  // So many are answered together, and then the thread turns to other requests
  // that wait for it.
  size_t queries_at_once = 8;
};

// Batches are answered by the generation that is served when they come.
StreamOptions StreamOfStore(const SnapshotStore* store, Executors executors,
                            StreamBudget* budget);

// A reactor that answers batches in the order in which they are done, and
// deletes itself when the call is. It reads on only while few batches are in
// flight, answers that the caller has not taken among them, so that a caller
// who stops reading costs bounded memory; and all streams together hold no more
// than their budget, beyond which calls end with RESOURCE_EXHAUSTED, or with
// CANCELLED where their caller neither reads nor sends.
SearchStreamReactor* NewSearchStream(grpc::CallbackServerContext* context,
                                     StreamOptions options);

}  // namespace vitrine
