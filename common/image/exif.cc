#include "common/image/exif.h"

#include <cstdint>
#include <cstring>

namespace vitrine {
namespace {

// Exif 2.32 (CIPA DC-008), sections 4.6.2 and 4.6.4.
constexpr std::string_view kPrefix("Exif\0\0", 6);
constexpr size_t kEntryBytes = 12;
constexpr uint32_t kOrientationTag = 0x0112;
constexpr uint32_t kShort = 3;
constexpr uint32_t kLong = 4;

// Integers of a TIFF block in its byte order; zero beyond its end.
class TiffReader {
 public:
  TiffReader(std::string_view bytes, bool little_endian)
      : bytes_(bytes), little_endian_(little_endian) {}

  uint32_t Read(size_t offset, int size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < size_t(size)) {
      return 0;
    }
    uint32_t value = 0;
    for (int i = 0; i < size; ++i) {
      int at = little_endian_ ? size - 1 - i : i;
      value = value << 8 | uint8_t(bytes_[offset + at]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool little_endian_;
};

}  // namespace

int ExifOrientation(std::string_view block) {
  if (block.starts_with(kPrefix)) block.remove_prefix(kPrefix.size());
  bool little_endian = block.starts_with("II");
  if (!little_endian && !block.starts_with("MM")) return 1;
  TiffReader tiff(block, little_endian);
  if (tiff.Read(2, 2) != 42) return 1;
  size_t directory = tiff.Read(4, 4);
  size_t count = tiff.Read(directory, 2);
  for (size_t i = 0; i < count; ++i) {
    size_t entry = directory + 2 + i * kEntryBytes;
    if (entry + kEntryBytes > block.size()) break;
    if (tiff.Read(entry, 2) != kOrientationTag) continue;
    uint32_t type = tiff.Read(entry + 2, 2);
    uint32_t value = type == kShort  ? tiff.Read(entry + 8, 2)
                     : type == kLong ? tiff.Read(entry + 8, 4)
                                     : 1;
    return value >= 1 && value <= 8 ? int(value) : 1;
  }
  return 1;
}

Image ApplyOrientation(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  bool transposed = orientation >= 5;
  // Whether the stored columns and rows run backwards as shown.
  bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 ||
                orientation == 8;
  bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 ||
                orientation == 7;
  Image turned;
  turned.width = transposed ? image.height : image.width;
  turned.height = transposed ? image.width : image.height;
  turned.rgb.resize(image.rgb.size());
  // In bytes of the stored picture, for one step right and one down as shown.
  ptrdiff_t column = flip_x ? -3 : 3;
  ptrdiff_t row = ptrdiff_t(image.width) * (flip_y ? -3 : 3);
  const uint8_t* start = image.rgb.data();
  if (flip_x) start += ptrdiff_t(image.width - 1) * 3;
  if (flip_y) start += ptrdiff_t(image.height - 1) * image.width * 3;
  ptrdiff_t right = transposed ? row : column;
  ptrdiff_t down = transposed ? column : row;
  uint8_t* to = turned.rgb.data();
  for (int y = 0; y < turned.height; ++y) {
    const uint8_t* from = start + y * down;
    for (int x = 0; x < turned.width; ++x, to += 3) {
      std::memcpy(to, from + x * right, 3);
    }
  }
  return turned;
}

}  // namespace vitrine
