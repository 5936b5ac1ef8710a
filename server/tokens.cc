#include "server/tokens.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace vitrine {
namespace {

constexpr std::string_view kRoles[] = {"query", "catalogue", "admin"};
constexpr size_t kShortest = 16;
constexpr size_t kLongest = 512;
constexpr absl::string_view kDigest = "sha256:";

std::optional<Role> RoleOf(std::string_view name) {
  for (size_t i = 0; i < std::size(kRoles); ++i) {
    if (kRoles[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

// The digest that a token of the file stands for.
std::optional<Sha256Digest> DigestOf(absl::string_view token) {
  if (absl::StartsWith(token, kDigest)) {
    token.remove_prefix(kDigest.size());
    Sha256Digest digest;
    if (token.size() != 2 * digest.size() ||
        !std::all_of(token.begin(), token.end(), absl::ascii_isxdigit)) {
      return std::nullopt;
    }
    const std::string bytes = absl::HexStringToBytes(token);
    std::copy(bytes.begin(), bytes.end(), digest.begin());
    return digest;
  }
  if (token.size() < kShortest || token.size() > kLongest ||
      !std::all_of(token.begin(), token.end(), absl::ascii_isgraph)) {
    return std::nullopt;
  }
  return Sha256({token.data(), token.size()});
}

}  // namespace

std::string_view RoleName(Role role) {
  return kRoles[static_cast<size_t>(role)];
}

absl::StatusOr<Tokens> Tokens::Parse(std::string_view text,
                                     std::string_view origin) {
  Tokens tokens;
  size_t number = 0;
  for (absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    const auto wrong = [&](absl::string_view what) {
      return absl::InvalidArgumentError(
          absl::StrCat(absl::string_view(origin.data(), origin.size()),
                       " line ", number, ": ", what));
    };
    const std::optional<Role> role = RoleOf(parts[0]);
    if (!role) {
      return wrong(
          "does not begin with a role; right is `ROLE TOKEN NAME`, and a role "
          "is query, catalogue or admin");
    }
    if (parts.size() < 2 || parts.size() > 3) {
      return wrong("right is `ROLE TOKEN`, and a NAME without spaces or none");
    }
    const auto digest = DigestOf(parts[1]);
    if (!digest) {
      return wrong(absl::StrCat(
          "the token is not right; it is ", kShortest, " to ", kLongest,
          " printable ASCII characters, such as `openssl rand -hex 32` makes, "
          "or sha256: and 64 hexadecimal digits"));
    }
    if (!tokens.holders_
             .try_emplace(*digest,
                          Holder{parts.size() > 2 ? parts[2] : "", *role})
             .second) {
      return wrong("the token is in an earlier line already");
    }
  }
  if (tokens.holders_.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        absl::string_view(origin.data(), origin.size()),
        " has no token, so that nobody might ask; give a line `query TOKEN`"));
  }
  return tokens;
}

const Tokens::Holder* Tokens::Find(std::string_view token) const {
  const auto found = holders_.find(Sha256(token));
  return found == holders_.end() ? nullptr : &found->second;
}

}  // namespace vitrine
