// Between DecodeImage and the decoders: one pair of functions a format, each
// pair in the .cc that alone includes the library. `bytes` begins with the
// format's magic. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/image/image.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// The stored size, and the EXIF orientation (1 to 8) still to be applied.
// Neither side is checked: it may be zero.
struct PictureHeader {
  int64_t width = 0;
  int64_t height = 0;
  int orientation = 1;
};

absl::StatusOr<PictureHeader> ReadJpegHeader(std::string_view bytes);
absl::StatusOr<PictureHeader> ReadPngHeader(std::string_view bytes);
absl::StatusOr<PictureHeader> ReadWebpHeader(std::string_view bytes);

// Decode to 8-bit RGB on white, as stored: the orientation is not applied. The
// header was read and its size is within the limits.
absl::StatusOr<Image> DecodeJpeg(std::string_view bytes, int min_side);
absl::StatusOr<Image> DecodePng(std::string_view bytes);
absl::StatusOr<Image> DecodeWebp(std::string_view bytes);

// `quality` from 1 to 100.
absl::StatusOr<std::string> EncodeJpeg(const Image& image, int quality);

// INVALID_ARGUMENT with `reason`.
absl::Status ImageError(v1::ErrorReason reason, std::string_view message);
// IMAGE_TRUNCATED for a `kind` of picture.
absl::Status TruncatedError(std::string_view kind, std::string_view bytes);
// IMAGE_NOT_DECODABLE for a `kind` of picture, with what its library says.
absl::Status DamagedError(std::string_view kind, std::string_view why);

// Width × height × 4 RGBA, not premultiplied, to RGB on white, in place.
void BlendOnWhite(std::vector<uint8_t>& pixels);

}  // namespace vitrine
