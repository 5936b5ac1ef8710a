// The server's side of ListProducts over gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>

#include "server/backend.h"
#include "server/executor.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {

// A reactor that streams the products of what `open` returns, and deletes
// itself when the call is done. Each message is made on `executor` once the one
// before has been taken.
grpc::ServerWriteReactor<v1::ListProductsResponse>* NewListProducts(
    std::function<std::unique_ptr<ProductStream>()> open, Executor* executor);

}  // namespace vitrine
