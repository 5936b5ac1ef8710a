#include "server/catalog_service.h"

#include "common/base/status.h"
#include "server/grpc_status.h"
#include "server/refusing_reactor.h"

namespace vitrine {
grpc::ServerWriteReactor<v1::ReceiptsResponse>* NoReceiptsService::Receipts(
    grpc::CallbackServerContext*, const v1::ReceiptsRequest*) {
  return new RefusingReactor<
      grpc::ServerWriteReactor<v1::ReceiptsResponse>>(ToGrpc(MakeError(
      absl::StatusCode::kUnimplemented, v1::ERROR_REASON_UNIMPLEMENTED,
      "this server answers from several partitions, and each has receipts of "
      "its own: ask the server of one, or read them with vitrine receipts "
      "--index=DIR")));
}

}  // namespace vitrine
