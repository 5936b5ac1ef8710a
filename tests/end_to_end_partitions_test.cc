// A catalogue that is cut into partitions, by a folder and by a queue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/partition.h"
#include "tests/indexer_world.h"
#include "tests/redis_server.h"

namespace vitrine {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::IndexerWorld;
using testing::JpegOf;
using testing::RedisServer;
using testing::RunningIndexer;

TEST(PartitionedCatalogue, EachProductIsInTheIndexOfItsPartition) {
  IndexerWorld world;
  for (int i = 0; i < 30; ++i) world.Put("p" + std::to_string(i) + ".jpg", i);
  std::set<std::string> all;
  for (uint32_t number = 0; number < 3; ++number) {
    world.options().index.root = world.root() / std::to_string(number);
    world.options().index.partition = {number, 3};
    const absl::Status status = world.Once();
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_FALSE(world.Products().empty());
    for (const std::string& product : world.Products()) {
      EXPECT_EQ(PartitionOf(product, 3), number);
      EXPECT_TRUE(all.insert(product).second);
    }
    const auto newest = world.Newest();
    const storage::Manifest& manifest = newest->manifest();
    EXPECT_EQ(manifest.partition().number(), number);
    EXPECT_EQ(manifest.partition().of(), 3u);
  }
  EXPECT_EQ(all.size(), 30u);
}

TEST(PartitionedCatalogue, FollowsItsOwnProductsAlone) {
  IndexerWorld world;
  world.options().index.partition = {1, 2};
  RunningIndexer indexer(&world);
  std::set<std::string> own;
  for (int i = 0; i < 20; ++i) {
    const std::string product = "p" + std::to_string(i);
    world.Put(product + ".jpg", i);
    if (PartitionOf(product, 2) == 1) own.insert(product);
  }
  EXPECT_TRUE(testing::Eventually([&] { return world.Products() == own; },
                                  seconds(30)));
}

TEST(PartitionedCatalogue, AnIndexOfAnotherPartitionIsRefused) {
  IndexerWorld world;
  world.Put("a.jpg", 1);
  world.options().index.partition = {0, 3};
  ASSERT_TRUE(world.Once().ok());
  for (const Partition& other :
       {Partition{1, 3}, Partition{0, 2}, Partition()}) {
    world.options().index.partition = other;
    const absl::Status status = world.Once();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("--partition=0/3"));
  }
  IndexerWorld whole;
  whole.Put("a.jpg", 1);
  ASSERT_TRUE(whole.Once().ok());
  whole.options().index.partition = {0, 3};
  EXPECT_EQ(whole.Once().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(PartitionedQueue, WhatIsInTheWrongStreamIsADeadLetter) {
  RedisServer server;
  IndexerWorld world;
  world.options().catalog.root.clear();
  world.options().queue = server.Address();
  world.options().index.partition = {0, 2};
  std::set<std::string> own;
  int64_t others = 0;
  for (int i = 0; i < 20; ++i) {
    v1::CatalogEvent event;
    event.set_version(1);
    const std::string product = "p" + std::to_string(i);
    event.mutable_upsert()->set_product_id(product);
    event.mutable_upsert()->add_images()->set_key("k");
    event.mutable_upsert()->mutable_images(0)->set_content(JpegOf(i));
    ASSERT_TRUE(server.Connect()->Add(event.SerializeAsString()).ok());
    if (PartitionOf(product, 2) == 0) {
      own.insert(product);
    } else {
      ++others;
    }
  }
  const absl::Status status = world.Once();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(world.Products(), own);
  EXPECT_EQ(*server.Connect()->DeadLetters(), others);
  EXPECT_THAT(server.Cli({"XRANGE", "catalogue:dead", "-", "+"}),
              HasSubstr("is of partition 1/2, and this is the stream of 0/2"));
}

}  // namespace
}  // namespace vitrine
