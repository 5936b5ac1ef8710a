// Pictures that are damaged, cut off, or built to hurt: each is refused with
// its reason, and none harms the process.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include "common/base/status.h"
#include "common/image/image.h"
#include "tests/test_util.h"
#include "tests/test_util/bombs.h"
#include "tests/test_util/peak_memory.h"

namespace vitrine {
namespace {

std::filesystem::path FixtureDir() {
  return testing::SourceDir() / "tests/data/images";
}

std::string Fixture(const std::string& name) {
  return testing::ReadAll(FixtureDir() / name);
}

v1::ErrorReason ReasonOf(std::string_view bytes,
                         const ImageLimits& limits = {}) {
  absl::StatusOr<Image> image = DecodeImage(bytes, limits);
  if (image.ok()) return v1::ERROR_REASON_UNSPECIFIED;
  EXPECT_EQ(image.status().code(), absl::StatusCode::kInvalidArgument);
  return ErrorOf(image.status()).reason();
}

void PutBigEndian(std::string& bytes, size_t offset, uint32_t value, int size) {
  for (int i = 0; i < size; ++i) {
    bytes[offset + i] = char(value >> (8 * (size - 1 - i)));
  }
}

TEST(CorruptionImage, RefusesACutAtEveryByte) {
  for (const auto& entry : std::filesystem::directory_iterator(FixtureDir())) {
    std::string bytes = testing::ReadAll(entry.path());
    ASSERT_TRUE(DecodeImage(bytes).ok()) << entry.path();
    for (size_t size = 1; size < bytes.size(); ++size) {
      ASSERT_EQ(ReasonOf(std::string_view(bytes).substr(0, size)),
                v1::ERROR_REASON_IMAGE_TRUNCATED)
          << entry.path() << " cut to " << size << " of " << bytes.size();
    }
  }
}

TEST(CorruptionImage, RefusesARealPhotoCutAnywhere) {
  auto dataset = testing::ClothingDataset();
  if (!dataset) GTEST_SKIP() << "the real photos are not here";
  auto first = std::filesystem::directory_iterator(*dataset / "images");
  std::string bytes = testing::ReadAll(first->path());
  for (size_t size = 1; size < bytes.size(); size += bytes.size() / 41) {
    EXPECT_EQ(ReasonOf(std::string_view(bytes).substr(0, size)),
              v1::ERROR_REASON_IMAGE_TRUNCATED)
        << first->path() << " cut to " << size;
  }
}

// Under the sanitizers this also shows that no read leaves the bytes.
TEST(CorruptionImage, SurvivesEveryChangedByte) {
  for (const auto& entry : std::filesystem::directory_iterator(FixtureDir())) {
    const std::string bytes = testing::ReadAll(entry.path());
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (int change : {0x01, 0x80, 0xFF}) {
        std::string changed = bytes;
        changed[i] = char(changed[i] ^ change);
        // A small limit: a changed header may claim millions of pixels.
        absl::StatusOr<Image> image =
            DecodeImage(changed, {.max_bytes = 4096, .max_pixels = 100'000});
        if (!image.ok()) continue;
        ASSERT_EQ(image->rgb.size(), size_t(image->width) * image->height * 3);
      }
    }
  }
}

TEST(CorruptionImage, RefusesAPngWithAChangedPixelByte) {
  std::string bytes = Fixture("plain.png");
  bytes[bytes.find("IDAT") + 10] ^= 0x10;
  EXPECT_EQ(ReasonOf(bytes), v1::ERROR_REASON_IMAGE_NOT_DECODABLE);
}

TEST(CorruptionImage, RefusesAJpegWhosePixelsEndEarly) {
  // The end marker in the middle of the entropy-coded data.
  std::string bytes = Fixture("plain.jpg");
  size_t scan = bytes.find("\xFF\xDA");
  ASSERT_NE(scan, std::string::npos);
  bytes[scan + 30] = '\xFF';
  bytes[scan + 31] = '\xD9';
  EXPECT_EQ(ReasonOf(bytes), v1::ERROR_REASON_IMAGE_NOT_DECODABLE);
}

TEST(CorruptionImage, RefusesNoBytes) {
  EXPECT_EQ(ReasonOf(""), v1::ERROR_REASON_IMAGE_EMPTY);
}

TEST(CorruptionImage, RefusesTooManyBytesWithTheLimit) {
  std::string bytes = Fixture("plain.jpg");
  bytes.resize(32'000'001);
  absl::StatusOr<Image> image = DecodeImage(bytes);
  ASSERT_FALSE(image.ok());
  v1::Error error = ErrorOf(image.status());
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_IMAGE_TOO_LARGE);
  EXPECT_EQ(error.limit(), 32'000'000);
  EXPECT_NE(error.message().find("32000001 bytes"), std::string::npos)
      << error.message();
}

// Each a few hundred bytes that would take gigabytes.
TEST(CorruptionImage, RefusesBombsBeforeDecoding) {
  std::string png = Fixture("plain.png");
  PutBigEndian(png, 16, 60000, 4);
  PutBigEndian(png, 20, 60000, 4);
  EXPECT_EQ(ReasonOf(png), v1::ERROR_REASON_IMAGE_TOO_MANY_PIXELS);
  PutBigEndian(png, 16, 0xFFFFFFFF, 4);
  PutBigEndian(png, 20, 0xFFFFFFFF, 4);
  EXPECT_EQ(ReasonOf(png), v1::ERROR_REASON_IMAGE_TOO_MANY_PIXELS);

  std::string jpeg = Fixture("plain.jpg");
  size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  PutBigEndian(jpeg, frame + 5, 65500, 2);
  PutBigEndian(jpeg, frame + 7, 65500, 2);
  absl::StatusOr<ImageInfo> info = ProbeImage(jpeg);
  ASSERT_FALSE(info.ok());
  v1::Error error = ErrorOf(info.status());
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_IMAGE_TOO_MANY_PIXELS);
  EXPECT_EQ(error.limit(), 64'000'000);
  EXPECT_NE(error.message().find("65500 x 65500"), std::string::npos)
      << error.message();

  // The canvas of an extended WebP, less one, in 24 bits each.
  std::string webp = Fixture("animated.webp");
  ASSERT_EQ(webp.substr(12, 4), "VP8X");
  for (size_t at : {24, 27}) webp.replace(at, 3, "\xFF\x3F\x00", 3);
  EXPECT_EQ(ReasonOf(webp), v1::ERROR_REASON_IMAGE_TOO_MANY_PIXELS);
}

TEST(CorruptionImage, TakesExactlyTheLimit) {
  std::string bytes = Fixture("plain.png");  // 48 × 32
  EXPECT_TRUE(
      DecodeImage(bytes, {.max_bytes = bytes.size(), .max_pixels = 48 * 32})
          .ok());
  EXPECT_EQ(ReasonOf(bytes, {.max_bytes = bytes.size() - 1}),
            v1::ERROR_REASON_IMAGE_TOO_LARGE);
  EXPECT_EQ(ReasonOf(bytes, {.max_pixels = 48 * 32 - 1}),
            v1::ERROR_REASON_IMAGE_TOO_MANY_PIXELS);
}

TEST(CorruptionImage, RefusesNoPixels) {
  std::string bytes = Fixture("plain.png");
  PutBigEndian(bytes, 16, 0, 4);
  EXPECT_EQ(ReasonOf(bytes), v1::ERROR_REASON_IMAGE_NOT_DECODABLE);
}

// A small progressive file that repeats one scan thousands of times.
TEST(CorruptionImage, RefusesAJpegOfEndlessScans) {
  absl::StatusOr<Image> image =
      DecodeImage(testing::JpegOfRepeatedScans(1'000));
  ASSERT_FALSE(image.ok());
  EXPECT_NE(image.status().message().find("more than 200 scans"),
            absl::string_view::npos)
      << image.status();
}

TEST(CorruptionImage, ReadsFewerScansOfALargerJpeg) {
  // All that an encoder may write.
  EXPECT_TRUE(DecodeImage(testing::JpegOfScans(64, 64, 190)).ok());
  EXPECT_TRUE(DecodeImage(testing::JpegOfScans(4'000, 4'000, 20)).ok());
  absl::StatusOr<Image> image =
      DecodeImage(testing::JpegOfScans(4'000, 4'000, 64));
  ASSERT_FALSE(image.ok());
  EXPECT_NE(image.status().message().find("more than 62 scans"),
            absl::string_view::npos)
      << image.status();
}

TEST(CorruptionImage, TakesLittleTimeAndMemoryOverBombs) {
  for (const testing::Bomb& bomb : testing::Bombs()) {
    SCOPED_TRACE(bomb.name);
    EXPECT_LT(bomb.bytes.size(), 20'000'000u);
    testing::PeakMegabytes();
    const double before = testing::PeakMegabytes();
    const auto start = std::chrono::steady_clock::now();
    const v1::ErrorReason reason = ReasonOf(bomb.bytes);
    const std::chrono::duration<double> took =
        std::chrono::steady_clock::now() - start;
    const double rise = testing::PeakMegabytes() - before;
    EXPECT_EQ(reason, bomb.reason);
    EXPECT_LT(took.count(), 5);
    if (before > 0) {
      EXPECT_LT(rise, bomb.most_megabytes);
    }
    std::printf("%-50s %8zu bytes %6.0f ms %5.0f MB\n", bomb.name.c_str(),
                bomb.bytes.size(), took.count() * 1e3, rise);
  }
}

}  // namespace
}  // namespace vitrine
