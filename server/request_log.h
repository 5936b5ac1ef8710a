// One line of the log a call. docs/care.md lists its fields.
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/log/log.h"

namespace vitrine {

// Of which calls there are lines.
enum class LoggedRequests { kNone, kErrors, kAll };

// "none", "errors" or "all".
absl::StatusOr<LoggedRequests> ParseLoggedRequests(std::string_view name);

// What logs the calls of a gRPC server that is built with it, each when it has
// ended. `log` must outlive that server. `which` is not kNone.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
NewRequestLogger(LoggedRequests which, Log* log);

}  // namespace vitrine
