#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/image/codecs.h"
#include "common/image/exif.h"

namespace vitrine {
namespace {

// PNG (W3C), 5.2 and 5.3: eight bytes of signature, then chunks of length,
// type, data and CRC.
constexpr size_t kSignatureBytes = 8;
constexpr size_t kChunkOverhead = 12;

uint32_t BigEndian(std::string_view bytes, size_t offset) {
  return png_get_uint_32(
      reinterpret_cast<png_const_bytep>(bytes.data() + offset));
}

// libpng reports through these and leaves by longjmp, so the functions that
// call setjmp hold nothing that needs a destructor.
class PngReader {
 public:
  explicit PngReader(std::string_view bytes) : bytes_(bytes) {
    png_ =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, this, OnError, OnWarning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  // Makes all rows come as 8-bit RGB or RGBA.
  bool Start() {
    if (setjmp(png_jmpbuf(png_))) return false;
    // All but IHDR, PLTE, tRNS, IDAT and IEND is passed over: colour profiles
    // and texts may be compressed bombs.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    // DecodeImage has checked the limits that count.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_read_fn(png_, this, OnRead);
    png_read_info(png_, info_);
    png_set_expand(png_);
    png_set_strip_16(png_);
    png_set_gray_to_rgb(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  // `rows` points to height rows. Reads to the very end of the file, so that a
  // cut anywhere is found.
  bool ReadPixels(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  int width() const { return int(png_get_image_width(png_, info_)); }
  int height() const { return int(png_get_image_height(png_, info_)); }
  int channels() const { return png_get_channels(png_, info_); }

  absl::Status Error() const {
    if (truncated_) return TruncatedError("PNG", bytes_);
    return DamagedError("PNG", message_);
  }

 private:
  [[noreturn]] static void OnError(png_structp png, png_const_charp message) {
    auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
    std::snprintf(reader->message_, sizeof reader->message_, "%s", message);
    png_longjmp(png, 1);
  }
  static void OnWarning(png_structp, png_const_charp) {}
  static void OnRead(png_structp png, png_bytep to, size_t size) {
    auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
    if (size > reader->bytes_.size() - reader->position_) {
      reader->truncated_ = true;
      png_error(png, "cut off");
    }
    std::memcpy(to, reader->bytes_.data() + reader->position_, size);
    reader->position_ += size;
  }

  std::string_view bytes_;
  size_t position_ = 0;
  bool truncated_ = false;
  char message_[128] = {};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

absl::StatusOr<PictureHeader> ReadPngHeader(std::string_view bytes) {
  PictureHeader header;
  bool first = true;
  // The EXIF chunk may stand before or after the pixels.
  for (size_t at = kSignatureBytes;;) {
    size_t left = bytes.size() - at;
    if (left < kChunkOverhead) return TruncatedError("PNG", bytes);
    size_t length = BigEndian(bytes, at);
    if (length > left - kChunkOverhead) return TruncatedError("PNG", bytes);
    std::string_view type = bytes.substr(at + 4, 4);
    if (first) {
      if (type != "IHDR" || length != 13) {
        return DamagedError("PNG", "it does not begin with its header");
      }
      header.width = BigEndian(bytes, at + 8);
      header.height = BigEndian(bytes, at + 12);
      first = false;
    } else if (type == "eXIf") {
      header.orientation = ExifOrientation(bytes.substr(at + 8, length));
    } else if (type == "IEND") {
      return header;
    }
    at += length + kChunkOverhead;
  }
}

absl::StatusOr<Image> DecodePng(std::string_view bytes) {
  PngReader reader(bytes);
  if (!reader.Start()) return reader.Error();
  Image image;
  image.width = reader.width();
  image.height = reader.height();
  size_t row_bytes = size_t(image.width) * reader.channels();
  image.rgb.resize(row_bytes * image.height);
  std::vector<png_bytep> rows(image.height);
  for (int y = 0; y < image.height; ++y) {
    rows[y] = image.rgb.data() + y * row_bytes;
  }
  if (!reader.ReadPixels(rows.data())) return reader.Error();
  if (reader.channels() == 4) BlendOnWhite(image.rgb);
  return image;
}

}  // namespace vitrine
