#include "common/image/image.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/image/codecs.h"
#include "common/image/exif.h"
#include "common/image/format.h"

namespace vitrine {
namespace {

const char* NameOf(ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg:
      return "JPEG";
    case ImageFormat::kPng:
      return "PNG";
    case ImageFormat::kWebp:
      return "WebP";
  }
  return "picture";
}

absl::StatusOr<PictureHeader> ReadHeader(ImageFormat format,
                                         std::string_view bytes) {
  switch (format) {
    case ImageFormat::kJpeg:
      return ReadJpegHeader(bytes);
    case ImageFormat::kPng:
      return ReadPngHeader(bytes);
    case ImageFormat::kWebp:
      return ReadWebpHeader(bytes);
  }
  return absl::InternalError("unknown picture format");
}

absl::StatusOr<Image> Decode(ImageFormat format, std::string_view bytes,
                             int min_side) {
  switch (format) {
    case ImageFormat::kJpeg:
      return DecodeJpeg(bytes, min_side);
    case ImageFormat::kPng:
      return DecodePng(bytes);
    case ImageFormat::kWebp:
      return DecodeWebp(bytes);
  }
  return absl::InternalError("unknown picture format");
}

absl::Status CheckBytes(std::string_view bytes, const ImageLimits& limits) {
  if (bytes.empty()) {
    return ImageError(v1::ERROR_REASON_IMAGE_EMPTY,
                      "the picture has 0 bytes; give a JPEG, PNG or WebP file");
  }
  if (bytes.size() > limits.max_bytes) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_IMAGE_TOO_LARGE,
        absl::StrFormat("the picture has %d bytes (%.1f MB); at most %d "
                        "(%.1f MB) are read: scale it down or compress it "
                        "more",
                        bytes.size(), bytes.size() / 1e6, limits.max_bytes,
                        limits.max_bytes / 1e6),
        "", double(limits.max_bytes));
  }
  return absl::OkStatus();
}

absl::Status CheckSize(ImageFormat format, const PictureHeader& header,
                       const ImageLimits& limits) {
  if (header.width <= 0 || header.height <= 0) {
    return DamagedError(NameOf(format),
                        absl::StrCat("its header says ", header.width, " x ",
                                     header.height, " pixels"));
  }
  // In double, since a header's sides may multiply beyond 64 bits.
  double pixels = double(header.width) * double(header.height);
  if (header.width > INT32_MAX || header.height > INT32_MAX ||
      pixels > double(limits.max_pixels)) {
    return MakeError(
        absl::StatusCode::kInvalidArgument,
        v1::ERROR_REASON_IMAGE_TOO_MANY_PIXELS,
        absl::StrFormat("the picture has %d x %d pixels (%.1f million); at "
                        "most %.1f million are read: scale it down",
                        header.width, header.height, pixels / 1e6,
                        limits.max_pixels / 1e6),
        "", double(limits.max_pixels));
  }
  return absl::OkStatus();
}

struct Probed {
  ImageFormat format;
  PictureHeader header;
};

absl::StatusOr<Probed> Probe(std::string_view bytes,
                             const ImageLimits& limits) {
  VITRINE_RETURN_IF_ERROR(CheckBytes(bytes, limits));
  Probed probed;
  VITRINE_ASSIGN_OR_RETURN(probed.format, DetectFormat(bytes));
  VITRINE_ASSIGN_OR_RETURN(probed.header, ReadHeader(probed.format, bytes));
  VITRINE_RETURN_IF_ERROR(CheckSize(probed.format, probed.header, limits));
  return probed;
}

absl::Status OutOfMemory() {
  return absl::ResourceExhaustedError(
      "not enough memory to decode the picture; scale it down");
}

}  // namespace

absl::Status ImageError(v1::ErrorReason reason, std::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::Status TruncatedError(std::string_view kind, std::string_view bytes) {
  return ImageError(
      v1::ERROR_REASON_IMAGE_TRUNCATED,
      absl::StrCat("the ", std::string(kind), " picture is cut off after ",
                   bytes.size(), " bytes; copy it again in full"));
}

absl::Status DamagedError(std::string_view kind, std::string_view why) {
  return ImageError(
      v1::ERROR_REASON_IMAGE_NOT_DECODABLE,
      absl::StrCat("the ", std::string(kind), " picture is damaged (",
                   std::string(why), "); copy or export it again"));
}

void BlendOnWhite(std::vector<uint8_t>& pixels) {
  const uint8_t* from = pixels.data();
  uint8_t* to = pixels.data();
  size_t count = pixels.size() / 4;
  for (size_t i = 0; i < count; ++i, from += 4) {
    unsigned alpha = from[3];
    for (int c = 0; c < 3; ++c) {
      *to++ = uint8_t((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
  }
  pixels.resize(count * 3);
}

absl::StatusOr<ImageInfo> ProbeImage(std::string_view bytes,
                                     const ImageLimits& limits) try {
  VITRINE_ASSIGN_OR_RETURN(Probed probed, Probe(bytes, limits));
  ImageInfo info{probed.format, int(probed.header.width),
                 int(probed.header.height)};
  if (probed.header.orientation >= 5) std::swap(info.width, info.height);
  return info;
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

absl::StatusOr<Image> DecodeImage(std::string_view bytes,
                                  const ImageLimits& limits, int min_side) try {
  VITRINE_ASSIGN_OR_RETURN(Probed probed, Probe(bytes, limits));
  VITRINE_ASSIGN_OR_RETURN(Image image, Decode(probed.format, bytes, min_side));
  return ApplyOrientation(std::move(image), probed.header.orientation);
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

absl::StatusOr<Image> CropImage(const Image& image, float x0, float y0,
                                float x1, float y1) {
  auto refuse = [&](std::string_view why) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
        absl::StrFormat("the region x %g to %g, y %g to %g of a picture of "
                        "%d x %d pixels %s; give 0 <= x0 < x1 <= 1 and "
                        "0 <= y0 < y1 <= 1",
                        x0, x1, y0, y1, image.width, image.height,
                        std::string(why)),
        "region");
  };
  // Written so that NaN fails too.
  if (!(x0 >= 0 && x1 <= 1 && y0 >= 0 && y1 <= 1)) {
    return refuse("leaves the picture");
  }
  if (!(x0 < x1 && y0 < y1)) return refuse("is empty");
  int left = int(std::lround(double(x0) * image.width));
  int right = int(std::lround(double(x1) * image.width));
  int top = int(std::lround(double(y0) * image.height));
  int bottom = int(std::lround(double(y1) * image.height));
  if (left >= right || top >= bottom) return refuse("is less than a pixel");
  Image crop;
  crop.width = right - left;
  crop.height = bottom - top;
  size_t row_bytes = size_t(crop.width) * 3;
  crop.rgb.resize(row_bytes * crop.height);
  for (int y = 0; y < crop.height; ++y) {
    const uint8_t* from =
        image.rgb.data() + (size_t(top + y) * image.width + left) * 3;
    std::copy_n(from, row_bytes, crop.rgb.data() + y * row_bytes);
  }
  return crop;
}

}  // namespace vitrine
