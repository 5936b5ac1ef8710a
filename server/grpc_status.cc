#include "server/grpc_status.h"

#include <string>

#include "common/base/status.h"
#include "common/rpc/rpc_error.h"

namespace vitrine {

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // absl took its codes from gRPC.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message()),
                      EncodeErrorDetails(ErrorOf(status)));
}

}  // namespace vitrine
