// Where a daemon listens.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vitrine {

struct ListenAddress {
  std::string host;  // A name or an address; one of IPv6 without brackets.
  int port = 0;      // 0 takes a free one.

  // Whether only programs of this machine can connect.
  bool IsLoopback() const;
};

// HOST:PORT, as in 127.0.0.1:9091, localhost:0 or [::1]:9091; INVALID_ARGUMENT
// for anything else.
absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text);

// INVALID_ARGUMENT, naming the flag, where its value is no such address; and
// where others than this machine could connect, unless `allowed`, with the
// remedy that `allow` tells.
absl::Status CheckListenFlag(std::string_view flag, std::string_view value,
                             bool allowed, std::string_view allow);

}  // namespace vitrine
