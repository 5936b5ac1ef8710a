#include "common/model/trusted_models.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/utf8.h"

namespace vitrine {
namespace {

constexpr uint64_t kMaxListBytes = 1 << 20;
constexpr size_t kDigits = 64;

bool IsSha256(absl::string_view text) {
  return text.size() == kDigits &&
         std::all_of(text.begin(), text.end(), absl::ascii_isxdigit);
}

}  // namespace

absl::StatusOr<std::set<std::string>> ParseTrustedModels(
    std::string_view text, std::string_view file) {
  std::set<std::string> trusted;
  int number = 0;
  for (const absl::string_view raw :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    ++number;
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || line[0] == '#') continue;
    const absl::string_view digest = line.substr(0, line.find_first_of(" \t"));
    if (!IsSha256(digest)) {
      return absl::InvalidArgumentError(absl::StrCat(
          std::string(file), " line ", number, ": \"",
          Excerpt({digest.data(), digest.size()}, 80),
          "\" is no SHA-256, which has 64 hexadecimal digits; `sha256sum "
          "BUNDLE` prints such a line"));
    }
    trusted.insert(absl::AsciiStrToLower(digest));
  }
  return trusted;
}

absl::StatusOr<std::set<std::string>> ReadTrustedModels(
    const std::filesystem::path& list) {
  auto text = ReadFile(list, kMaxListBytes);
  if (!text.ok()) {
    return Annotate(text.status(), "the list of trusted models");
  }
  return ParseTrustedModels(*text, list.string());
}

absl::Status CheckTrusted(const std::filesystem::path& list,
                          std::string_view sha256) {
  const auto trusted = ReadTrustedModels(list);
  if (!trusted.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the model is not run, as it is not known whether ",
        std::string(sha256), " is trusted: ", trusted.status().message()));
  }
  if (trusted->contains(std::string(sha256))) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the model is not run, as its SHA-256 is not in ", list.string(),
      "; if you trust it, add this line there: ", std::string(sha256)));
}

}  // namespace vitrine
