#include "common/image/image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

// After <cstdio>, which it needs.
#include <jpeglib.h>

#include "common/base/status.h"
#include "tests/test_util.h"

namespace vitrine {
namespace {

struct Rgb {
  int r, g, b;
};
// What every picture of tests/data/images shows (make_images.py).
constexpr Rgb kRed{220, 30, 30}, kGreen{30, 180, 60}, kBlue{40, 60, 200},
    kYellow{240, 220, 40}, kWhite{255, 255, 255};

std::string Fixture(const std::string& name) {
  return testing::ReadAll(testing::SourceDir() / "tests/data/images" / name);
}

Rgb PixelAt(const Image& image, double x, double y) {
  const uint8_t* pixel = &image.rgb[(size_t(y * image.height) * image.width +
                                     size_t(x * image.width)) *
                                    3];
  return {pixel[0], pixel[1], pixel[2]};
}

Rgb Luma(Rgb c) {
  int y = int(std::lround(0.299 * c.r + 0.587 * c.g + 0.114 * c.b));
  return {y, y, y};
}

void ExpectNear(Rgb actual, Rgb expected, int tolerance, const char* where) {
  EXPECT_NEAR(actual.r, expected.r, tolerance) << where;
  EXPECT_NEAR(actual.g, expected.g, tolerance) << where;
  EXPECT_NEAR(actual.b, expected.b, tolerance) << where;
}

// The middles of the four quarters, from the top left.
void ExpectQuarters(const Image& image, Rgb top_left, Rgb top_right,
                    Rgb bottom_left, Rgb bottom_right, int tolerance) {
  ASSERT_EQ(image.rgb.size(), size_t(image.width) * image.height * 3);
  ExpectNear(PixelAt(image, .25, .25), top_left, tolerance, "top left");
  ExpectNear(PixelAt(image, .75, .25), top_right, tolerance, "top right");
  ExpectNear(PixelAt(image, .25, .75), bottom_left, tolerance, "bottom left");
  ExpectNear(PixelAt(image, .75, .75), bottom_right, tolerance, "bottom right");
}

void ExpectShowsTheFixture(const std::string& name, int tolerance) {
  SCOPED_TRACE(name);
  std::string bytes = Fixture(name);
  absl::StatusOr<Image> image = DecodeImage(bytes);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->width, 48);
  EXPECT_EQ(image->height, 32);
  ExpectQuarters(*image, kRed, kGreen, kBlue, kYellow, tolerance);
  absl::StatusOr<ImageInfo> info = ProbeImage(bytes);
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->width, 48);
  EXPECT_EQ(info->height, 32);
}

Image Quarters(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      bool left = x < width / 2, top = y < height / 2;
      Rgb c = top ? (left ? kRed : kGreen) : (left ? kBlue : kYellow);
      image.rgb.insert(image.rgb.end(),
                       {uint8_t(c.r), uint8_t(c.g), uint8_t(c.b)});
    }
  }
  return image;
}

// A JPEG of 16 × 16 pixels of one ink mix (255 is no ink, as Adobe stores it).
std::string InkJpeg(std::array<uint8_t, 4> inks, J_COLOR_SPACE stored_as) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = info.image_height = 16;
  info.input_components = 4;
  info.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, stored_as);
  jpeg_set_quality(&info, 95, TRUE);
  jpeg_start_compress(&info, TRUE);
  std::vector<uint8_t> row;
  for (int i = 0; i < 16; ++i) row.insert(row.end(), inks.begin(), inks.end());
  JSAMPROW rows = row.data();
  for (int i = 0; i < 16; ++i) jpeg_write_scanlines(&info, &rows, 1);
  jpeg_finish_compress(&info);
  std::string bytes(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return bytes;
}

TEST(DecodeImage, ReadsJpegs) {
  ExpectShowsTheFixture("plain.jpg", 4);
  ExpectShowsTheFixture("progressive.jpg", 4);
}

TEST(DecodeImage, AppliesEveryExifOrientation) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    ExpectShowsTheFixture("orientation_" + std::to_string(orientation) + ".jpg",
                          4);
  }
  ExpectShowsTheFixture("orientation_6.png", 0);
  ExpectShowsTheFixture("orientation_6.webp", 12);
}

TEST(DecodeImage, MakesInksRgb) {
  ExpectShowsTheFixture("cmyk.jpg", 4);
  for (J_COLOR_SPACE stored_as : {JCS_CMYK, JCS_YCCK}) {
    absl::StatusOr<Image> image =
        DecodeImage(InkJpeg({255, 128, 0, 128}, stored_as));
    ASSERT_TRUE(image.ok()) << image.status();
    ExpectNear(PixelAt(*image, .5, .5), {128, 64, 0}, 3, "middle");
  }
}

TEST(DecodeImage, MakesGreyRgb) {
  for (const char* name : {"grey.jpg", "grey.png", "deep_grey.png"}) {
    SCOPED_TRACE(name);
    absl::StatusOr<Image> image = DecodeImage(Fixture(name));
    ASSERT_TRUE(image.ok()) << image.status();
    ExpectQuarters(*image, Luma(kRed), Luma(kGreen), Luma(kBlue), Luma(kYellow),
                   3);
  }
}

TEST(DecodeImage, ReadsPngsOfEveryKind) {
  for (const char* name :
       {"plain.png", "palette.png", "deep.png", "interlaced.png"}) {
    ExpectShowsTheFixture(name, 0);
  }
}

TEST(DecodeImage, LaysTransparencyOnWhite) {
  // The half-transparent columns cannot show colours darker than 15.
  ExpectShowsTheFixture("alpha.png", 2);
  ExpectShowsTheFixture("deep_alpha.png", 2);
  ExpectShowsTheFixture("alpha.webp", 14);
  absl::StatusOr<Image> clear = DecodeImage(Fixture("transparent.png"));
  ASSERT_TRUE(clear.ok()) << clear.status();
  ExpectQuarters(*clear, kWhite, kWhite, kWhite, kWhite, 0);
  absl::StatusOr<Image> palette =
      DecodeImage(Fixture("palette_transparent.png"));
  ASSERT_TRUE(palette.ok()) << palette.status();
  ExpectQuarters(*palette, kRed, kGreen, kBlue, kWhite, 0);
}

TEST(DecodeImage, ReadsWebps) {
  ExpectShowsTheFixture("lossy.webp", 12);
  ExpectShowsTheFixture("lossless.webp", 0);
}

TEST(DecodeImage, TakesTheFirstFrameOfAnAnimation) {
  ExpectShowsTheFixture("animated.webp", 12);
}

TEST(DecodeImage, IgnoresHarmlessQuirks) {
  std::string jpeg = Fixture("plain.jpg");
  EXPECT_TRUE(DecodeImage(jpeg + std::string(100, 'x')).ok());
  // A stray byte before a marker: the one after the 18 bytes of APP0.
  std::string stray = jpeg;
  stray.insert(20, 1, '\0');
  EXPECT_TRUE(DecodeImage(stray).ok()) << DecodeImage(stray).status();
  EXPECT_TRUE(DecodeImage(Fixture("plain.png") + "trailing").ok());
  EXPECT_TRUE(DecodeImage(Fixture("lossy.webp") + "trailing").ok());
}

TEST(DecodeImage, ShrinksALargeJpegToMinSide) {
  std::string bytes = *EncodeThumbnail(Quarters(1200, 800), 1200);
  struct Case {
    int min_side, width, height;
  };
  for (Case c : {Case{0, 1200, 800}, Case{401, 1200, 800}, Case{400, 600, 400},
                 Case{200, 300, 200}, Case{100, 150, 100}, Case{1, 150, 100}}) {
    absl::StatusOr<Image> image = DecodeImage(bytes, {}, c.min_side);
    ASSERT_TRUE(image.ok()) << image.status();
    EXPECT_EQ(image->width, c.width) << "min_side " << c.min_side;
    EXPECT_EQ(image->height, c.height) << "min_side " << c.min_side;
    ExpectQuarters(*image, kRed, kGreen, kBlue, kYellow, 4);
  }
}

TEST(ProbeImage, TellsTheFormat) {
  EXPECT_EQ(ProbeImage(Fixture("plain.jpg"))->format, ImageFormat::kJpeg);
  EXPECT_EQ(ProbeImage(Fixture("plain.png"))->format, ImageFormat::kPng);
  EXPECT_EQ(ProbeImage(Fixture("lossy.webp"))->format, ImageFormat::kWebp);
}

TEST(CropImage, CutsTheRegion) {
  Image image = Quarters(100, 60);
  absl::StatusOr<Image> crop = CropImage(image, 0.5f, 0, 1, 0.5f);
  ASSERT_TRUE(crop.ok()) << crop.status();
  EXPECT_EQ(crop->width, 50);
  EXPECT_EQ(crop->height, 30);
  ExpectQuarters(*crop, kGreen, kGreen, kGreen, kGreen, 0);
  EXPECT_EQ(CropImage(image, 0, 0, 1, 1)->rgb, image.rgb);
}

TEST(CropImage, RefusesWhatIsNoRegion) {
  Image image = Quarters(100, 60);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float regions[][4] = {{-0.1f, 0, 1, 1},   {0, 0, 1.1f, 1},
                              {0.5f, 0, 0.5f, 1}, {0.6f, 0, 0.5f, 1},
                              {0, 0, 0.001f, 1},  {nan, 0, 1, 1},
                              {0, 0, 1, nan}};
  for (const auto& r : regions) {
    absl::StatusOr<Image> crop = CropImage(image, r[0], r[1], r[2], r[3]);
    ASSERT_FALSE(crop.ok());
    v1::Error error = ErrorOf(crop.status());
    EXPECT_EQ(error.reason(), v1::ERROR_REASON_INVALID_PARAMETER);
    EXPECT_EQ(error.field(), "region");
  }
}

Image Square(const Image& image, ResizeMode mode, int size) {
  return Image{size, size, SquareImage(image, mode, size)};
}

TEST(SquareImage, SquashKeepsAllOfThePicture) {
  ExpectQuarters(Square(Quarters(400, 200), ResizeMode::kSquash, 64), kRed,
                 kGreen, kBlue, kYellow, 0);
}

TEST(SquareImage, LetterboxBordersWithWhite) {
  Image square = Square(Quarters(400, 200), ResizeMode::kLetterbox, 64);
  ExpectNear(PixelAt(square, .5, .1), kWhite, 0, "above");
  ExpectNear(PixelAt(square, .5, .9), kWhite, 0, "below");
  ExpectNear(PixelAt(square, .25, .4), kRed, 0, "inside");
  ExpectNear(PixelAt(square, .75, .6), kYellow, 0, "inside");
}

TEST(SquareImage, CropKeepsTheMiddle) {
  // Of 400 × 200 the middle 200 × 200: its halves change at its middle.
  Image wide = Quarters(400, 200);
  for (int y = 0; y < 200; ++y) {
    for (int x = 0; x < 400; ++x) {
      if (x >= 100 && x < 300) continue;
      uint8_t* pixel = &wide.rgb[(size_t(y) * 400 + x) * 3];
      pixel[0] = pixel[1] = pixel[2] = 0;
    }
  }
  Image square = Square(wide, ResizeMode::kCrop, 64);
  ExpectQuarters(square, kRed, kGreen, kBlue, kYellow, 0);
  ExpectNear(PixelAt(square, 0, 0), kRed, 0, "corner");
  ExpectNear(PixelAt(square, .999, .999), kYellow, 0, "corner");
}

TEST(SquareImage, AveragesAreasWhereItShrinks) {
  // Columns of black and white: nearest or bilinear would pick one of them.
  Image stripes{256, 256, {}};
  for (int i = 0; i < 256 * 256; ++i) {
    stripes.rgb.insert(stripes.rgb.end(), 3, i % 2 ? 255 : 0);
  }
  for (uint8_t value : SquareImage(stripes, ResizeMode::kSquash, 32)) {
    ASSERT_NEAR(value, 128, 1);
  }
}

TEST(SquareImage, TakesExtremeShapes) {
  for (ResizeMode mode :
       {ResizeMode::kSquash, ResizeMode::kLetterbox, ResizeMode::kCrop}) {
    for (auto [width, height] :
         {std::pair{1, 1}, {1, 60000}, {60000, 1}, {3, 2}}) {
      Image image{width, height,
                  std::vector<uint8_t>(size_t(width) * height * 3, 7)};
      Image square = Square(image, mode, 32);
      ASSERT_EQ(square.rgb.size(), 32u * 32 * 3);
      // The letterbox leaves one line of a hair line, just before the middle.
      ExpectNear(PixelAt(square, .49, .49), {7, 7, 7}, 0, "middle");
    }
  }
}

TEST(EncodeThumbnail, FitsAndKeepsProportions) {
  absl::StatusOr<std::string> bytes = EncodeThumbnail(Quarters(400, 533));
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  absl::StatusOr<Image> small = DecodeImage(*bytes);
  ASSERT_TRUE(small.ok()) << small.status();
  EXPECT_EQ(small->width, 192);
  EXPECT_EQ(small->height, 256);
  ExpectQuarters(*small, kRed, kGreen, kBlue, kYellow, 6);
}

TEST(EncodeThumbnail, KeepsASmallPicture) {
  absl::StatusOr<ImageInfo> info =
      ProbeImage(*EncodeThumbnail(Quarters(40, 30)));
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->width, 40);
  EXPECT_EQ(info->height, 30);
}

TEST(EncodeThumbnail, TakesAHairLine) {
  absl::StatusOr<ImageInfo> info =
      ProbeImage(*EncodeThumbnail(Quarters(6000, 2)));
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->width, 256);
  EXPECT_EQ(info->height, 1);
}

TEST(DecodeImage, ReadsRealPhotos) {
  auto dataset = testing::ClothingDataset();
  if (!dataset) GTEST_SKIP() << "the real photos are not here";
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(*dataset / "images")) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  // VITRINE_EVERY_PHOTO=1 reads all 3,890.
  const size_t step = std::getenv("VITRINE_EVERY_PHOTO") ? 1 : 25;
  for (size_t i = 0; i < paths.size(); i += step) {
    absl::StatusOr<Image> image = DecodeImage(testing::ReadAll(paths[i]));
    EXPECT_TRUE(image.ok()) << paths[i] << ": " << image.status();
  }
}

}  // namespace
}  // namespace vitrine
