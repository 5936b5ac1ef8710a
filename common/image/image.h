// Pictures: what a file claims to be, decoding, squaring for a model,
// thumbnails. All functions are thread-safe. The libraries (libjpeg, libpng,
// libwebp, OpenCV) each stay in one .cc file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace vitrine {

// How a picture is made square: stretched, fitted with a white border, or cut
// to its middle.
enum class ResizeMode { kSquash, kLetterbox, kCrop };

enum class ImageFormat { kJpeg, kPng, kWebp };

// What a picture's header says: its size as it is shown, after EXIF rotation.
struct ImageInfo {
  ImageFormat format = ImageFormat::kJpeg;
  int width = 0;
  int height = 0;
};

// 8-bit RGB, height × width × 3, row-major.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;
};

// Bounds that a picture must keep before anything of it is decoded.
struct ImageLimits {
  uint64_t max_bytes = 32'000'000;
  int64_t max_pixels = 64'000'000;
};

// Reads the header alone, in microseconds, and checks it against `limits`: all
// that DecodeImage would refuse before it decodes is refused here, alike.
absl::StatusOr<ImageInfo> ProbeImage(std::string_view bytes,
                                     const ImageLimits& limits = {});

// Decodes a JPEG, PNG or WebP file: EXIF orientation applied, alpha laid on
// white, 16-bit, grey and CMYK made 8-bit RGB; of an animation the first frame.
// Everything else, and everything damaged, is INVALID_ARGUMENT with a
// v1::ErrorReason (IMAGE_EMPTY, IMAGE_TOO_LARGE, IMAGE_TOO_MANY_PIXELS,
// IMAGE_NOT_DECODABLE, IMAGE_TRUNCATED, IMAGE_FORMAT_UNSUPPORTED), its value
// and its remedy.
// Where `min_side` is positive a large JPEG may come at a half, a quarter or an
// eighth of its size, as long as its shorter side keeps at least `min_side`.
absl::StatusOr<Image> DecodeImage(std::string_view bytes,
                                  const ImageLimits& limits = {},
                                  int min_side = 0);

// A rectangle in shares of width and height; see v1.Region. INVALID_ARGUMENT
// where it is out of [0, 1], empty or less than a pixel.
absl::StatusOr<Image> CropImage(const Image& image, float x0, float y0,
                                float x1, float y1);

// size × size × 3, by area averaging where both sides shrink, else bilinear.
// `image` is not empty.
std::vector<uint8_t> SquareImage(const Image& image, ResizeMode mode, int size);

// The shorter side that DecodeImage should keep so that SquareImage to `size`
// loses nothing that matters: decoding for a model always passes this.
int DecodeMinSide(int size);

// A JPEG within max_side × max_side; a smaller picture keeps its size.
absl::StatusOr<std::string> EncodeThumbnail(const Image& image,
                                            int max_side = 256);

}  // namespace vitrine
