#include "server/grpc_status.h"

#include <optional>
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

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  const auto error = DecodeErrorDetails(status.error_details());
  if (!error) return absl::Status(code, status.error_message());
  return MakeError(
      code, error->reason(), status.error_message(), error->field(),
      error->has_limit() ? std::optional(error->limit()) : std::nullopt,
      error->retry_after_ms());
}

}  // namespace vitrine
