// An index that a queue has filled, damaged and repaired without its senders.
#include <gtest/gtest.h>

#include "tests/indexer_world.h"
#include "tests/redis_server.h"
#include "tests/test_util/corrupt.h"

namespace vitrine {
namespace {

using testing::IndexerWorld;
using testing::JpegOf;
using testing::RedisServer;

class QueueRepair : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.options().queue = server_.Address();
    world_.options().catalog.root.clear();
    world_.options().queue_files = world_.root() / "files";
    world_.options().merge.flat_shards = 50;
    world_.options().merge.files = 50;
    std::filesystem::create_directories(world_.root() / "files");
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i) Put(4 * round + i, 1, 10 * round + i);
      Take();
    }
    Put(0, 2, 77);
    Delete(5);
    testing::WriteAll(world_.root() / "files" / "f.jpg", JpegOf(99));
    v1::CatalogEvent by_path;
    by_path.mutable_upsert()->set_product_id("file");
    by_path.mutable_upsert()->add_images()->set_key("k");
    by_path.mutable_upsert()->mutable_images(0)->set_path("f.jpg");
    Send(by_path);
    Take();
    expected_ = world_.Indexed();
    ASSERT_EQ(expected_.size(), 23u);
    ASSERT_EQ(TitleOf("p0"), "title 2");
    // None of it can be asked for again.
    server_.Cli({"FLUSHALL"});
  }

  void Send(const v1::CatalogEvent& event) {
    ASSERT_TRUE(server_.Connect()->Add(event.SerializeAsString()).ok());
  }
  void Put(int product, uint64_t version, int seed) {
    v1::CatalogEvent event;
    event.set_version(version);
    v1::ProductUpsert* upsert = event.mutable_upsert();
    upsert->set_product_id("p" + std::to_string(product));
    upsert->set_title("title " + std::to_string(version));
    for (const char* key : {"a", "b", "refused"}) {
      v1::CatalogImage* image = upsert->add_images();
      image->set_key(key);
      image->set_content(key == std::string("refused") ? "no picture"
                                                       : JpegOf(seed));
      ++seed;
    }
    Send(event);
  }
  void Delete(int product) {
    v1::CatalogEvent event;
    event.set_version(9);
    event.mutable_delete_()->set_product_id("p" + std::to_string(product));
    Send(event);
  }
  void Take() {
    const absl::Status status = world_.Once();
    ASSERT_TRUE(status.ok()) << status;
  }
  std::string TitleOf(const std::string& product) {
    const auto record = world_.Newest()->FindProduct(product);
    EXPECT_TRUE(record.ok()) << record.status();
    return record.ok() ? record->title() : "";
  }
  void ExpectMended(bool knows_deletions = true) {
    EXPECT_TRUE(absl::IsDataLoss(world_.Once()));
    world_.options().index.repair = true;
    Take();
    world_.options().index.repair = false;
    EXPECT_EQ(world_.Indexed(), expected_);
    EXPECT_EQ(TitleOf("p0"), "title 2");
    EXPECT_EQ(TitleOf("p1"), "title 1");
    // What is late is so still, and what is new is taken.
    Put(0, 1, 500);
    if (knows_deletions) Put(5, 8, 500);
    Put(1, 3, 500);
    Take();
    EXPECT_EQ(TitleOf("p0"), "title 2");
    EXPECT_EQ(TitleOf("p1"), "title 3");
    EXPECT_EQ(world_.Indexed().size(), expected_.size());
  }

  RedisServer server_;
  IndexerWorld world_;
  std::map<std::string, std::string> expected_;
};

TEST_F(QueueRepair, EmbedsAgainWhatAShardHeld) {
  Damage(world_.Named("shards")[0]);
  ExpectMended();
}

TEST_F(QueueRepair, KnowsDeletedRowsWithoutTheirBitmap) {
  Delete(6);
  Take();
  expected_ = world_.Indexed();
  ASSERT_FALSE(world_.Named("deletions").empty());
  Damage(world_.Named("deletions")[0]);
  ExpectMended();
}

TEST_F(QueueRepair, DescribesProductsAgain) {
  Damage(world_.Named("products")[0]);
  ExpectMended();
}

TEST_F(QueueRepair, KnowsFromItsProductsWhatTheQueueSaid) {
  Damage(world_.Named("sources")[0]);
  // What was deleted is known from there alone.
  ExpectMended(/*knows_deletions=*/false);
}

TEST_F(QueueRepair, SurvivesTheLossOfShardsAndProductsAtOnce) {
  const auto products = world_.Named("products");
  Damage(world_.Named("shards")[0]);
  Damage(products[0]);
  ExpectMended();
}

TEST_F(QueueRepair, LosesOnlyThePictureWhoseBytesAreDamaged) {
  const auto pictures = world_.Named("pictures");
  Damage(world_.Named("shards")[0]);
  for (const auto& file : pictures) Damage(file);
  world_.options().index.repair = true;
  Take();
  // One bit in the middle of all originals.
  EXPECT_EQ(world_.Indexed().size(), expected_.size() - 1);
  int lost = 0;
  for (const nlohmann::json& receipt : world_.Receipts()) {
    const std::string message = receipt.value("message", "");
    if (message.find("were lost with a file") != std::string::npos) ++lost;
  }
  EXPECT_EQ(lost, 1);
}

}  // namespace
}  // namespace vitrine
