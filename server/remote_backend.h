// A backend that is another server, asked over the same API.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/channel.h"
#include "server/backend.h"

namespace vitrine {

// Connects to HOST:PORT with the first call, and again whenever the connection
// was lost. No thread waits for an answer, but for that of a ProductStream.
// An error names the file of `security` that is not right.
absl::StatusOr<std::unique_ptr<Backend>> NewRemoteBackend(
    std::string address, const ChannelSecurity& security);

}  // namespace vitrine
