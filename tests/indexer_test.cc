#include "indexer/indexer.h"

#include <gtest/gtest.h>

#include "tests/indexer_world.h"

namespace vitrine {
namespace {

using testing::IndexerWorld;
using testing::JpegOf;

std::string Hex(int seed) { return ToHex(Sha256(JpegOf(seed))); }

using Rows = std::map<std::string, std::string>;

TEST(RunOnce, IndexesAStillCatalogue) {
  IndexerWorld world;
  world.Put("dresses/a.jpg", 1);
  world.Put("dresses/b.jpg", 2);
  world.Put("shoes/c.jpg", 3);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Indexed(), (Rows{{"dresses/a/dresses/a.jpg", Hex(1)},
                                   {"dresses/b/dresses/b.jpg", Hex(2)},
                                   {"shoes/c/shoes/c.jpg", Hex(3)}}));
  const auto snapshot = world.Newest();
  EXPECT_EQ(snapshot->FindProduct("shoes/c")->category(), "shoes");
  // Merges are settled.
  EXPECT_EQ(snapshot->shards().size(), 1u);
  const auto receipt = world.ReceiptOf("shoes/c.jpg");
  EXPECT_EQ(receipt["outcome"], "accepted");
  EXPECT_EQ(receipt["sha256"], Hex(3));
  EXPECT_EQ(receipt["product_id"], "shoes/c");
  EXPECT_GE(receipt["generation"], 2);
  // All of one form, in which earlier sorts before later.
  EXPECT_LE(receipt["arrived_at"], receipt["time"]);
  EXPECT_LE(receipt["time"], receipt["searchable_at"]);
}

TEST(RunOnce, StoresTheVectorsAndThumbnailsOfTheModel) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  ASSERT_TRUE(world.Once().ok());
  const auto snapshot = world.Newest();
  const auto model = LoadFakeEmbedder(world.root() / "bundle.pt");
  ASSERT_TRUE(model.ok());
  const ModelCard& card = (*model)->card();
  const auto image = DecodeImage(JpegOf(1), {}, DecodeMinSide(card.input_size));
  ASSERT_TRUE(image.ok());
  const auto pixels = SquareImage(*image, card.resize, card.input_size);
  std::vector<float> expected(static_cast<size_t>(card.dim()));
  ASSERT_TRUE((*model)->Embed(pixels.data(), 1, expected.data()).ok());
  NormaliseBlocks(card.blocks, expected.data());
  int rows = 0;
  snapshot->ForEachRowOf("a", [&](const Shard& shard, uint32_t row) {
    ++rows;
    std::vector<float> stored(expected.size());
    FloatsFromHalves(shard.vector(row), stored.size(), stored.data());
    for (size_t i = 0; i < stored.size(); ++i) {
      EXPECT_NEAR(stored[i], expected[i], 1e-3) << i;
    }
    const auto thumbnail =
        DecodeImage(snapshot->FindThumbnail(shard.key(row).sha256));
    ASSERT_TRUE(thumbnail.ok()) << thumbnail.status();
    EXPECT_EQ(thumbnail->width, 48);
  });
  EXPECT_EQ(rows, 1);
}

TEST(RunOnce, ChangesNothingOnAnUnchangedCatalogue) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  world.Write("b.jpg", "no picture");
  ASSERT_TRUE(world.Once().ok());
  const uint64_t generation = world.Newest()->generation();
  const size_t receipts = world.Receipts().size();
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Newest()->generation(), generation);
  EXPECT_EQ(world.Receipts().size(), receipts);
  EXPECT_EQ(world.summary().ingest.embedded, 0);
}

TEST(RunOnce, FollowsAddedReplacedAndRemovedPictures) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  world.Put("b.jpg", 2);
  world.Put("c.jpg", 3);
  ASSERT_TRUE(world.Once().ok());
  world.Put("b.jpg", 20);
  world.Remove("c.jpg");
  world.Put("d.jpg", 4);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(
      world.Indexed(),
      (Rows{{"a/a.jpg", Hex(1)}, {"b/b.jpg", Hex(20)}, {"d/d.jpg", Hex(4)}}));
  EXPECT_EQ(world.Products(), (std::set<std::string>{"a", "b", "d"}));
  EXPECT_EQ(world.ReceiptOf("b.jpg")["outcome"], "changed");
  EXPECT_EQ(world.ReceiptOf("c.jpg")["outcome"], "removed");
  EXPECT_EQ(world.summary().ingest.embedded, 2);
}

TEST(RunOnce, TakesAMovedPictureWithItsVector) {
  IndexerWorld world;
  world.Put("old/a.jpg", 1);
  world.Put("old/b.jpg", 2);
  ASSERT_TRUE(world.Once().ok());
  std::filesystem::create_directories(world.catalog() / "new");
  std::filesystem::rename(world.catalog() / "old/a.jpg",
                          world.catalog() / "new/a.jpg");
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Indexed(),
            (Rows{{"new/a/new/a.jpg", Hex(1)}, {"old/b/old/b.jpg", Hex(2)}}));
  EXPECT_EQ(world.summary().ingest.embedded, 0);
  EXPECT_EQ(world.summary().counts.reused, 1);
  const auto snapshot = world.Newest();
  snapshot->ForEachRowOf("new/a", [&](const Shard& shard, uint32_t row) {
    EXPECT_FALSE(snapshot->FindThumbnail(shard.key(row).sha256).empty());
  });
}

TEST(RunOnce, DoesNotEmbedAPictureThatWasOnlyTouched) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  ASSERT_TRUE(world.Once().ok());
  world.Put("a.jpg", 1);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.summary().ingest.embedded, 0);
  EXPECT_EQ(world.summary().counts.unchanged, 1);
  EXPECT_EQ(world.Receipts().size(), 1u);
}

TEST(RunOnce, TellsWhyItRefusesAndTriesAgainOnChange) {
  IndexerWorld world;
  const std::string whole = JpegOf(1, 200);
  world.Put("good.jpg", 5);
  world.Put("cut.jpg", whole.substr(0, whole.size() / 2));
  world.Put("empty.jpg", "");
  world.Put("notes.jpg", "these are no pictures");
  world.Put("photo.tiff", std::string("II*\0\x08\0\0\0", 8));
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products(), std::set<std::string>{"good"});
  const std::map<std::string, std::string> reasons = {
      {"cut.jpg", "IMAGE_TRUNCATED"},
      {"empty.jpg", "IMAGE_EMPTY"},
      {"notes.jpg", "IMAGE_NOT_DECODABLE"},
      {"photo.tiff", "IMAGE_FORMAT_UNSUPPORTED"}};
  for (const auto& [path, reason] : reasons) {
    const auto receipt = world.ReceiptOf(path);
    EXPECT_EQ(receipt["outcome"], "refused") << path;
    EXPECT_EQ(receipt["reason"], reason) << path;
    EXPECT_FALSE(receipt["message"].get<std::string>().empty());
    EXPECT_FALSE(receipt.contains("searchable_at"));
  }
  EXPECT_EQ(world.summary().counts.refused, 4);

  // Across restarts, no picture is tried again as it is.
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Receipts().size(), 5u);
  EXPECT_EQ(world.summary().counts.refused, 0);

  world.Put("cut.jpg", whole);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.ReceiptOf("cut.jpg")["outcome"], "accepted");
  EXPECT_EQ(world.Products(), (std::set<std::string>{"cut", "good"}));
}

TEST(RunOnce, TakesAwayAPictureThatWasReplacedByRubbish) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  world.Put("b.jpg", 2);
  ASSERT_TRUE(world.Once().ok());
  world.Put("a.jpg", "rubbish");
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products(), std::set<std::string>{"b"});
  EXPECT_EQ(world.ReceiptOf("a.jpg")["outcome"], "refused");
}

TEST(RunOnce, KeepsWhatIsGoneWhereAsked) {
  IndexerWorld world;
  world.options().keep_deleted = true;
  world.Put("a.jpg", 1);
  world.Put("b.jpg", 2);
  ASSERT_TRUE(world.Once().ok());
  world.Remove("a.jpg");
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products(), (std::set<std::string>{"a", "b"}));
}

TEST(RunOnce, AppliesChangedMetadataWithoutTheModel) {
  IndexerWorld world;
  world.Write("styles.csv",
              "id,articleType,productDisplayName\n1,Dress,Red dress\n2,Shoe,"
              "Brown shoe\n");
  world.Put("images/1.jpg", 1);
  world.Put("images/2.jpg", 2);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Newest()->FindProduct("1")->title(), "Red dress");
  const auto shards = testing::FilesUnder(world.paths().shards());
  world.Write("styles.csv",
              "id,articleType,productDisplayName\n1,Dress,Blue dress\n2,Shoe,"
              "Brown shoe\n");
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Newest()->FindProduct("1")->title(), "Blue dress");
  EXPECT_EQ(world.summary().ingest.embedded, 0);
  EXPECT_EQ(testing::FilesUnder(world.paths().shards()), shards);
}

TEST(RunOnce, AppliesARowThatComesAfterItsPicture) {
  IndexerWorld world;
  world.Write("styles.csv", "id,articleType\n1,Dress\n");
  world.Put("images/1.jpg", 1);
  world.Put("images/2.jpg", 2);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.ReceiptOf("images/2.jpg")["outcome"], "accepted");
  EXPECT_EQ(world.ReceiptOf("images/2.jpg")["warnings"].size(), 1u);
  EXPECT_FALSE(world.ReceiptOf("images/1.jpg").contains("warnings"));
  EXPECT_EQ(world.Newest()->FindProduct("2")->category(), "");
  world.Write("styles.csv", "id,articleType\n1,Dress\n2,Shoe\n");
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Newest()->FindProduct("2")->category(), "Shoe");
}

TEST(RunOnce, MovesAPictureWhenItsProductChanges) {
  IndexerWorld world;
  world.Write("products.jsonl",
              "{\"id\":\"p\",\"images\":[\"a.jpg\",\"b.jpg\"]}\n");
  world.Put("a.jpg", 1);
  world.Put("b.jpg", 2);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Indexed(), (Rows{{"p/a.jpg", Hex(1)}, {"p/b.jpg", Hex(2)}}));
  world.Write("products.jsonl",
              "{\"id\":\"p\",\"images\":[\"a.jpg\"]}\n"
              "{\"id\":\"q\",\"title\":\"Q\",\"images\":[\"b.jpg\"]}\n");
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Indexed(), (Rows{{"p/a.jpg", Hex(1)}, {"q/b.jpg", Hex(2)}}));
  EXPECT_EQ(world.Newest()->FindProduct("q")->title(), "Q");
  EXPECT_EQ(world.summary().ingest.embedded, 0);
}

TEST(RunOnce, DeletesAProductWhoseLineSaysSo) {
  for (const bool keep_deleted : {false, true}) {
    IndexerWorld world;
    world.options().keep_deleted = keep_deleted;
    world.Write("products.jsonl",
                "{\"id\":\"p\",\"images\":[\"a.jpg\"]}\n"
                "{\"id\":\"q\",\"title\":\"Q\",\"images\":[\"b.jpg\"]}\n");
    world.Put("a.jpg", 1);
    world.Put("b.jpg", 2);
    world.Put("q_2.jpg", 3);
    ASSERT_TRUE(world.Once().ok());
    EXPECT_EQ(world.Products().size(), 2u);
    world.Write("products.jsonl",
                "{\"id\":\"p\",\"images\":[\"a.jpg\"]}\n"
                "{\"id\":\"q\",\"deleted\":true}\n");
    // A line deletes what keeps its picture as well as what has lost it.
    world.Remove("b.jpg");
    ASSERT_TRUE(world.Once().ok());
    EXPECT_EQ(world.Indexed(), (Rows{{"p/a.jpg", Hex(1)}}));
    world.Write("products.jsonl", "{\"id\":\"q\",\"title\":\"Back\"}\n");
    ASSERT_TRUE(world.Once().ok());
    EXPECT_EQ(world.Newest()->FindProduct("q")->title(), "Back");
    // All of them, of which one went by another name.
    world.Write("products.jsonl", "");
    ASSERT_TRUE(world.Once().ok());
    EXPECT_TRUE(world.Products().contains("q_2"));
    world.Write("products.jsonl",
                "{\"id\":\"q\",\"deleted\":true}\n"
                "{\"id\":\"p\",\"images\":[\"a.jpg\"],\"deleted\":true}\n");
    ASSERT_TRUE(world.Once().ok());
    EXPECT_EQ(world.Products(), std::set<std::string>());
  }
}

TEST(RunOnce, LeavesProductsWhoseDeletionIsHeldAsTheyWere) {
  IndexerWorld world;
  std::string lines, deletions;
  for (int i = 0; i < 120; ++i) {
    const std::string id = "p" + std::to_string(i);
    world.Put(id + ".jpg", i % 7);
    lines += "{\"id\":\"" + id + "\",\"title\":\"Coat\"}\n";
    deletions += "{\"id\":\"" + id + "\",\"deleted\":true}\n";
  }
  world.Write("products.jsonl", lines);
  world.Put("other.jpg", 3);
  ASSERT_TRUE(world.Once().ok());
  world.Write("products.jsonl", deletions);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products().size(), 121u);
  EXPECT_EQ(world.Newest()->FindProduct("p7")->title(), "Coat");
  world.options().allow_mass_delete = true;
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products(), std::set<std::string>{"other"});
}

TEST(RunOnce, HoldsMassDeletionsUntilTheyAreAllowed) {
  IndexerWorld world;
  for (int i = 0; i < 300; ++i) {
    world.Put("p" + std::to_string(i) + ".jpg", i % 7);
  }
  ASSERT_TRUE(world.Once().ok());
  for (int i = 0; i < 150; ++i) {
    world.Remove("p" + std::to_string(i) + ".jpg");
  }
  world.Put("new.jpg", 5);
  ASSERT_TRUE(world.Once().ok());
  // Additions go on.
  EXPECT_EQ(world.Products().size(), 301u);
  world.options().allow_mass_delete = true;
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products().size(), 151u);
}

TEST(RunOnce, TakesAMovedFolderForNoMassDeletion) {
  IndexerWorld world;
  for (int i = 0; i < 150; ++i) {
    world.Put("old/p" + std::to_string(i) + ".jpg", i % 7);
  }
  ASSERT_TRUE(world.Once().ok());
  std::filesystem::rename(world.catalog() / "old", world.catalog() / "new");
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products().size(), 150u);
  EXPECT_TRUE(world.Products().contains("new/p0"));
}

TEST(RunOnce, TakesAMissingOrEmptyRootForAnOutage) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  ASSERT_TRUE(world.Once().ok());
  std::filesystem::rename(world.catalog(), world.root() / "away");
  EXPECT_FALSE(world.Once().ok());
  EXPECT_EQ(world.Products(), std::set<std::string>{"a"});
  // The folder on which nothing is mounted.
  std::filesystem::create_directories(world.catalog());
  EXPECT_TRUE(absl::IsUnavailable(world.Once()));
  EXPECT_EQ(world.Products(), std::set<std::string>{"a"});
  // The same folder, emptied.
  std::filesystem::remove_all(world.catalog());
  std::filesystem::rename(world.root() / "away", world.catalog());
  world.Remove("a.jpg");
  EXPECT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products(), std::set<std::string>{"a"});
  world.options().allow_mass_delete = true;
  EXPECT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products(), std::set<std::string>());
}

TEST(RunOnce, TakesAMissingTableForAnOutage) {
  IndexerWorld world;
  world.Write("styles.csv", "id,articleType\n1,Dress\n");
  world.Put("images/1.jpg", 1);
  ASSERT_TRUE(world.Once().ok());
  world.Remove("styles.csv");
  const absl::Status status = world.Once();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_NE(std::string(status.message()).find("styles.csv"),
            std::string::npos);
  EXPECT_EQ(world.Products(), std::set<std::string>{"1"});
}

TEST(RunOnce, SaysWhatIsWrongWithItsFlags) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  ASSERT_TRUE(world.Once().ok());

  world.options().index.model = world.root() / "none.pt";
  absl::Status status = world.Once();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_NE(std::string(status.message()).find("--model"), std::string::npos);
  world.options().index.model = world.root() / "bundle.pt";
  EXPECT_TRUE(world.Once().ok());

  world.options().catalog.root = world.options().index.root;
  EXPECT_TRUE(absl::IsInvalidArgument(world.Once()));
}

TEST(RunOnce, GoesOnWithTheModelOfTheIndex) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  ASSERT_TRUE(world.Once().ok());
  // A newer Vitrine ships another one.
  testing::WriteAll(world.root() / "bundle.pt", "a newer bundle");
  world.Put("b.jpg", 2);
  EXPECT_TRUE(world.Once().ok());
  EXPECT_EQ(world.Products(), (std::set<std::string>{"a", "b"}));
}

TEST(RunOnce, SaysThatACatalogueIsEmpty) {
  IndexerWorld world;
  const absl::Status status = world.Once();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_NE(std::string(status.message()).find("no picture"),
            std::string::npos);
}

TEST(RunOnce, ReadsAgainWhatCouldNotBeRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  IndexerWorld world;
  world.Put("a.jpg", 1);
  std::filesystem::permissions(world.catalog() / "a.jpg",
                               std::filesystem::perms::none);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.ReceiptOf("a.jpg")["reason"], "IMAGE_UNREADABLE");
  std::filesystem::permissions(world.catalog() / "a.jpg",
                               std::filesystem::perms::owner_read);
  ASSERT_TRUE(world.Once().ok());
  EXPECT_EQ(world.ReceiptOf("a.jpg")["outcome"], "accepted");
}

TEST(RunOnce, BuildsAGraphOfABulk) {
  IndexerWorld world;
  world.options().merge.graph_rows = 100;
  world.options().publish_rows = 16;
  for (int i = 0; i < 150; ++i) {
    world.Put("p" + std::to_string(i) + ".jpg", i);
  }
  ASSERT_TRUE(world.Once().ok());
  const auto snapshot = world.Newest();
  ASSERT_EQ(snapshot->shards().size(), 1u);
  EXPECT_NE(snapshot->shards()[0].shard->graph(), nullptr);
  EXPECT_EQ(snapshot->images(), 150u);
  EXPECT_GT(world.summary().publications, 5);
}

}  // namespace
}  // namespace vitrine
