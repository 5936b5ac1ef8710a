// The one way from our errors to those of gRPC, and back.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace vitrine {

// The same code and message; the vitrine.v1.Error goes into the details.
grpc::Status ToGrpc(const absl::Status& status);
// The way back, of what another server has answered.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace vitrine
