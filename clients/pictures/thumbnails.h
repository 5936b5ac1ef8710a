// Small pictures of a catalogue's, for the reports of the vitrine command.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vitrine {

// Of JSON lines with `path` and perhaps `sha256`, a line each, in their order:
// `jpeg_base64`, or `error` where the picture is gone, leads out of `root` or
// does not decode; and `changed`, where the file has another SHA-256. Pictures
// that an index refuses for their size alone are shown too. INVALID_ARGUMENT
// where a line of the input is none.
absl::StatusOr<std::string> MakeThumbnails(const std::filesystem::path& root,
                                           std::string_view lines);

}  // namespace vitrine
