#include "server/catalog_service.h"

#include "common/base/status.h"
#include "server/grpc_status.h"

namespace vitrine {
namespace {

class RefusingReactor final
    : public grpc::ServerWriteReactor<v1::ReceiptsResponse> {
 public:
  explicit RefusingReactor(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<v1::ReceiptsResponse>* CatalogServiceImpl::Receipts(
    grpc::CallbackServerContext*, const v1::ReceiptsRequest*) {
  return new RefusingReactor(ToGrpc(MakeError(
      absl::StatusCode::kUnimplemented, v1::ERROR_REASON_UNIMPLEMENTED,
      "this version of the server does not stream receipts; read "
      "receipts.jsonl in the index folder")));
}

}  // namespace vitrine
