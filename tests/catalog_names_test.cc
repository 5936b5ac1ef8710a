#include "common/catalog/catalog_names.h"

#include <gtest/gtest.h>

#include <random>

#include "common/base/utf8.h"

namespace vitrine {
namespace {

TEST(CatalogNames, TellsRoles) {
  const struct {
    const char* path;
    NameRole role;
  } cases[] = {
      {"a.jpg", NameRole::kPicture},
      {"images/a.JPEG", NameRole::kPicture},
      {"images/a", NameRole::kPicture},
      {"images/a.heic", NameRole::kPicture},
      {"images/a.zip", NameRole::kPicture},
      {"images/notes.txt", NameRole::kPicture},
      {"readme.jpg", NameRole::kPicture},
      {"images/README.md", NameRole::kDocument},
      {"README", NameRole::kDocument},
      {"LICENSE.txt", NameRole::kDocument},
      {"styles.csv", NameRole::kDocument},
      {"sub/products.jsonl", NameRole::kDocument},
      {"a.jpg.json", NameRole::kJson},
      {"a.json", NameRole::kJson},
      {".hidden.jpg", NameRole::kIgnored},
      {"images/._a.jpg", NameRole::kIgnored},
      {".git/a.jpg", NameRole::kIgnored},
      {"images/.thumbs/a.jpg", NameRole::kIgnored},
      {"a.jpg.part", NameRole::kIgnored},
      {"a.TMP", NameRole::kIgnored},
      {"images/Thumbs.db", NameRole::kIgnored},
      {"__MACOSX/images/a.jpg", NameRole::kIgnored},
      {"", NameRole::kIgnored},
  };
  for (const auto& c : cases) EXPECT_EQ(RoleOfName(c.path), c.role) << c.path;
}

TEST(CatalogNames, TakesOffKnownEndingsOnly) {
  EXPECT_EQ(WithoutPictureEnding("a/b.JPG"), "a/b");
  EXPECT_EQ(WithoutPictureEnding("a/b.tar.gz"), "a/b.tar");
  EXPECT_EQ(WithoutPictureEnding("a/v1.2"), "a/v1.2");
  EXPECT_EQ(WithoutPictureEnding("a.jpg/b"), "a.jpg/b");
  EXPECT_EQ(WithoutPictureEnding("a/.jpg"), "a/.jpg");
}

TEST(CatalogNames, SplitsPaths) {
  EXPECT_EQ(FileName("a/b/c.jpg"), "c.jpg");
  EXPECT_EQ(Folder("a/b/c.jpg"), "a/b");
  EXPECT_EQ(FileName("c.jpg"), "c.jpg");
  EXPECT_EQ(Folder("c.jpg"), "");
  EXPECT_EQ(WithoutImagesFolder("Images/x/y.jpg"), "x/y.jpg");
  EXPECT_EQ(WithoutImagesFolder("x/images/y.jpg"), "x/images/y.jpg");
  EXPECT_EQ(WithoutImagesFolder("images"), "images");
}

TEST(CatalogNames, CleansPathsAndRefusesEscapes) {
  EXPECT_EQ(CleanPath("./a//b/./c.jpg"), "a/b/c.jpg");
  EXPECT_EQ(CleanPath("a.jpg"), "a.jpg");
  EXPECT_EQ(CleanPath("..a/b..jpg"), "..a/b..jpg");
  for (const char* bad : {"", ".", "/etc/passwd", "..", "../a", "a/../../b"}) {
    EXPECT_EQ(CleanPath(bad), std::nullopt) << bad;
  }
}

TEST(CatalogNames, LeavesOrdinaryPathsAsTheyAre) {
  for (const char* path : {"images/1163.jpg", "Robe d'été.jpg", "50%.jpg",
                           "50%2.jpg", "a%20b.jpg"}) {
    EXPECT_EQ(EscapePath(path), path);
  }
}

TEST(CatalogNames, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(EscapePath("caf\xE9.jpg"), "caf%E9.jpg");
  // What looks like an escape already stays apart from it.
  EXPECT_EQ(EscapePath("caf%E9.jpg"), "caf%25E9.jpg");
  EXPECT_EQ(UnescapePath("caf%E9.jpg"), "caf\xE9.jpg");
}

TEST(CatalogNames, EscapingCanAlwaysBeUndone) {
  std::mt19937 random(7);
  const std::string alphabet = "%2E9ea5/.\xC3\xA9\xFF\x80";
  for (int i = 0; i < 20000; ++i) {
    std::string bytes;
    for (int n = random() % 8; n >= 0; --n) {
      bytes += alphabet[random() % alphabet.size()];
    }
    const std::string path = EscapePath(bytes);
    ASSERT_TRUE(IsUtf8(path));
    ASSERT_EQ(UnescapePath(path), bytes) << path;
  }
}

}  // namespace
}  // namespace vitrine
