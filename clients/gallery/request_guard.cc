#include "clients/gallery/request_guard.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/utf8.h"

namespace vitrine::gallery {
namespace {

// A Host or the part of an Origin behind "://", without its port.
std::string WithoutPort(std::string_view host) {
  const size_t bracket = host.rfind(']');
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos &&
      (bracket == std::string_view::npos ? host.find(':') == colon
                                         : colon > bracket)) {
    host = host.substr(0, colon);
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return absl::AsciiStrToLower(absl::string_view(host.data(), host.size()));
}

bool IsAddress(const std::string& host) {
  in6_addr ignored;
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

std::string Shown(const std::string& text) {
  return absl::StrCat("'", Excerpt(text), "'");
}

}  // namespace

RequestGuard::RequestGuard(std::vector<std::string> names)
    : names_(std::move(names)) {
  for (std::string& name : names_) absl::AsciiStrToLower(&name);
}

bool RequestGuard::IsOurs(const std::string& host) const {
  // No name server has a say in what an address or localhost is.
  return host == "localhost" || IsAddress(host) ||
         std::find(names_.begin(), names_.end(), host) != names_.end();
}

absl::Status RequestGuard::Check(const HttpRequest& request) const {
  const std::string host = request.Header("host");
  if (request.headers.count("host") != 1 || !IsOurs(WithoutPort(host))) {
    return absl::PermissionDeniedError(absl::StrCat(
        "the gallery is not known as ", Shown(host),
        "; open it by its address, or start it with --names=NAME"));
  }
  const std::string origin = request.Header("origin");
  if (request.headers.contains("origin")) {
    const size_t scheme = origin.find("://");
    if (request.headers.count("origin") != 1 || scheme == std::string::npos ||
        !absl::EqualsIgnoreCase(origin.substr(scheme + 3), host)) {
      return absl::PermissionDeniedError(absl::StrCat(
          "a page of ", Shown(origin), " may not ask; the gallery's own may"));
    }
  }
  if (!request.path.starts_with("/api/")) return absl::OkStatus();
  const std::string site = request.Header("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none") {
    return absl::PermissionDeniedError(
        "a page of another site may not ask; the gallery's own may");
  }
  // What a page of another site may send without being asked first is of other
  // types.
  const std::string type =
      absl::AsciiStrToLower(request.Header("content-type"));
  if (request.method == "POST" &&
      absl::StripAsciiWhitespace(type.substr(0, type.find(';'))) !=
          "application/json") {
    return absl::InvalidArgumentError(absl::StrCat(
        "a body is JSON, of the type application/json, not ", Shown(type)));
  }
  return absl::OkStatus();
}

}  // namespace vitrine::gallery
