// gRPC's names of its status codes.
#pragma once

#include <grpcpp/support/status.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace vitrine {

// By grpc::StatusCode.
inline constexpr std::array<const char*, 17> kStatusCodeNames = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED"};

// The place of a code in it; of one that gRPC does not know, that of UNKNOWN.
inline size_t StatusCodeIndex(int code) {
  return code >= 0 && static_cast<size_t>(code) < kStatusCodeNames.size()
             ? static_cast<size_t>(code)
             : static_cast<size_t>(grpc::StatusCode::UNKNOWN);
}

}  // namespace vitrine
