// vitrine.v1.CatalogService over gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include "server/calls.h"
#include "server/executor.h"
#include "server/receipt_stream.h"
#include "server/snapshot_store.h"

namespace vitrine {

class CatalogServiceImpl final : public CatalogCalls {
 public:
  // `store` and `executor` must outlive it; `paths` are the index's.
  CatalogServiceImpl(const SnapshotStore* store, Executor* executor,
                     const IndexPaths& paths, int poll_ms)
      : store_(store), executor_(executor), news_(paths.receipts(), poll_ms) {}

  // Ends the calls that would otherwise never end.
  void Stop() { news_.Stop(); }

  grpc::ServerWriteReactor<v1::ReceiptsResponse>* Receipts(
      grpc::CallbackServerContext*,
      const v1::ReceiptsRequest* request) override {
    return NewReceiptStream(request, store_, executor_, &news_);
  }

 private:
  const SnapshotStore* const store_;
  Executor* const executor_;
  ReceiptNews news_;
};

// Of a server of several partitions, each of which has receipts of its own:
// refuses.
class NoReceiptsService final : public CatalogCalls {
 public:
  grpc::ServerWriteReactor<v1::ReceiptsResponse>* Receipts(
      grpc::CallbackServerContext*, const v1::ReceiptsRequest*) override;
};

}  // namespace vitrine
