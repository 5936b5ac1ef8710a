// Catalogues and options that are wrong, and files that reach for more than
// is theirs.
#include <gtest/gtest.h>

#include <filesystem>

#include "common/base/status.h"
#include "tests/catalog_fixture.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;
using Strings = std::vector<std::string>;

class BadInputCatalog : public testing::CatalogFixture {};

TEST_F(BadInputCatalog, LinesMayNamePicturesThroughLinkedFolders) {
  TempDir outside;
  testing::WriteAll(outside / "x.jpg", "x");
  Write("real/1.jpg");
  fs::create_symlink("real", dir_ / "link");
  fs::create_symlink(outside.path(), dir_ / "out");
  Write("products.jsonl",
        R"({"id":"A","images":["link/1.jpg","out/x.jpg","../y.jpg"]})");
  Open();
  Scan();
  EXPECT_EQ(Products(), Strings{"real/1.jpg → A"});
  // The folder that leads out, the picture behind it, and the "..".
  EXPECT_EQ(Problems(ProblemKind::kPathEscapes).size(), 3u);
}

TEST_F(BadInputCatalog, PointsToATableInASubfolder) {
  Write("fashion-dataset/styles.csv", "id\n1\n");
  Write("fashion-dataset/images/1.jpg");
  Open();
  Scan();
  const auto problems = Problems(ProblemKind::kTableInSubfolder);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].message.find(dir_ / "fashion-dataset"),
            std::string::npos);
}

TEST_F(BadInputCatalog, ABadSidecarIsReportedAndThePictureRead) {
  Write("1.jpg");
  Write("1.jpg.json", "{oops");
  Write("2.jpg");
  Write("2.json", R"({"attributes":{"ok":true,"bad":{"a":1}}})");
  Write("package.json", R"({"name":"not a side-car"})");
  Open();
  Scan();
  EXPECT_EQ(listing_.pictures.size(), 2u);
  const auto problems = Problems(ProblemKind::kBadSidecar);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].path, "1.jpg.json");
  EXPECT_NE(problems[1].message.find("\"bad\""), std::string::npos);
  EXPECT_TRUE(Describe("2").attributes().at("ok").flag());
}

TEST_F(BadInputCatalog, ASidecarCannotBeALinkOutOfTheCatalogue) {
  TempDir outside;
  testing::WriteAll(outside / "secret", R"({"title":"secret"})");
  Write("1.jpg");
  fs::create_symlink(outside / "secret", dir_ / "1.jpg.json");
  Open();
  Scan();
  EXPECT_EQ(Describe("1").title(), "");
  EXPECT_EQ(Problems(ProblemKind::kPathEscapes).size(), 1u);
}

TEST_F(BadInputCatalog, ResolvesNothingThatAScanWouldNotList) {
  TempDir outside;
  testing::WriteAll(outside / "x.jpg", "x");
  fs::create_symlink(outside / "x.jpg", dir_ / "out.jpg");
  fs::create_directories(dir_ / "folder.jpg");
  Write("a.jpg.part");
  Write("styles.md");
  Write("index/LOCK");
  Write("index/manifests/1.pb");
  Write("index/shards/1");
  Write("ok.jpg");
  Open({.layout = Layout::kPlain});
  CatalogProblems problems;
  for (const char* path : {"none.jpg", "folder.jpg", "a.jpg.part", "styles.md",
                           "index/shards/1", "../x.jpg"}) {
    EXPECT_FALSE(catalog_->Resolve(path, &problems)) << path;
  }
  // As a scan lists it, so that it can be refused.
  EXPECT_TRUE(catalog_->Resolve("out.jpg", &problems));
  EXPECT_TRUE(catalog_->Resolve("ok.jpg", &problems));
}

TEST_F(BadInputCatalog, RefusesOptionsThatDoNotFit) {
  Write("d/1.jpg");
  const struct {
    CatalogOptions options;
    const char* says;
  } cases[] = {
      {{.layout = Layout::kFashion}, "styles.csv"},
      {{.layout = Layout::kJsonl}, "products.jsonl"},
      {{.category_attribute = "label"}, "label"},
      {{.layout = Layout::kPlain, .category_attribute = "x"}, "styles.csv"},
      {{.product_pattern = "SKU(["}, "SKU(["},
      {{.product_pattern = "SKU"}, "parentheses"},
  };
  for (const auto& c : cases) {
    const absl::Status status = OpenError(c.options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.says;
    EXPECT_NE(std::string(status.message()).find(c.says), std::string::npos)
        << status;
  }
  EXPECT_FALSE(ParseLayout("wardrobe").ok());
  EXPECT_EQ(*ParseLayout("jsonl"), Layout::kJsonl);
  EXPECT_EQ(LayoutName(Layout::kClothing), "clothing");
}

TEST_F(BadInputCatalog, ReadsPicturesOfItsOwnAlone) {
  TempDir outside;
  testing::WriteAll(outside / "x.jpg", "x");
  Write("1.jpg", "own");
  Open();
  Scan();
  EXPECT_EQ(*catalog_->ReadPicture("1.jpg", 100), "own");
  fs::remove(dir_ / "1.jpg");
  fs::create_symlink(outside / "x.jpg", dir_ / "1.jpg");
  EXPECT_EQ(catalog_->ReadPicture("1.jpg", 100).status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(BadInputCatalog, SaysWhyAPictureCannotBeRead) {
  Write("1.jpg", "own");
  Open();
  const auto refusal = [this](std::string_view path, uint64_t max_bytes) {
    return ReadRefusal(catalog_->ReadPicture(path, max_bytes).status(), path,
                       max_bytes);
  };
  const v1::Error large = ErrorOf(refusal("1.jpg", 2));
  EXPECT_EQ(large.reason(), v1::ERROR_REASON_IMAGE_TOO_LARGE);
  EXPECT_EQ(large.limit(), 2);
  EXPECT_NE(large.message().find("1.jpg has 3 bytes"), std::string::npos);
  fs::create_directory(dir_ / "2.jpg");
  EXPECT_EQ(ErrorOf(refusal("2.jpg", 9)).reason(),
            v1::ERROR_REASON_IMAGE_UNREADABLE);
  EXPECT_NE(
      ErrorOf(refusal("2.jpg", 9)).message().find("put the picture itself"),
      std::string::npos);
  EXPECT_EQ(refusal("3.jpg", 9).code(), absl::StatusCode::kNotFound);
  TempDir outside;
  testing::WriteAll(outside / "x.jpg", "x");
  fs::create_symlink(outside / "x.jpg", dir_ / "4.jpg");
  const v1::Error escapes = ErrorOf(refusal("4.jpg", 9));
  EXPECT_EQ(escapes.reason(), v1::ERROR_REASON_IMAGE_UNREADABLE);
  EXPECT_EQ(escapes.message(), "4.jpg leads out of the catalogue, to " +
                                   fs::canonical(outside.path()).string() +
                                   "/x.jpg; put the file itself below " +
                                   fs::canonical(dir_.path()).string());
}

TEST_F(BadInputCatalog, LeavesOutPicturesWhoseIdWouldBeTooLong) {
  std::string folder;
  for (int i = 0; i < 6; ++i) folder += std::string(200, 'f') + "/";
  Write(folder + "1.jpg");
  Write("2.jpg");
  Open({.layout = Layout::kPlain});
  Scan();
  EXPECT_EQ(listing_.pictures.size(), 1u);
  EXPECT_EQ(Problems(ProblemKind::kNameTooLong).size(), 1u);
}

}  // namespace
}  // namespace vitrine
