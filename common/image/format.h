// Tells what a file is from its first bytes, whatever its name claims.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "common/image/image.h"

namespace vitrine {

// JPEG, PNG or WebP. IMAGE_TRUNCATED for the first few bytes of one of them,
// IMAGE_FORMAT_UNSUPPORTED for a known other kind of file, with its name and
// what to do about it, IMAGE_NOT_DECODABLE for all else. `bytes` is not empty.
absl::StatusOr<ImageFormat> DetectFormat(std::string_view bytes);

}  // namespace vitrine
