// vitrine.v1.CatalogService over gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include "vitrine/v1/catalog.grpc.pb.h"

namespace vitrine {

// Receipts are read from the index folder for now; over the API they are
// UNIMPLEMENTED, with an error that says so.
class CatalogServiceImpl final : public v1::CatalogService::CallbackService {
 public:
  grpc::ServerWriteReactor<v1::ReceiptsResponse>* Receipts(
      grpc::CallbackServerContext* context,
      const v1::ReceiptsRequest* request) override;
};

}  // namespace vitrine
