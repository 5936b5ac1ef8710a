// Catalogues that change, break, go away and come back under the reader.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/catalog_fixture.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;
using Strings = std::vector<std::string>;

class RecoveryCatalog : public testing::CatalogFixture {};

TEST_F(RecoveryCatalog, AScanReadsAChangedTable) {
  Write("styles.csv", "id,label\n1,Hat\n");
  Write("images/1.jpg");
  Write("images/2_7.jpg");
  Open();
  Scan();
  EXPECT_EQ(listing_.pictures[1].product_id, "2_7");
  Write("styles.csv", "id,label\n1,Cap\n2,Shoes\n");
  Scan();
  EXPECT_EQ(Describe("1").category(), "Cap");
  EXPECT_EQ(listing_.pictures[1].product_id, "2");
  EXPECT_TRUE(listing_.problems.empty());
}

TEST_F(RecoveryCatalog, ATableThatGoesOrBreaksStaysInUse) {
  Write("styles.csv", "id,label\n1,Hat\n");
  Write("images/1.jpg");
  Open();
  Scan();
  fs::remove(dir_ / "styles.csv");
  Scan();
  EXPECT_EQ(Products(), Strings{"images/1.jpg → 1"});
  EXPECT_EQ(Describe("1").category(), "Hat");
  EXPECT_EQ(Problems(ProblemKind::kUnreadable).size(), 1u);
  Write("styles.csv", "");
  Scan();
  EXPECT_EQ(Describe("1").category(), "Hat");
  EXPECT_EQ(Problems(ProblemKind::kUnreadable).size(), 1u);
  Write("styles.csv", "id,label\n1,Shoes\n");
  Scan();
  EXPECT_EQ(Describe("1").category(), "Shoes");
  EXPECT_TRUE(listing_.problems.empty());
}

TEST_F(RecoveryCatalog, WhatIsBeingWrittenIsLeftAsItWas) {
  Write("styles.csv", "id,label\n1,Hat\n");
  Write("images/1.jpg");
  Write("images/1.json", "{\"title\": \"old\"}");
  Open();
  Scan();
  Write("styles.csv", "id,label\n");
  Write("images/1.json", "{\"tit");
  Strings asked;
  bool settled = false;
  auto ask = [&](const std::string& path, const FileVersion&) {
    asked.push_back(path);
    return settled;
  };
  ASSERT_TRUE(catalog_->Scan(ask).ok());
  EXPECT_EQ(asked, (Strings{"styles.csv", "images/1.json"}));
  EXPECT_EQ(Describe("1").category(), "Hat");
  EXPECT_EQ(Describe("1").title(), "old");
  settled = true;
  ASSERT_TRUE(catalog_->Scan(ask).ok());
  EXPECT_EQ(Describe("1").category(), "");
  EXPECT_EQ(Describe("1").title(), "");
}

TEST_F(RecoveryCatalog, ATableThatComesLaterIsTakenUp) {
  Open();
  Scan();
  Write("images/1.jpg");
  Scan();
  EXPECT_EQ(Products(), Strings{"images/1.jpg → images/1"});
  Write("styles.csv", "id,label\n1,Hat\n");
  Scan();
  EXPECT_EQ(catalog_->layout(), Layout::kFashion);
  EXPECT_EQ(Products(), Strings{"images/1.jpg → 1"});
}

TEST_F(RecoveryCatalog, AMissingRootIsAnOutage) {
  Write("a/1.jpg");
  Open();
  Scan();
  fs::rename(dir_.path(), dir_.path().string() + ".away");
  EXPECT_EQ(catalog_->Scan().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Catalog::Open({.root = dir_.path()}).status().code(),
            absl::StatusCode::kNotFound);
  // What an unmounted volume leaves: an empty folder under the same name.
  fs::create_directory(dir_.path());
  const auto empty = catalog_->Scan();
  EXPECT_EQ(empty.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(empty.status().message()).find("mounted"),
            std::string::npos);
  // The same holds after a restart that remembers the root.
  auto restarted = Catalog::Open(
      {.root = dir_.path(), .root_identity = catalog_->root_identity()});
  ASSERT_TRUE(restarted.ok());
  EXPECT_EQ((*restarted)->Scan().status().code(),
            absl::StatusCode::kUnavailable);
  fs::remove(dir_.path());
  fs::rename(dir_.path().string() + ".away", dir_.path());
  Scan();
  EXPECT_EQ(listing_.pictures.size(), 1u);
}

TEST_F(RecoveryCatalog, AnEmptiedRootIsNoOutage) {
  Write("1.jpg");
  Open();
  Scan();
  fs::remove(dir_ / "1.jpg");
  Scan();
  EXPECT_TRUE(listing_.pictures.empty());
}

}  // namespace
}  // namespace vitrine
