#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// After <cstdio>, which it needs.
#include <jpeglib.h>
// After <jpeglib.h>.
#include <jerror.h>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/image/codecs.h"
#include "common/image/exif.h"

namespace vitrine {
namespace {

// Far above any encoder's script; a file of thousands of scans over one large
// picture would keep a core busy for minutes. (libjpeg-turbo, "Two issues with
// the JPEG standard".) So would a few hundred over tens of megapixels.
constexpr int kMaxScans = 200;
constexpr int kScansOfAnySize = 32;
constexpr double kMaxScannedPixels = 1e9;

int MostScans(const jpeg_decompress_struct& info) {
  const double pixels = double(info.image_width) * info.image_height;
  return std::clamp(int(kMaxScannedPixels / pixels), kScansOfAnySize,
                    kMaxScans);
}

// Warnings that do not touch the picture; each was seen in files that are
// whole. With all others libjpeg has invented a part of the picture.
bool IsHarmless(int code) {
  switch (code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
      return true;
    default:
      return false;
  }
}

// libjpeg reports through these; each leaves by longjmp, so the functions that
// call setjmp hold nothing that needs a destructor.
struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  int code = 0;
  char message[JMSG_LENGTH_MAX] = {};
};

[[noreturn]] void Fail(j_common_ptr info) {
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  errors->code = errors->base.msg_code;
  errors->base.format_message(info, errors->message);
  std::longjmp(errors->jump, 1);
}

void OnMessage(j_common_ptr info, int level) {
  if (level < 0 && !IsHarmless(info->err->msg_code)) Fail(info);
}

void OnProgress(j_common_ptr info) {
  auto* decoder = reinterpret_cast<j_decompress_ptr>(info);
  const int most = MostScans(*decoder);
  if (decoder->input_scan_number <= most) return;
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  errors->code = 0;
  std::snprintf(errors->message, sizeof errors->message, "more than %d scans",
                most);
  std::longjmp(errors->jump, 1);
}

void InitErrors(ErrorManager& errors) {
  jpeg_std_error(&errors.base);
  errors.base.error_exit = Fail;
  errors.base.emit_message = OnMessage;
}

class JpegReader {
 public:
  explicit JpegReader(std::string_view bytes) : bytes_(bytes) {
    InitErrors(errors_);
    info_.err = &errors_.base;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  bool ReadHeader() {
    if (setjmp(errors_.jump)) return false;
    jpeg_create_decompress(&info_);
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()),
                 bytes_.size());
    jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  bool Start(int min_side) {
    if (setjmp(errors_.jump)) return false;
    progress_.progress_monitor = OnProgress;
    info_.progress = &progress_;
    bool inks = info_.jpeg_color_space == JCS_CMYK ||
                info_.jpeg_color_space == JCS_YCCK;
    info_.out_color_space = inks ? JCS_CMYK : JCS_RGB;
    if (min_side > 0) {
      unsigned side = std::min(info_.image_width, info_.image_height);
      info_.scale_num = 1;
      for (unsigned denominator : {8u, 4u, 2u, 1u}) {
        info_.scale_denom = denominator;
        if (side / denominator >= unsigned(min_side)) break;
      }
    }
    return jpeg_start_decompress(&info_);
  }

  // `pixels` has room for height × width × components.
  bool ReadPixels(uint8_t* pixels) {
    if (setjmp(errors_.jump)) return false;
    size_t row_bytes = size_t(info_.output_width) * info_.output_components;
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = pixels + info_.output_scanline * row_bytes;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    return jpeg_finish_decompress(&info_);
  }

  absl::Status Error() const {
    if (errors_.code == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
    if (errors_.code == JWRN_JPEG_EOF || errors_.code == JERR_INPUT_EOF) {
      return TruncatedError("JPEG", bytes_);
    }
    return DamagedError("JPEG", errors_.message);
  }

  int Orientation() const {
    for (auto* marker = info_.marker_list; marker; marker = marker->next) {
      std::string_view block(reinterpret_cast<const char*>(marker->data),
                             marker->data_length);
      if (block.starts_with(std::string_view("Exif\0", 5))) {
        return ExifOrientation(block);
      }
    }
    return 1;
  }

  const jpeg_decompress_struct& info() const { return info_; }

 private:
  std::string_view bytes_;
  ErrorManager errors_;
  jpeg_progress_mgr progress_ = {};
  jpeg_decompress_struct info_ = {};
};

// Adobe's programs, and by their example nearly all others, store inks
// inverted: 255 is no ink.
void InksToRgb(std::vector<uint8_t>& pixels) {
  const uint8_t* from = pixels.data();
  uint8_t* to = pixels.data();
  size_t count = pixels.size() / 4;
  for (size_t i = 0; i < count; ++i, from += 4) {
    unsigned light = from[3];
    for (int c = 0; c < 3; ++c) *to++ = uint8_t((from[c] * light + 127) / 255);
  }
  pixels.resize(count * 3);
}

class JpegWriter {
 public:
  JpegWriter() {
    InitErrors(errors_);
    info_.err = &errors_.base;
  }
  ~JpegWriter() {
    jpeg_destroy_compress(&info_);
    std::free(buffer_);
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  bool Write(const Image& image, int quality) {
    if (setjmp(errors_.jump)) return false;
    jpeg_create_compress(&info_);
    jpeg_mem_dest(&info_, &buffer_, &size_);
    info_.image_width = image.width;
    info_.image_height = image.height;
    info_.input_components = 3;
    info_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, quality, TRUE);
    jpeg_start_compress(&info_, TRUE);
    size_t row_bytes = size_t(image.width) * 3;
    while (info_.next_scanline < info_.image_height) {
      // libjpeg only reads the row, though its type does not say so.
      auto* row = const_cast<JSAMPROW>(image.rgb.data() +
                                       info_.next_scanline * row_bytes);
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
    return true;
  }

  std::string bytes() const {
    return std::string(reinterpret_cast<const char*>(buffer_), size_);
  }
  const char* message() const { return errors_.message; }

 private:
  ErrorManager errors_;
  jpeg_compress_struct info_ = {};
  unsigned char* buffer_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace

absl::StatusOr<PictureHeader> ReadJpegHeader(std::string_view bytes) {
  JpegReader reader(bytes);
  if (!reader.ReadHeader()) return reader.Error();
  return PictureHeader{reader.info().image_width, reader.info().image_height,
                       reader.Orientation()};
}

absl::StatusOr<Image> DecodeJpeg(std::string_view bytes, int min_side) {
  JpegReader reader(bytes);
  if (!reader.ReadHeader() || !reader.Start(min_side)) return reader.Error();
  Image image;
  image.width = int(reader.info().output_width);
  image.height = int(reader.info().output_height);
  image.rgb.resize(size_t(image.width) * image.height *
                   reader.info().output_components);
  if (!reader.ReadPixels(image.rgb.data())) return reader.Error();
  if (reader.info().output_components == 4) InksToRgb(image.rgb);
  return image;
}

absl::StatusOr<std::string> EncodeJpeg(const Image& image, int quality) {
  JpegWriter writer;
  if (!writer.Write(image, quality)) {
    return absl::InternalError(absl::StrCat("cannot encode a JPEG of ",
                                            image.width, " x ", image.height,
                                            " pixels: ", writer.message()));
  }
  return writer.bytes();
}

}  // namespace vitrine
