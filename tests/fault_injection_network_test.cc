// A queue whose connection is cut in the middle of batches and answers: what is
// acknowledged is in the index, and all comes in once.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/cutting_proxy.h"
#include "tests/indexer_world.h"
#include "tests/redis_server.h"
#include "tests/test_util/environment.h"

namespace vitrine {
namespace {

using testing::Eventually;
using testing::IndexerWorld;
using testing::JpegOf;
using testing::NumberFromEnvironment;
using testing::RunningIndexer;

using Rows = std::map<std::string, std::string>;

TEST(NetworkFaults, WhatIsAcknowledgedIsIndexedHoweverOftenTheQueueIsCutOff) {
  const int seed = NumberFromEnvironment("VITRINE_FAULT_SEED", 17);
  const int cuts =
      std::max(5, NumberFromEnvironment("VITRINE_FAULT_KILLS", 20) / 4);
  std::cout << "seed " << seed << " (VITRINE_FAULT_SEED)\n";
  testing::RedisServer server;
  testing::CuttingProxy proxy(server.Address().port);
  IndexerWorld world;
  world.options().catalog.root.clear();
  world.options().queue = server.Address();
  world.options().queue->port = proxy.port();
  world.options().publish_rows = 8;

  Rows wanted;
  std::map<std::string, std::string> stay;  // The product of each entry's row.
  std::set<std::string> ids;
  const auto stream = server.Connect();
  const auto send = [&](const v1::CatalogEvent& event) {
    const auto id = stream->Add(event.SerializeAsString());
    EXPECT_TRUE(id.ok()) << id.status();
    ids.insert(*id);
    return *id;
  };
  const auto upsert = [&](const std::string& product, int picture) {
    v1::CatalogEvent event;
    event.set_version(1);
    event.mutable_upsert()->set_product_id(product);
    event.mutable_upsert()->add_images()->set_key("k");
    event.mutable_upsert()->mutable_images(0)->set_content(JpegOf(picture));
    return send(event);
  };

  RunningIndexer indexer(&world);
  proxy.CutAtRandom(cuts, 40'000, static_cast<uint32_t>(seed));
  int sent = 0;
  while (proxy.cuts_left() > 0) {
    const int before = proxy.cuts_left();
    for (int i = 0; i < 12; ++i, ++sent) {
      const std::string product = "stays" + std::to_string(sent);
      const std::string id = upsert(product, sent);
      wanted[product + "/k"] = ToHex(Sha256(JpegOf(sent)));
      stay[id] = product + "/k";
      // One that comes and goes.
      const std::string goes = "goes" + std::to_string(sent);
      upsert(goes, sent + 1000);
      v1::CatalogEvent event;
      event.set_version(2);
      event.mutable_delete_()->set_product_id(goes);
      send(event);
    }
    bool answered = false;
    ASSERT_TRUE(Eventually(
        [&] {
          const auto acknowledged = server.Acknowledged(ids);
          const Rows rows = world.Indexed();
          for (const std::string& id : acknowledged) {
            const auto row = stay.find(id);
            if (row == stay.end()) continue;
            EXPECT_TRUE(rows.contains(row->second)) << row->second;
          }
          answered = acknowledged.size() == ids.size();
          return answered || proxy.cuts_left() < before;
        },
        std::chrono::seconds(60)));
  }
  ASSERT_TRUE(
      Eventually([&] { return server.Acknowledged(ids).size() == ids.size(); },
                 std::chrono::seconds(60)));
  EXPECT_EQ(world.Indexed(), wanted);
  EXPECT_TRUE(indexer.Stop().ok());
  EXPECT_EQ(stream->Backlog()->pending, 0);
  EXPECT_EQ(*stream->DeadLetters(), 0);
  std::map<std::string, int> accepted;
  for (const nlohmann::json& receipt : world.Receipts()) {
    if (receipt["outcome"] != "accepted") continue;
    EXPECT_EQ(++accepted[receipt["product_id"]], 1) << receipt;
  }
  for (const auto& [row, sha256] : wanted) {
    EXPECT_EQ(accepted[row.substr(0, row.find('/'))], 1) << row;
  }
  std::cout << "cut off " << cuts << " times, in " << ids.size()
            << " entries\n";
}

}  // namespace
}  // namespace vitrine
