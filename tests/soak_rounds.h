// Drops, changes and deletions by an indexer in this process, while callers ask
// a server of its index.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "server/snapshot_store.h"
#include "tests/indexer_world.h"
#include "tests/process.h"
#include "tests/soak_callers.h"

namespace vitrine::testing {

// An index with a few products that stay, and an indexer that follows its
// catalogue.
class SoakedWorld {
 public:
  SoakedWorld() {
    for (int i = 0; i < kStay; ++i) {
      const std::string id = "stays" + std::to_string(i);
      stay_.push_back({id, id + ".jpg", JpegOf(1000 + i)});
      world_.Put(id + ".jpg", stay_.back().jpeg);
    }
    // So that merges, and what retention removes, come in between.
    world_.options().merge.flat_shards = 3;
    world_.options().merge.graph_rows = 16;
    world_.options().index.publisher.retention = {.generations = 2,
                                                  .superseded_ms = 0};
    indexer_ = std::make_unique<RunningIndexer>(&world_);
    EXPECT_TRUE(indexer_->Until([this] {
      return world_.Products().size() == static_cast<size_t>(kStay);
    }));
  }

  SnapshotStoreOptions StoreOptions() const {
    SnapshotStoreOptions options;
    options.paths = world_.paths();
    options.slots = &SlotTable::Default();
    options.poll_ms = 5;
    options.load_model = [](const std::filesystem::path& bundle,
                            const EmbedTrial&) {
      return LoadFakeEmbedder(bundle);
    };
    return options;
  }

  // No answer may be wrong, and no generation be kept that is not served any
  // more.
  void Soak(const SnapshotStore& store, SoakedServer* server, int rounds) {
    std::vector<std::weak_ptr<const Snapshot>> taken;
    auto take = [&] { taken.push_back((*store.Take())->shared_snapshot()); };
    auto is_there = [server](const std::string& id) {
      v1::GetProductRequest request;
      request.set_product_id(id);
      v1::GetProductResponse response;
      const absl::Status status = server->GetProduct(request, &response);
      EXPECT_TRUE(status.ok() || absl::IsNotFound(status)) << status;
      return status.ok();
    };
    SoakCallers callers(server, stay_, kCallers);
    for (int round = 0; round < rounds; ++round) {
      const int64_t before = callers.answered();
      const std::string dropped = "drop" + std::to_string(round);
      world_.Put(dropped + ".jpg", 2000 + round);
      ASSERT_TRUE(Eventually([&] { return is_there(dropped); }, kPatience));
      take();
      if (round >= kKept) {
        const std::string old = "drop" + std::to_string(round - kKept);
        world_.Remove(old + ".jpg");
        ASSERT_TRUE(Eventually([&] { return !is_there(old); }, kPatience));
        take();
      }
      ASSERT_TRUE(Eventually(
          [&] { return callers.answered() >= before + kAnswersARound; },
          kPatience));
    }
    callers.Stop();
    EXPECT_EQ(callers.errors(), 0) << callers.ErrorLines();
    std::cout << callers.Counts() << "\n" << taken.size() << " generations\n";
    EXPECT_TRUE(indexer_->Stop().ok());
    for (const auto& one : taken) {
      EXPECT_TRUE(Eventually(
          [&] {
            const auto snapshot = one.lock();
            return snapshot == nullptr ||
                   snapshot == (*store.Take())->shared_snapshot();
          },
          kPatience))
          << "generation " << one.lock()->generation() << " is kept";
    }
  }

 private:
  static constexpr int kStay = 12;
  static constexpr int kCallers = 3;
  static constexpr int kKept = 4;  // Of those that were dropped.
  static constexpr int64_t kAnswersARound = 22;
  static constexpr std::chrono::minutes kPatience{1};

  IndexerWorld world_;
  std::vector<SoakProduct> stay_;
  std::unique_ptr<RunningIndexer> indexer_;
};

}  // namespace vitrine::testing
