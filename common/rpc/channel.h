// Connections to a server.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/channel_security.h"

namespace vitrine {

// Connects with the first call. INVALID_ARGUMENT where the parts do not fit
// together; NOT_FOUND or PERMISSION_DENIED, naming the file, where one cannot
// be read. Certificates and keys are read again when they change, for
// connections that begin then, and so is the token, within a second, for calls
// that begin then; what cannot be read then leaves it as it was, and an
// UNAUTHENTICATED for a token that could not be read anew says so, and why.
absl::StatusOr<std::shared_ptr<grpc::Channel>> NewChannel(
    const std::string& address, const ChannelSecurity& security,
    const grpc::ChannelArguments& arguments);

}  // namespace vitrine
