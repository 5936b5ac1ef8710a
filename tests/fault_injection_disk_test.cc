// An indexer that follows its catalogue on a disk that fails for a moment, or
// is full until somebody makes room: it says so, keeps what it has, and goes on
// by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <iostream>
#include <random>
#include <thread>

#include "tests/broken_run.h"
#include "tests/process.h"
#include "tests/test_util/environment.h"

namespace vitrine {
namespace {

using testing::Eventually;
using testing::FileFault;
using testing::FilesBroke;
using ::testing::HasSubstr;
using testing::IndexerWorld;
using testing::IndexReader;
using testing::NumberFromEnvironment;
using testing::RunningIndexer;

using Rows = std::map<std::string, std::string>;

class DiskFaults : public ::testing::Test {
 protected:
  explicit DiskFaults(bool merges = false) : merges_(merges) {
    world_.options().retry_ms = 1;
    world_.options().merge.flat_shards = merges ? 2 : 1000;
    world_.options().merge.files = merges ? 2 : 1000;
    if (merges) world_.options().merge.graph_rows = 8;
    world_.options().merge.quiet_ms = merges ? 10 : -1;
    world_.options().merge.retry_ms = 20;
    // Nobody waits for another picture.
    world_.options().publish_rows = 4;
    for (int i = 0; i < 4; ++i) Put("kept" + std::to_string(i), i);
    EXPECT_TRUE(world_.Once().ok());
    kept_ = wanted_;
    running_ = std::make_unique<RunningIndexer>(&world_);
    reader_ = std::thread([this] {
      IndexReader reader(world_.paths(), kept_);
      while (!done_) {
        reader.Look();
        std::this_thread::yield();
      }
    });
  }
  ~DiskFaults() override {
    done_ = true;
    reader_.join();
    running_.reset();
    if (HasFailure()) std::cout << log_.All();
  }

  void Put(const std::string& product, int seed) {
    world_.Put(product + ".jpg", seed);
    wanted_[product + "/" + product + ".jpg"] =
        ToHex(Sha256(testing::JpegOf(seed)));
  }
  void Remove(const std::string& product) {
    world_.Remove(product + ".jpg");
    wanted_.erase(product + "/" + product + ".jpg");
  }
  bool UntilIndexed() {
    return running_->Until([this] { return world_.Indexed() == wanted_; });
  }
  // What was said since `begin`, once `text` is in it.
  std::string AwaitSaid(size_t begin, const std::string& text) {
    EXPECT_TRUE(Eventually(
        [&] { return log_.All().find(text, begin) != std::string::npos; },
        std::chrono::seconds(30)))
        << text;
    return log_.All().substr(begin);
  }
  // The receipts, once the indexer has ended: each picture's last is true.
  void ExpectAllTold() {
    ASSERT_TRUE(running_->Stop().ok());
    const auto digest = testing::DigestOf(world_.paths());
    testing::ExpectReceiptsAreTrue(world_.paths(), digest, digest);
    std::set<std::string> told;
    for (const auto& receipt : world_.Receipts()) {
      std::string name = receipt["product_id"];
      name += "/" + std::string(receipt["path"]);
      told.insert(std::move(name));
    }
    for (const auto& [name, sha256] : wanted_) {
      EXPECT_TRUE(told.contains(name)) << name;
    }
  }

  // Over and over; nothing is lost, and it goes on when there is room.
  void FillTheDisk() {
    const int seed = NumberFromEnvironment("VITRINE_FAULT_SEED", 14);
    const int fills = NumberFromEnvironment("VITRINE_FAULT_KILLS", 20);
    std::cout << "seed " << seed << " (VITRINE_FAULT_SEED)\n";
    std::mt19937 random(static_cast<uint32_t>(seed));
    int broke = 0;
    const auto merge_failed = [this] {
      return log_.All().find("a merge failed and is tried again later") !=
             std::string::npos;
    };
    for (int fill = 0;
         fill < fills || (merges_ && fill < 50 * fills && !merge_failed());
         ++fill) {
      FileFault fault;
      fault.free_bytes =
          std::uniform_int_distribution<int64_t>(0, 40'000)(random);
      SCOPED_TRACE(std::to_string(fault.free_bytes) + " bytes are free");
      const size_t begin = log_.All().size();
      testing::BreakFiles(world_.paths().root, fault);
      for (int i = 0; i < 6; ++i) {
        Put("p" + std::to_string(random() % 20),
            static_cast<int>(random() % 99));
      }
      Remove("p" + std::to_string(random() % 20));
      ASSERT_TRUE(Eventually(
          [&] { return FilesBroke() || world_.Indexed() == wanted_; },
          std::chrono::seconds(30)));
      if (FilesBroke()) {
        ++broke;
        AwaitSaid(begin, std::strerror(ENOSPC));
      }
      testing::MendFiles();
      ASSERT_TRUE(UntilIndexed());
    }
    ExpectAllTold();
    EXPECT_GT(broke, fills / 4);
    EXPECT_TRUE(merge_failed() || !merges_);
    std::cout << broke << " times it was full\n";
  }

  const bool merges_;
  IndexerWorld world_;
  testing::StderrLog log_{world_.root() / "log"};
  Rows wanted_;
  Rows kept_;
  std::unique_ptr<RunningIndexer> running_;
  std::atomic<bool> done_{false};
  std::thread reader_;
};

TEST_F(DiskFaults, WhatFailsOnceIsTriedAgain) {
  Put("changed", 10);
  ASSERT_TRUE(UntilIndexed());
  testing::BreakFiles(world_.paths().root);
  Put("changed", 11);
  ASSERT_TRUE(UntilIndexed());
  // Its receipts are still to be written.
  ASSERT_TRUE(Eventually(
      [] { return testing::FileCalls().contains("sync receipts.jsonl"); },
      std::chrono::seconds(30)));
  const auto points = testing::FileCalls();
  int seed = 12;
  for (const auto& [point, calls] : points) {
    for (int error : {EIO, ENOSPC}) {
      SCOPED_TRACE(point + ": " + std::strerror(error));
      const size_t begin = log_.All().size();
      FileFault fault;
      fault.point = point;
      fault.error = error;
      testing::BreakFiles(world_.paths().root, fault);
      Put("changed", seed++);
      ASSERT_TRUE(UntilIndexed());
      ASSERT_TRUE(Eventually(FilesBroke, std::chrono::seconds(30)));
      if (point.starts_with("remove")) continue;
      const std::string said = AwaitSaid(begin, std::strerror(error));
      if (point.ends_with("receipts.jsonl")) {
        EXPECT_THAT(said, HasSubstr("receipts wait to be written: " +
                                    world_.paths().receipts().string()));
      } else {
        EXPECT_THAT(said, HasSubstr("nothing could be published, and the "
                                    "index stays as it was: cannot "));
        EXPECT_THAT(said, HasSubstr(" " + world_.paths().root.string() + "/"));
        EXPECT_THAT(said, HasSubstr("; it is tried again every "));
      }
    }
  }
  testing::MendFiles();
  ExpectAllTold();
  std::cout << points.size() << " points\n";
}

class MergingDiskFaults : public DiskFaults {
 protected:
  MergingDiskFaults() : DiskFaults(/*merges=*/true) {}
};

TEST_F(DiskFaults, AFullDiskIsWaitedFor) { FillTheDisk(); }

TEST_F(MergingDiskFaults, AFullDiskIsWaitedFor) { FillTheDisk(); }

}  // namespace
}  // namespace vitrine
