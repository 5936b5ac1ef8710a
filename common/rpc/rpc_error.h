// The error details of a failed call, as gRPC carries them: what a server gives
// to grpc::Status and a client reads from grpc::Status::error_details().
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vitrine/v1/search.pb.h"

namespace vitrine {

// The bytes of a google.rpc.Status with `error` as its one detail.
std::string EncodeErrorDetails(const v1::Error& error);

// The first vitrine.v1.Error among the details; nothing where there is none or
// the bytes are of something else.
std::optional<v1::Error> DecodeErrorDetails(std::string_view bytes);

}  // namespace vitrine
