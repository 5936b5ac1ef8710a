#include "common/base/listen_address.h"

#include <arpa/inet.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

bool ListenAddress::IsLoopback() const {
  in_addr address;
  return host == "localhost" || host == "::1" ||
         (::inet_pton(AF_INET, host.c_str(), &address) == 1 &&
          ntohl(address.s_addr) >> 24 == 127);
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text) {
  const absl::Status wrong = absl::InvalidArgumentError(
      absl::StrCat("'", View(text),
                   "' is no address to listen on; right is HOST:PORT, such as "
                   "127.0.0.1:50051"));
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return wrong;
  ListenAddress address{std::string(text.substr(0, colon)), 0};
  if (!absl::SimpleAtoi(View(text.substr(colon + 1)), &address.port) ||
      address.port < 0 || address.port > 65535) {
    return wrong;
  }
  if (address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (address.host.find(':') != std::string::npos) {
    return wrong;
  }
  if (address.host.empty()) return wrong;
  return address;
}

absl::Status CheckListenFlag(std::string_view flag, std::string_view value,
                             bool allowed, std::string_view allow) {
  const auto address = ParseListenAddress(value);
  if (!address.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(View(flag), ": ", address.status().message()));
  }
  if (allowed || address->IsLoopback()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      View(flag), "=", View(value),
      " would let other machines connect in the clear; ", View(allow)));
}

}  // namespace vitrine
