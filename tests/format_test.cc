#include "common/image/format.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/status.h"

namespace vitrine {
namespace {

using std::string_view_literals::operator""sv;

void ExpectRefused(std::string_view bytes, v1::ErrorReason reason,
                   const std::string& part) {
  SCOPED_TRACE(part);
  absl::StatusOr<ImageFormat> format = DetectFormat(bytes);
  ASSERT_FALSE(format.ok());
  EXPECT_EQ(format.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorOf(format.status()).reason(), reason) << format.status();
  EXPECT_NE(format.status().message().find(part), absl::string_view::npos)
      << format.status();
}

TEST(DetectFormat, NamesOtherKindsAndTheRemedy) {
  struct Case {
    std::string_view bytes;
    const char* part;
  };
  const Case cases[] = {
      {"\0\0\0\x18"
       "ftypheic\0\0\0\0mif1heic"sv,
       "a HEIC picture, which is not read; convert it to JPEG, PNG or WebP"},
      {"\0\0\0\x1C"
       "ftypmif1\0\0\0\0"sv,
       "HEIC or AVIF"},
      {"\0\0\0\x1C"
       "ftypavif\0\0\0\0"sv,
       "an AVIF picture"},
      {"\0\0\0\x18"
       "ftypisom\0\0\0\0"sv,
       "an MP4 video, which is not read; "
       "export a frame"},
      {"\0\0\0\x14"
       "ftypqt  "sv,
       "a QuickTime video"},
      {"\x1A\x45\xDF\xA3\x01"sv, "Matroska"},
      {"RIFF\0\0\0\0AVI LIST"sv, "an AVI video"},
      {"II*\0\x08\0\0\0"sv, "TIFF"},
      {"MM\0*\0\0\0\x08"sv, "TIFF"},
      {"GIF89a\x01\0\x01\0"sv, "a GIF picture"},
      {"BM\x46\0\0\0\0\0\0\0\x36\0"sv, "a BMP picture"},
      {"PK\3\4\x14\0"sv, "a ZIP archive, which is not read; unpack it"},
      {"%PDF-1.7"sv, "a PDF document"},
      {"  <?xml version='1.0'?>\n<svg xmlns='x'>"sv, "an SVG drawing"},
      {"\xEF\xBB\xBF<!DOCTYPE HTML><title>404</title>"sv, "an HTML page"},
      {"<?xml version='1.0'?><Error>AccessDenied</Error>"sv, "an XML text"},
      {"8BPS\0\1"sv, "a Photoshop picture"},
      {"\0\0\0\x0CJXL \r\n\x87\n"sv, "JPEG XL"},
  };
  for (const Case& c : cases) {
    ExpectRefused(c.bytes, v1::ERROR_REASON_IMAGE_FORMAT_UNSUPPORTED, c.part);
  }
}

TEST(DetectFormat, ShowsTheFirstBytesOfWhatItDoesNotKnow) {
  ExpectRefused("hello, world", v1::ERROR_REASON_IMAGE_NOT_DECODABLE,
                "68656c6c6f2c2077");
  ExpectRefused("BMW is no bitmap", v1::ERROR_REASON_IMAGE_NOT_DECODABLE,
                "begins with");
}

TEST(DetectFormat, TellsAFileOfZeros) {
  ExpectRefused(std::string(4096, '\0'), v1::ERROR_REASON_IMAGE_NOT_DECODABLE,
                "all 4096 bytes are zero");
}

TEST(DetectFormat, CallsAPartOfAMagicTruncated) {
  for (std::string_view bytes :
       {"\xFF"sv, "\xFF\xD8"sv, "\x89PN"sv, "RI"sv, "RIFF\0\0"sv}) {
    ExpectRefused(bytes, v1::ERROR_REASON_IMAGE_TRUNCATED, "cut off after");
  }
}

}  // namespace
}  // namespace vitrine
