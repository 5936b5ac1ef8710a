// Pictures that are small as files and try to be large or slow when they are
// read.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

// After <cstdio>, which it needs.
#include <jpeglib.h>

#include "tests/test_util.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine::testing {

struct Bomb {
  std::string name;
  std::string bytes;
  // Why it is refused; UNSPECIFIED where it decodes all the same.
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  // What reading it may take: the pixels, where some are decoded.
  int most_megabytes = 16;
};

inline std::string ImageFixture(const std::string& name) {
  return ReadAll(SourceDir() / "tests/data/images" / name);
}

inline std::string BigEndian(uint64_t value, int size) {
  std::string bytes;
  for (int i = size - 1; i >= 0; --i) {
    bytes.push_back(static_cast<char>(value >> (8 * i)));
  }
  return bytes;
}
inline std::string LittleEndian(uint64_t value, int size) {
  const std::string bytes = BigEndian(value, size);
  return {bytes.rbegin(), bytes.rend()};
}

// So many zeros, deflated: a thousandth of them.
inline std::string DeflatedZeros(uint64_t count) {
  z_stream stream = {};
  if (deflateInit(&stream, 9) != Z_OK) std::abort();
  static const std::vector<unsigned char> zeros(1 << 20);
  std::vector<unsigned char> out(1 << 16);
  std::string bytes;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (stream.avail_in == 0 && count > 0) {
      stream.next_in = const_cast<unsigned char*>(zeros.data());
      stream.avail_in = static_cast<uInt>(std::min<uint64_t>(count, 1 << 20));
      count -= stream.avail_in;
    }
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    status = deflate(&stream, count == 0 ? Z_FINISH : Z_NO_FLUSH);
    bytes.append(out.begin(), out.end() - stream.avail_out);
  }
  deflateEnd(&stream);
  return bytes;
}

inline std::string PngChunk(std::string_view type, std::string_view data) {
  const std::string checked = std::string(type) + std::string(data);
  const auto crc =
      crc32(0, reinterpret_cast<const unsigned char*>(checked.data()),
            static_cast<uInt>(checked.size()));
  return BigEndian(data.size(), 4) + checked + BigEndian(crc, 4);
}

// A whole PNG of zeros: of grey (0), RGB (2) or RGBA (6), `depth` bits each.
inline std::string PngOfZeros(uint32_t width, uint32_t height, int depth,
                              int colour, bool interlaced) {
  const int channels = colour == 0 ? 1 : colour == 2 ? 3 : 4;
  const auto row_bytes = [&](uint64_t pixels) {
    return (pixels * channels * depth + 7) / 8;
  };
  uint64_t raw = height * (1 + row_bytes(width));
  if (interlaced) {
    // Adam7: where each pass begins, and its steps.
    constexpr int kPasses[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8},
                                   {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2},
                                   {0, 1, 1, 2}};
    raw = 0;
    for (const auto& [x, y, dx, dy] : kPasses) {
      const uint64_t columns = (width - x + dx - 1) / dx;
      const uint64_t rows = (height - y + dy - 1) / dy;
      raw += rows * (1 + row_bytes(columns));
    }
  }
  const std::string header = BigEndian(width, 4) + BigEndian(height, 4) +
                             static_cast<char>(depth) +
                             static_cast<char>(colour) + std::string(2, '\0') +
                             static_cast<char>(interlaced ? 1 : 0);
  return "\x89PNG\r\n\x1A\n" + PngChunk("IHDR", header) +
         PngChunk("IDAT", DeflatedZeros(raw)) + PngChunk("IEND", "");
}

// plain.png with one more chunk behind its header.
inline std::string PngWithChunk(std::string_view type, std::string_view data) {
  constexpr size_t kAfterHeader = 8 + 25;
  std::string png = ImageFixture("plain.png");
  return png.insert(kAfterHeader, PngChunk(type, data));
}

// A grey JPEG of one even tone in `scans` scans (1 to 190), each of which an
// encoder may write: one coefficient and one bit of it at a time.
inline std::string JpegOfScans(int width, int height, int scans) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = 1;
  info.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults(&info);
  std::vector<jpeg_scan_info> script;
  script.push_back({1, {0}, 0, 0, 0, 0});
  for (int bit = 2; bit >= 0; --bit) {
    for (int at = 1; at < 64; ++at) {
      script.push_back({1, {0}, at, at, bit == 2 ? 0 : bit + 1, bit});
    }
  }
  info.scan_info = script.data();
  info.num_scans = scans;
  jpeg_start_compress(&info, TRUE);
  std::vector<unsigned char> row(static_cast<size_t>(width), 128);
  JSAMPROW rows = row.data();
  for (int y = 0; y < height; ++y) jpeg_write_scanlines(&info, &rows, 1);
  jpeg_finish_compress(&info);
  std::string bytes(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return bytes;
}

// progressive.jpg with its first scan so many times more.
inline std::string JpegOfRepeatedScans(int times) {
  std::string bytes = ImageFixture("progressive.jpg");
  const size_t scan = bytes.find("\xFF\xDA");
  size_t next = bytes.find('\xFF', scan + 2);
  while (bytes[next + 1] == '\0') next = bytes.find('\xFF', next + 2);
  const std::string one = bytes.substr(scan, next - scan);
  std::string many;
  for (int i = 0; i < times; ++i) many += one;
  return bytes.insert(next, many);
}

// plain.jpg whose header says another size.
inline std::string JpegThatSays(uint32_t width, uint32_t height) {
  std::string bytes = ImageFixture("plain.jpg");
  const size_t frame = bytes.find("\xFF\xC0");
  return bytes.replace(frame + 5, 4,
                       BigEndian(height, 2) + BigEndian(width, 2));
}

// animated.webp with its first frame so many times more.
inline std::string WebpOfFrames(int times) {
  std::string bytes = ImageFixture("animated.webp");
  const size_t frame = bytes.find("ANMF");
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const size_t payload = at(frame + 4) | at(frame + 5) << 8 |
                         at(frame + 6) << 16 | at(frame + 7) << 24;
  const std::string one = bytes.substr(frame, 8 + payload + payload % 2);
  std::string many;
  for (int i = 0; i < times; ++i) many += one;
  bytes += many;
  return bytes.replace(4, 4, LittleEndian(bytes.size() - 8, 4));
}

// A lossy WebP whose only frame's header says 16383 x 16383 pixels: as a file
// of its own, or within the canvas of animated.webp.
inline std::string WebpOfALargeFrame(bool in_canvas) {
  std::string bytes = ImageFixture(in_canvas ? "animated.webp" : "lossy.webp");
  // After the start code of a key frame (RFC 6386, 9.1).
  const size_t start = bytes.find("\x9D\x01\x2A");
  return bytes.replace(start + 3, 4, "\xFF\x3F\xFF\x3F");
}

inline std::vector<Bomb> Bombs() {
  const std::string zeros = DeflatedZeros(200'000'000);
  std::string says = ImageFixture("plain.png");
  says.replace(16, 8, BigEndian(60'000, 4) + BigEndian(60'000, 4));
  const std::string large = PngOfZeros(7'000, 7'000, 8, 2, false);
  std::string canvas = ImageFixture("animated.webp");
  canvas.replace(24, 6, LittleEndian(16'383, 3) + LittleEndian(16'383, 3));
  using std::string_view_literals::operator""sv;
  return {
      {"a PNG that says 60000 x 60000", says,
       v1::ERROR_REASON_IMAGE_TOO_MANY_PIXELS},
      {"a whole PNG of one bit and 64,008,000 pixels",
       PngOfZeros(8'001, 8'000, 1, 0, false),
       v1::ERROR_REASON_IMAGE_TOO_MANY_PIXELS},
      {"a PNG of 49 megapixels, cut", large.substr(0, large.size() / 2),
       v1::ERROR_REASON_IMAGE_TRUNCATED, 7'000 * 7'000 * 3 / 1'000'000 + 16},
      {"a PNG of 16-bit RGBA, interlaced",
       PngOfZeros(3'000, 3'000, 16, 6, true), v1::ERROR_REASON_UNSPECIFIED,
       3'000 * 3'000 * 4 / 1'000'000 + 16},
      {"a PNG with a text of 200 MB",
       PngWithChunk("zTXt", std::string("Comment\0\0"sv) + zeros)},
      {"a PNG with a profile of 200 MB",
       PngWithChunk("iCCP", std::string("icc\0\0"sv) + zeros)},
      {"a PNG with an international text of 200 MB",
       PngWithChunk("iTXt", std::string("Comment\0\1\0\0\0"sv) + zeros)},
      {"a JPEG that says 65500 x 65500", JpegThatSays(65'500, 65'500),
       v1::ERROR_REASON_IMAGE_TOO_MANY_PIXELS},
      {"a JPEG that says 8000 x 8000", JpegThatSays(8'000, 8'000),
       v1::ERROR_REASON_IMAGE_NOT_DECODABLE,
       8'000 * 8'000 * 3 / 1'000'000 + 16},
      {"a JPEG that repeats a scan", JpegOfRepeatedScans(1'000),
       v1::ERROR_REASON_IMAGE_NOT_DECODABLE},
      // Two bytes a coefficient.
      {"a large JPEG of many scans", JpegOfScans(4'000, 4'000, 100),
       v1::ERROR_REASON_IMAGE_NOT_DECODABLE,
       4'000 * 4'000 * 2 / 1'000'000 + 16},
      {"a WebP that says 16383 x 16383", WebpOfALargeFrame(false),
       v1::ERROR_REASON_IMAGE_TOO_MANY_PIXELS},
      {"a WebP with a canvas of 16384 x 16384", canvas,
       v1::ERROR_REASON_IMAGE_TOO_MANY_PIXELS},
      {"a WebP with a frame that is larger than its canvas",
       WebpOfALargeFrame(true), v1::ERROR_REASON_IMAGE_NOT_DECODABLE},
      {"a WebP of 100,000 frames", WebpOfFrames(100'000),
       v1::ERROR_REASON_UNSPECIFIED, 64},
  };
}

}  // namespace vitrine::testing
