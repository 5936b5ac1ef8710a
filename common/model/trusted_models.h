// Which model bundles may run. A bundle is code, so that whoever can write to
// an index's folder could else run theirs in every program that opens it.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vitrine {

// The SHA-256s of a list, in lower case: one a line, and what it is called
// after it, as sha256sum prints them. Empty lines, and notes that begin with
// '#', are passed over. INVALID_ARGUMENT, with file, line and remedy, for
// anything else. `file` is for messages.
absl::StatusOr<std::set<std::string>> ParseTrustedModels(std::string_view text,
                                                         std::string_view file);

// The same of a file. Errors name it.
absl::StatusOr<std::set<std::string>> ReadTrustedModels(
    const std::filesystem::path& list);

// FAILED_PRECONDITION, with digest, list and remedy, where `list` lacks the
// digest of a bundle (64 lower-case hexadecimal digits) or cannot be read. It
// is read at each call, so that what is added to it counts at once.
// Thread-safe.
absl::Status CheckTrusted(const std::filesystem::path& list,
                          std::string_view sha256);

}  // namespace vitrine
