#include "common/image/exif.h"

#include <gtest/gtest.h>

#include <string>

namespace vitrine {
namespace {

using std::string_literals::operator""s;
using std::string_view_literals::operator""sv;

// A directory of two entries, the second of them the orientation.
constexpr std::string_view kLittle =
    "II*\0\x08\0\0\0\x02\0"
    "\x0F\x01\x02\0\x04\0\0\0abc\0"
    "\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
    "\0\0\0\0"sv;
constexpr std::string_view kBig =
    "MM\0*\0\0\0\x08\0\x02"
    "\x01\x0F\0\x02\0\0\0\x04"
    "abc\0"
    "\x01\x12\0\x03\0\0\0\x01\0\x08\0\0"
    "\0\0\0\0"sv;

TEST(ExifOrientation, ReadsBothByteOrders) {
  EXPECT_EQ(ExifOrientation(kLittle), 6);
  EXPECT_EQ(ExifOrientation(kBig), 8);
}

TEST(ExifOrientation, SkipsThePrefix) {
  EXPECT_EQ(ExifOrientation("Exif\0\0"s.append(kLittle)), 6);
}

TEST(ExifOrientation, IsUprightWhereTheValueIsOutOfRange) {
  for (char value : {'\0', '\x09', '\xFF'}) {
    std::string block(kLittle);
    block[30] = value;
    EXPECT_EQ(ExifOrientation(block), 1) << int(value);
  }
}

TEST(ExifOrientation, IsUprightWhereTheBlockIsCut) {
  for (size_t size = 0; size < 34; ++size) {
    EXPECT_EQ(ExifOrientation(kLittle.substr(0, size)), 1) << size;
  }
}

TEST(ExifOrientation, SurvivesOffsetsBeyondTheBlock) {
  for (uint32_t offset : {0xFFFFFFFFu, 0xFFFFFFF0u, 0x7FFFFFFFu, 40u, 0u}) {
    std::string block(kLittle);
    for (int i = 0; i < 4; ++i) block[4 + i] = char(offset >> (8 * i));
    EXPECT_EQ(ExifOrientation(block), 1) << offset;
  }
  std::string block(kLittle);
  block[8] = block[9] = '\xFF';  // 65,535 entries
  EXPECT_EQ(ExifOrientation(block), 6);
}

TEST(ApplyOrientation, TurnsASixPixelPicture) {
  // 1 2 3
  // 4 5 6
  Image stored{3, 2, {}};
  for (uint8_t value = 1; value <= 6; ++value) {
    stored.rgb.insert(stored.rgb.end(), 3, value);
  }
  const char* shown[] = {"",       "123456", "321654", "654321", "456123",
                         "142536", "415263", "635241", "362514"};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Image turned = ApplyOrientation(stored, orientation);
    EXPECT_EQ(turned.width, orientation >= 5 ? 2 : 3);
    EXPECT_EQ(turned.height, orientation >= 5 ? 3 : 2);
    std::string values;
    for (size_t i = 0; i < turned.rgb.size(); i += 3) {
      values += char('0' + turned.rgb[i]);
    }
    EXPECT_EQ(values, shown[orientation]) << orientation;
  }
}

}  // namespace
}  // namespace vitrine
