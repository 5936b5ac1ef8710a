// The server's side of ListProducts over gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include "server/executor.h"
#include "server/snapshot_store.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {

// A reactor that streams the products of the generation that is served now, and
// deletes itself when the call is done. Each message is made on `executor` once
// the one before has been taken.
grpc::ServerWriteReactor<v1::ListProductsResponse>* NewListProducts(
    const v1::ListProductsRequest* request, const SnapshotStore* store,
    Executor* executor);

}  // namespace vitrine
