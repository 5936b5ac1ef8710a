#include <webp/decode.h>
#include <webp/demux.h>

#include <cstring>
#include <memory>
#include <new>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/image/codecs.h"
#include "common/image/exif.h"

namespace vitrine {
namespace {

// https://developers.google.com/speed/webp/docs/riff_container
constexpr size_t kRiffHeaderBytes = 8;

uint32_t LittleEndian(std::string_view bytes, size_t offset) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | uint8_t(bytes[offset + i]);
  return value;
}

struct DemuxerDeleter {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
using Demuxer = std::unique_ptr<WebPDemuxer, DemuxerDeleter>;

absl::StatusOr<Demuxer> OpenDemuxer(std::string_view bytes) {
  if (LittleEndian(bytes, 4) > bytes.size() - kRiffHeaderBytes) {
    return TruncatedError("WebP", bytes);
  }
  WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
  Demuxer demuxer(WebPDemuxPartial(&data, &state));
  if (demuxer == nullptr || state != WEBP_DEMUX_DONE) {
    return DamagedError("WebP", "its chunks do not fit together");
  }
  return demuxer;
}

class Frame {
 public:
  explicit Frame(const WebPDemuxer* demuxer)
      : found_(WebPDemuxGetFrame(demuxer, 1, &frame_)) {}
  ~Frame() { WebPDemuxReleaseIterator(&frame_); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  const WebPIterator* get() const { return found_ ? &frame_ : nullptr; }

 private:
  WebPIterator frame_ = {};
  bool found_;
};

absl::Status DecodeError(VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
      throw std::bad_alloc();
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return DamagedError("WebP", "its pixels end early");
    default:
      return DamagedError("WebP", absl::StrCat("libwebp's error ", int(code)));
  }
}

}  // namespace

absl::StatusOr<PictureHeader> ReadWebpHeader(std::string_view bytes) {
  VITRINE_ASSIGN_OR_RETURN(Demuxer demuxer, OpenDemuxer(bytes));
  PictureHeader header;
  header.width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  header.height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  WebPChunkIterator chunk = {};
  if (WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk)) {
    header.orientation = ExifOrientation(
        {reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size});
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return header;
}

absl::StatusOr<Image> DecodeWebp(std::string_view bytes) {
  VITRINE_ASSIGN_OR_RETURN(Demuxer demuxer, OpenDemuxer(bytes));
  Frame first(demuxer.get());
  const WebPIterator* frame = first.get();
  if (frame == nullptr) return DamagedError("WebP", "it has no frame");

  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) {
    return absl::InternalError(
        "another version of libwebp than was built with");
  }
  // Checked against the canvas, whose size the limits have passed.
  VP8StatusCode status = WebPGetFeatures(frame->fragment.bytes,
                                         frame->fragment.size, &config.input);
  if (status != VP8_STATUS_OK) return DecodeError(status);
  const int width = config.input.width;
  const int height = config.input.height;
  Image image;
  image.width = int(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH));
  image.height = int(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT));
  if (width < 1 || height < 1 || frame->x_offset < 0 || frame->y_offset < 0 ||
      frame->x_offset > image.width - width ||
      frame->y_offset > image.height - height) {
    return DamagedError("WebP", "a frame leaves the canvas");
  }

  const bool alpha = config.input.has_alpha;
  const size_t stride = size_t(width) * (alpha ? 4 : 3);
  std::vector<uint8_t> pixels(stride * height);
  config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels.data();
  config.output.u.RGBA.stride = int(stride);
  config.output.u.RGBA.size = pixels.size();
  status = WebPDecode(frame->fragment.bytes, frame->fragment.size, &config);
  WebPFreeDecBuffer(&config.output);
  if (status != VP8_STATUS_OK) return DecodeError(status);
  if (alpha) BlendOnWhite(pixels);

  if (width == image.width && height == image.height) {
    image.rgb = std::move(pixels);
    return image;
  }
  image.rgb.assign(size_t(image.width) * image.height * 3, 255);
  for (int y = 0; y < height; ++y) {
    size_t to = size_t(frame->y_offset + y) * image.width + frame->x_offset;
    std::memcpy(&image.rgb[to * 3], &pixels[size_t(y) * width * 3],
                size_t(width) * 3);
  }
  return image;
}

}  // namespace vitrine
