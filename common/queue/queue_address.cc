#include "common/queue/queue_address.h"

#include <cctype>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/base/utf8.h"

namespace vitrine {
namespace {

constexpr char kForm[] =
    "redis://[[USER]:PASSWORD@]HOST[:PORT]/STREAM[?group=NAME][&database=N]";

// Without what stands before the host, which may be a password.
absl::Status Bad(std::string_view url, std::string_view what) {
  const size_t at = url.rfind('@');
  const std::string shown =
      at == std::string_view::npos
          ? Excerpt(url)
          : absl::StrCat("redis://…@", Excerpt(url.substr(at + 1)));
  return absl::InvalidArgumentError(absl::StrCat(
      "'", shown, "' is no queue: ", std::string(what), "; write ", kForm));
}

std::optional<std::string> Unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(text[i + 1]) ||
        !absl::ascii_isxdigit(text[i + 2])) {
      return std::nullopt;
    }
    plain += absl::HexStringToBytes(absl::string_view(text.data() + i + 1, 2));
    i += 2;
  }
  return plain;
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
        std::string_view("-._~:/").find(c) != std::string_view::npos) {
      escaped.push_back(c);
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

bool ParseNumber(std::string_view text, int least, int most, int* number) {
  return absl::SimpleAtoi(absl::string_view(text.data(), text.size()),
                          number) &&
         *number >= least && *number <= most;
}

}  // namespace

std::string QueueAddress::Name() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  std::string name =
      absl::StrCat("redis://", is_v6 ? absl::StrCat("[", host, "]") : host, ":",
                   port, "/", Escaped(stream));
  char separator = '?';
  if (group != QueueAddress().group) {
    absl::StrAppend(&name, std::string(1, separator), "group=", Escaped(group));
    separator = '&';
  }
  if (database != 0) {
    absl::StrAppend(&name, std::string(1, separator), "database=", database);
  }
  return name;
}

absl::StatusOr<QueueAddress> ParseQueueUrl(std::string_view url) {
  constexpr std::string_view kScheme = "redis://";
  if (url.starts_with("rediss://")) {
    return Bad(url, "TLS is not supported; let a proxy such as stunnel add it");
  }
  if (!url.starts_with(kScheme)) {
    return Bad(url, "it does not begin with redis://");
  }
  std::string_view rest = url.substr(kScheme.size());
  QueueAddress address;

  const size_t query = rest.find('?');
  if (query != std::string_view::npos) {
    const std::string_view options = rest.substr(query + 1);
    for (const absl::string_view option : absl::StrSplit(
             absl::string_view(options.data(), options.size()), '&')) {
      const std::pair<std::string, std::string> pair =
          absl::StrSplit(option, absl::MaxSplits('=', 1));
      const auto value = Unescaped(pair.second);
      if (pair.first == "group" && value && !value->empty()) {
        address.group = *value;
      } else if (pair.first != "database" || !value ||
                 !ParseNumber(*value, 0, 1'000'000, &address.database)) {
        return Bad(url, absl::StrCat("'", std::string(option),
                                     "' is neither group=NAME nor database=N"));
      }
    }
    rest = rest.substr(0, query);
  }

  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos || slash + 1 == rest.size()) {
    return Bad(url, "it names no stream");
  }
  const auto stream = Unescaped(rest.substr(slash + 1));
  if (!stream) return Bad(url, "the stream's name has a wrong %xx");
  address.stream = *stream;
  rest = rest.substr(0, slash);

  const size_t at = rest.rfind('@');
  if (at != std::string_view::npos) {
    const std::string_view login = rest.substr(0, at);
    const size_t colon = login.find(':');
    if (colon == std::string_view::npos) {
      return Bad(url, "it has a user and no password");
    }
    const auto user = Unescaped(login.substr(0, colon));
    const auto password = Unescaped(login.substr(colon + 1));
    if (!user || !password) return Bad(url, "user or password has a wrong %xx");
    address.user = *user;
    address.password = *password;
    rest = rest.substr(at + 1);
  }

  std::string_view port;
  if (rest.starts_with('[')) {
    const size_t end = rest.find(']');
    if (end == std::string_view::npos) return Bad(url, "a ] is missing");
    address.host = std::string(rest.substr(1, end - 1));
    port = rest.substr(end + 1);
    if (!port.empty() && port.front() != ':') {
      return Bad(url, "after the ] comes no :PORT");
    }
    if (!port.empty()) port.remove_prefix(1);
  } else {
    const size_t colon = rest.find(':');
    address.host = std::string(rest.substr(0, colon));
    if (colon != std::string_view::npos) port = rest.substr(colon + 1);
  }
  if (address.host.empty()) return Bad(url, "it names no host");
  if (!port.empty() && !ParseNumber(port, 1, 65535, &address.port)) {
    return Bad(
        url, absl::StrCat("'", std::string(port), "' is no port, 1 to 65535"));
  }
  return address;
}

}  // namespace vitrine
