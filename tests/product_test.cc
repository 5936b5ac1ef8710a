#include "clients/pictures/product.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <opencv2/imgproc.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace vitrine {
namespace {

constexpr uint64_t kSeed = 7;

// A grid of 12 × 16 mean colours, each 0 … 255.
cv::Mat Small(const cv::Mat& picture) {
  cv::Mat small;
  cv::resize(picture, small, {12, 16}, 0, 0, cv::INTER_AREA);
  return small;
}

// The middle colour of the garment's pixels.
Rgb GarmentColour(const Picture& picture) {
  std::vector<uint8_t> channels[3];
  for (int y = 0; y < picture.pixels.rows; ++y) {
    for (int x = 0; x < picture.pixels.cols; ++x) {
      if (picture.coverage.at<uint8_t>(y, x) < 250) continue;
      const auto& pixel = picture.pixels.at<cv::Vec3b>(y, x);
      for (int c = 0; c < 3; ++c) channels[c].push_back(pixel[c]);
    }
  }
  auto middle = [](std::vector<uint8_t>& values) -> int {
    auto at = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), at, values.end());
    return *at;
  };
  return {middle(channels[2]), middle(channels[1]), middle(channels[0])};
}

TEST(DescribeProduct, DependsOnSeedAndIdAlone) {
  const std::string row = StylesRow(DescribeProduct(kSeed, 40));
  for (uint64_t id = 1; id < 60; ++id) DescribeProduct(kSeed, id);
  EXPECT_EQ(StylesRow(DescribeProduct(kSeed, 40)), row);
  EXPECT_NE(StylesRow(DescribeProduct(kSeed + 1, 40)), row);
  EXPECT_NE(StylesRow(DescribeProduct(kSeed, 41)), row);
}

TEST(DescribeProduct, CoversCategoriesColoursAndPatterns) {
  std::set<std::string> kinds, colours, patterns;
  int further = 0, with_commas = 0;
  for (uint64_t id = 1; id <= 1000; ++id) {
    const SampleProduct p = DescribeProduct(kSeed, id);
    kinds.insert(std::string(p.kind->article_type));
    colours.insert(p.base_colour);
    patterns.insert(std::string(PatternName(p.pattern)));
    further += p.pictures > 1;
    with_commas += p.display_name.find(',') != std::string::npos;
  }
  EXPECT_EQ(kinds.size(), GarmentKinds().size());
  EXPECT_GE(kinds.size(), 12u);
  EXPECT_GE(colours.size(), 25u);
  EXPECT_THAT(patterns, ::testing::ElementsAre("Checked", "Dotted", "Printed",
                                               "Solid", "Striped"));
  EXPECT_GT(further, 100);
  EXPECT_GT(with_commas, 20);
}

TEST(GarmentKinds, NameColoursOfThePalette) {
  for (const GarmentKind& kind : GarmentKinds()) {
    for (const std::string_view colour : kind.colours) {
      EXPECT_EQ(ColourNamed(colour).name, colour) << kind.article_type;
    }
  }
}

TEST(StylesRow, HasTheColumnsOfTheHeaderBeforeTheName) {
  auto fields = [](const std::string& line) {
    return std::count(line.begin(), line.end(), ',') + 1;
  };
  const auto columns = fields(StylesHeader());
  for (uint64_t id = 1; id <= 500; ++id) {
    const SampleProduct p = DescribeProduct(kSeed, id);
    const std::string row = StylesRow(p);
    EXPECT_EQ(fields(row), columns - 1 + fields(p.display_name)) << row;
    EXPECT_TRUE(row.ends_with("," + p.display_name)) << row;
    EXPECT_TRUE(row.starts_with(std::to_string(id) + ",")) << row;
    EXPECT_EQ(row.find_first_of("\"\n"), std::string::npos) << row;
  }
}

TEST(DrawProduct, GivesTheSamePixelsOnAUsedBoard) {
  Board used;
  for (uint64_t id = 1; id <= 60; ++id) {
    const SampleProduct p = DescribeProduct(kSeed, id);
    const Picture again = DrawProduct(p, 0, used);
    Board fresh;
    const Picture first = DrawProduct(p, 0, fresh);
    EXPECT_EQ(cv::norm(first.pixels, again.pixels, cv::NORM_INF), 0) << id;
  }
}

TEST(DrawProduct, FillsTheFrameWithoutLeavingIt) {
  Board board;
  for (uint64_t id = 1; id <= 120; ++id) {
    const SampleProduct p = DescribeProduct(kSeed, id);
    const Picture picture = DrawProduct(p, 0, board);
    ASSERT_EQ(picture.pixels.cols, kPictureWidth);
    ASSERT_EQ(picture.pixels.rows, kPictureHeight);
    const cv::Mat& c = picture.coverage;
    EXPECT_GT(cv::countNonZero(c), c.total() / 40) << id << p.display_name;
    const int cut = cv::countNonZero(c.row(0)) + cv::countNonZero(c.col(0)) +
                    cv::countNonZero(c.row(c.rows - 1)) +
                    cv::countNonZero(c.col(c.cols - 1));
    EXPECT_EQ(cut, 0) << id << " " << p.display_name;
  }
}

TEST(DrawProduct, ShowsTheColourThatTheTableNames) {
  // Where one cloth makes up the garment.
  const std::set<std::string_view> kinds = {"Tshirts", "Shirts",   "Sweaters",
                                            "Dresses", "Trousers", "Skirts",
                                            "Coats",   "Shorts"};
  Board board;
  int seen = 0, near = 0;
  for (uint64_t id = 1; seen < 60; ++id) {
    const SampleProduct p = DescribeProduct(kSeed, id);
    if (p.pattern != Pattern::kSolid || !kinds.contains(p.kind->article_type)) {
      continue;
    }
    ++seen;
    const Rgb colour = GarmentColour(DrawProduct(p, 0, board));
    const double distance =
        ColourDistance(colour, ColourNamed(p.base_colour).rgb);
    EXPECT_LT(distance, 130) << id << " " << p.display_name;
    // Light changes a colour, but seldom into another one's neighbourhood.
    int closer = 0;
    for (const NamedColour& other : Palette()) {
      closer += ColourDistance(colour, other.rgb) < distance;
    }
    near += closer <= 2;
  }
  EXPECT_GE(near, seen * 9 / 10);
}

TEST(DrawProduct, TellsProductsApartAndPicturesOfOneToo) {
  Board board;
  std::vector<cv::Mat> seen;
  for (uint64_t id = 1; id <= 60; ++id) {
    const SampleProduct p = DescribeProduct(kSeed, id);
    for (int n = 0; n < p.pictures; ++n) {
      seen.push_back(Small(DrawProduct(p, n, board).pixels));
    }
  }
  for (size_t a = 0; a < seen.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      const double mean = cv::norm(seen[a], seen[b], cv::NORM_L1) /
                          static_cast<double>(seen[a].total() * 3);
      EXPECT_GT(mean, 3) << a << " and " << b;
    }
  }
}

TEST(PictureName, NumbersFurtherPicturesFromTwo) {
  const SampleProduct p = DescribeProduct(kSeed, 1163);
  EXPECT_EQ(PictureName(p, 0), "1163.jpg");
  EXPECT_EQ(PictureName(p, 1), "1163_2.jpg");
  EXPECT_EQ(PictureName(p, 2), "1163_3.jpg");
}

}  // namespace
}  // namespace vitrine
