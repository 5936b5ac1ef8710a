// Files in a catalogue that are built to hurt, or reach for more than is
// theirs: each gets a receipt, and the others are indexed.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/indexer_world.h"
#include "tests/test_util/bombs.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using testing::IndexerWorld;
using testing::JpegOf;
using testing::RunningIndexer;

std::string NameOf(v1::ErrorReason reason) {
  return v1::ErrorReason_Name(reason).substr(
      std::string("ERROR_REASON_").size());
}

TEST(BadInputFiles, PicturesThatAreBuiltToHurtStopNothing) {
  IndexerWorld world;
  const std::vector<testing::Bomb> bombs = testing::Bombs();
  for (size_t i = 0; i < bombs.size(); ++i) {
    world.Put(std::to_string(i), bombs[i].bytes);
  }
  world.Put("good.jpg", 1);
  ASSERT_TRUE(world.Once().ok());
  for (size_t i = 0; i < bombs.size(); ++i) {
    const nlohmann::json receipt = world.ReceiptOf(std::to_string(i));
    if (bombs[i].reason == v1::ERROR_REASON_UNSPECIFIED) {
      EXPECT_EQ(receipt["outcome"], "accepted") << bombs[i].name;
    } else {
      EXPECT_EQ(receipt["outcome"], "refused") << bombs[i].name;
      EXPECT_EQ(receipt["reason"], NameOf(bombs[i].reason)) << bombs[i].name;
    }
  }
  EXPECT_EQ(world.ReceiptOf("good.jpg")["outcome"], "accepted");
}

TEST(BadInputFiles, ALinkOutOfTheCatalogueIsRefusedWithTheReason) {
  IndexerWorld world;
  testing::WriteAll(world.root() / "secret.jpg", JpegOf(7));
  world.Put("a.jpg", 1);
  world.Put("b.jpg", 2);
  fs::create_symlink(world.root() / "secret.jpg", world.catalog() / "c.jpg");
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products(), (std::set<std::string>{"a", "b"}));
  nlohmann::json receipt = world.ReceiptOf("c.jpg");
  EXPECT_EQ(receipt["outcome"], "refused");
  EXPECT_EQ(receipt["reason"], "IMAGE_UNREADABLE");
  const std::string message = receipt["message"];
  EXPECT_EQ(message, "c.jpg leads out of the catalogue, to " +
                         fs::canonical(world.root() / "secret.jpg").string() +
                         "; put the file itself below " +
                         fs::canonical(world.catalog()).string());
  // Once.
  const size_t receipts = world.Receipts().size();
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Receipts().size(), receipts);
}

TEST(BadInputFiles, ALinkThatTakesAPicturesPlaceTakesItAway) {
  IndexerWorld world;
  testing::WriteAll(world.root() / "secret.jpg", JpegOf(7));
  world.Put("a.jpg", 1);
  world.Put("b.jpg", 2);
  {
    RunningIndexer indexer(&world);
    ASSERT_TRUE(indexer.UntilProducts({"a", "b"}));
    fs::create_symlink(world.root() / "secret.jpg", world.root() / "link");
    fs::rename(world.root() / "link", world.catalog() / "a.jpg");
    ASSERT_TRUE(indexer.UntilProducts({"b"}));
    const uint64_t generation = world.Newest()->generation();
    fs::create_symlink(world.root() / "secret.jpg", world.catalog() / "c.jpg");
    ASSERT_TRUE(indexer.Until(
        [&] { return world.Newest()->generation() > generation; }));
  }
  EXPECT_EQ(world.Products(), std::set<std::string>{"b"});
  EXPECT_EQ(world.ReceiptOf("a.jpg")["reason"], "IMAGE_UNREADABLE");
  EXPECT_EQ(world.ReceiptOf("c.jpg")["reason"], "IMAGE_UNREADABLE");
  // The picture itself may come after all.
  fs::remove(world.catalog() / "c.jpg");
  world.Put("c.jpg", 3);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products(), (std::set<std::string>{"b", "c"}));
}

TEST(BadInputFiles, WhatIsNoFileHoldsNothingUp) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  for (const char* name : {"pipe.jpg", "a.jpg.json", "images.csv"}) {
    ASSERT_EQ(::mkfifo((world.catalog() / name).c_str(), 0600), 0);
  }
  fs::create_symlink("pipe.jpg", world.catalog() / "link.jpg");
  fs::create_symlink("/dev/zero", world.catalog() / "zero.jpg");
  // A table that cannot be read is told of at once …
  EXPECT_NE(world.Once().message().find("images.csv is not a regular file"),
            absl::string_view::npos);
  fs::remove(world.catalog() / "images.csv");
  // … and the others are none.
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products(), std::set<std::string>{"a"});
  EXPECT_EQ(world.ReceiptOf("zero.jpg")["reason"], "IMAGE_UNREADABLE");
}

}  // namespace
}  // namespace vitrine
