#include "clients/pictures/sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "common/catalog/catalog.h"
#include "common/image/image.h"
#include "tests/test_util.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

SampleOptions Options(const fs::path& out, int64_t products) {
  SampleOptions options;
  options.out = out;
  options.products = products;
  options.seed = 7;
  return options;
}

// Every file below `root` but the marker, with its bytes.
std::map<std::string, std::string> Files(const fs::path& root) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string name = fs::relative(entry.path(), root).string();
    if (entry.is_regular_file() && name != ".vitrine-sample") {
      files[name] = testing::ReadAll(entry.path());
    }
  }
  return files;
}

TEST(WriteSample, IsTheSameByteForByteOnAnyNumberOfThreads) {
  testing::TempDir dir;
  SampleOptions one = Options(dir / "one", 12),
                many = Options(dir / "many", 12);
  one.threads = 1;
  many.threads = 5;
  ASSERT_TRUE(WriteSample(one).ok());
  ASSERT_TRUE(WriteSample(many).ok());
  EXPECT_EQ(Files(one.out), Files(many.out));
}

TEST(WriteSample, SmallOnesBeginLargeOnes) {
  testing::TempDir dir;
  ASSERT_TRUE(WriteSample(Options(dir / "small", 5)).ok());
  ASSERT_TRUE(WriteSample(Options(dir / "large", 9)).ok());
  const auto small = Files(dir / "small"), large = Files(dir / "large");
  EXPECT_LT(small.size(), large.size());
  for (const auto& [name, bytes] : small) {
    ASSERT_TRUE(large.contains(name)) << name;
    EXPECT_TRUE(large.at(name).starts_with(bytes)) << name;
  }
}

TEST(WriteSample, StartGoesOnWhereAnotherEnds) {
  testing::TempDir dir;
  ASSERT_TRUE(WriteSample(Options(dir / "all", 9)).ok());
  SampleOptions rest = Options(dir / "rest", 3);
  rest.first_id = 7;
  ASSERT_TRUE(WriteSample(rest).ok());
  const auto all = Files(dir / "all");
  for (const auto& [name, bytes] : Files(rest.out)) {
    if (name == "styles.csv") continue;
    ASSERT_TRUE(all.contains(name)) << name;
    EXPECT_EQ(all.at(name), bytes) << name;
  }
}

TEST(WriteSample, IsReadAsAFashionCatalogueWithNothingMissing) {
  testing::TempDir dir;
  const auto report = WriteSample(Options(dir / "s", 40));
  ASSERT_TRUE(report.ok()) << report.status();
  auto catalog = Catalog::Open({.root = dir / "s"});
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_EQ((*catalog)->layout(), Layout::kFashion);
  EXPECT_EQ((*catalog)->category_attribute(), "articleType");
  EXPECT_EQ((*catalog)->rows(), 40u);
  const auto listing = (*catalog)->Scan();
  ASSERT_TRUE(listing.ok()) << listing.status();
  EXPECT_TRUE(listing->problems.empty()) << listing->problems.front().message;
  EXPECT_EQ(static_cast<int64_t>(listing->pictures.size()), report->pictures);
  std::set<std::string> products;
  for (const CatalogPicture& picture : listing->pictures) {
    products.insert(picture.product_id);
    const auto bytes = (*catalog)->ReadPicture(picture.path, 1 << 20);
    ASSERT_TRUE(bytes.ok());
    const auto image = DecodeImage(*bytes);
    ASSERT_TRUE(image.ok()) << image.status();
    EXPECT_EQ(image->width, 360);
    EXPECT_EQ(image->height, 480);
  }
  EXPECT_EQ(products.size(), 40u);
}

TEST(WriteSample, GoesOnWhereItWasStoppedAndGrows) {
  testing::TempDir dir;
  ASSERT_TRUE(WriteSample(Options(dir / "s", 6)).ok());
  const auto before = Files(dir / "s");
  fs::remove(dir / "s/images/3.jpg");
  testing::WriteAll(dir / "s/images/4.jpg", "");
  const auto again = WriteSample(Options(dir / "s", 6));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->drawn, 2);
  EXPECT_EQ(Files(dir / "s"), before);
  const auto grown = WriteSample(Options(dir / "s", 8));
  ASSERT_TRUE(grown.ok()) << grown.status();
  EXPECT_EQ(grown->pictures - grown->drawn, again->pictures);
}

TEST(WriteSample, TouchesNoFolderThatIsNotASample) {
  testing::TempDir dir;
  testing::WriteAll(dir / "holiday.jpg", "mine");
  const auto report = WriteSample(Options(dir.path(), 3));
  EXPECT_EQ(report.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(
      std::string(report.status().message()),
      ::testing::AllOf(HasSubstr(dir.path().string()), HasSubstr("holiday.jpg"),
                       HasSubstr("empty or new folder")));
  EXPECT_EQ(Files(dir.path()).size(), 1u);
}

TEST(WriteSample, RefusesAnotherSampleInItsPlace) {
  testing::TempDir dir;
  ASSERT_TRUE(WriteSample(Options(dir / "s", 4)).ok());
  SampleOptions other = Options(dir / "s", 4);
  other.seed = 8;
  EXPECT_THAT(std::string(WriteSample(other).status().message()),
              HasSubstr("holds 4 products drawn with --seed=7"));
  EXPECT_EQ(WriteSample(Options(dir / "s", 3)).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(WriteSample, RefusesNumbersOutOfRange) {
  testing::TempDir dir;
  for (const int64_t products : {int64_t{0}, int64_t{-1}, kMaxProducts + 1}) {
    const auto report = WriteSample(Options(dir / "s", products));
    EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(report.status().message()),
                HasSubstr(std::to_string(products)));
  }
  EXPECT_FALSE(fs::exists(dir / "s"));
}

TEST(WriteSample, SaysWhereItCannotWrite) {
  testing::TempDir dir;
  testing::WriteAll(dir / "file", "x");
  const auto report = WriteSample(Options(dir / "file" / "s", 2));
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("file"));
}

}  // namespace
}  // namespace vitrine
