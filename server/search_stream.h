// The server's side of SearchStream over gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include "server/executor.h"
#include "server/snapshot_store.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {

// A reactor that answers batches in the order in which they are done, and
// deletes itself when the call is. It reads on only while few batches are in
// flight, answers that the caller has not taken among them, so that a caller
// who stops reading costs bounded memory.
grpc::ServerBidiReactor<v1::SearchStreamRequest, v1::SearchStreamResponse>*
NewSearchStream(grpc::CallbackServerContext* context,
                const SnapshotStore* store, Executors executors);

}  // namespace vitrine
