// Two partitions with an indexer each, on a real queue: one is killed, and the
// other takes its lock and what it had in hand.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <random>

#include "common/base/partition.h"
#include "tests/indexer_world.h"
#include "tests/redis_server.h"
#include "tests/test_util/environment.h"

namespace vitrine {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::BinDir;
using testing::Eventually;
using testing::JpegOf;
using testing::NumberFromEnvironment;
using testing::Process;
using testing::RedisServer;

using Rows = std::map<std::string, std::string>;

class PartitionedIndexers : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(BinDir() / "vitrine-indexer")) {
      GTEST_SKIP() << "there is no vitrine-indexer in " << BinDir();
    }
  }

  std::unique_ptr<Process> Start(const std::string& partitions,
                                 std::vector<std::string> more = {}) {
    std::vector<std::string> argv = {
        (BinDir() / "vitrine-indexer").string(),
        "--queue=redis://127.0.0.1:" + std::to_string(server_.Address().port) +
            "/cut-{partition}",
        "--index=" + (dir_ / "{partition}").string(),
        "--partition=" + partitions,
        "--takeover-seconds=3",
        "--publish-rows=4",
        "--threads=1"};
    argv.insert(argv.end(), more.begin(), more.end());
    return std::make_unique<Process>(
        argv, dir_ / ("log" + std::to_string(++starts_)));
  }
  static bool Awaits(const Process& process, const std::string& line) {
    return Eventually(
        [&] { return process.log().find(line) != std::string::npos; },
        minutes(1));
  }
  // The process that has a partition, by what the one that started it says.
  static pid_t ChildOf(const Process& process, const std::string& partition) {
    const std::string log = process.log();
    const std::string line = "partition " + partition + ": process ";
    const size_t at = log.rfind(line);
    return at == std::string::npos ? 0
                                   : std::atoi(log.c_str() + at + line.size());
  }

  void Send(int n) {
    for (int i = 0; i < n; ++i) {
      const std::string product = "p" + std::to_string(random_() % 80);
      v1::CatalogEvent event;
      event.set_version(++version_);
      if (random_() % 5 == 0) {
        event.mutable_delete_()->set_product_id(product);
        right_.erase(product + "/k");
      } else {
        const std::string jpeg = JpegOf(static_cast<int>(random_() % 500), 240);
        event.mutable_upsert()->set_product_id(product);
        event.mutable_upsert()->add_images()->set_key("k");
        event.mutable_upsert()->mutable_images(0)->set_content(jpeg);
        right_[product + "/k"] = ToHex(Sha256(jpeg));
      }
      const auto stream =
          server_.Connect("cut-" + std::to_string(PartitionOf(product, 2)));
      ASSERT_TRUE(stream->Add(event.SerializeAsString()).ok());
    }
  }
  QueueBacklog Backlog(int partition) const {
    const auto backlog =
        server_.Connect("cut-" + std::to_string(partition))->Backlog();
    EXPECT_TRUE(backlog.ok()) << backlog.status();
    return backlog.value_or(QueueBacklog());
  }
  bool AllTaken() const {
    return Eventually(
        [this] {
          for (int partition : {0, 1}) {
            const QueueBacklog backlog = Backlog(partition);
            if (backlog.pending + backlog.waiting != 0) return false;
          }
          return true;
        },
        minutes(2));
  }
  // All that both indexes hold; nothing is in both, or in the wrong one.
  Rows Indexed() const {
    Rows all;
    for (uint32_t number : {0u, 1u}) {
      for (const auto& [row, sha256] :
           testing::ContentOnDisk(IndexPaths{dir_ / std::to_string(number)})) {
        EXPECT_EQ(PartitionOf(row.substr(0, row.find('/')), 2), number) << row;
        EXPECT_TRUE(all.emplace(row, sha256).second) << row;
      }
    }
    return all;
  }

  RedisServer server_;
  testing::TempDir dir_;
  std::mt19937 random_{
      static_cast<uint32_t>(NumberFromEnvironment("VITRINE_FAULT_SEED", 26))};
  uint64_t version_ = 0;
  int starts_ = 0;
  Rows right_;
};

TEST_F(PartitionedIndexers,
       WhereOneIsKilledTheOtherTakesItsLockAndPendingWork) {
  const auto a = Start("0,1/2");
  const auto b = Start("1,0/2");
  ASSERT_TRUE(Awaits(*a, " reading ")) << a->log();
  ASSERT_TRUE(Awaits(*b, " reading ")) << b->log();
  // Each has its own.
  EXPECT_EQ(a->log().find("/cut-1"), std::string::npos) << a->log();
  EXPECT_EQ(b->log().find("/cut-0"), std::string::npos) << b->log();
  Send(200);
  // In the middle of its work, with entries in hand.
  ASSERT_TRUE(Eventually([&] { return Backlog(0).pending > 0; }, minutes(1)));
  const pid_t child = ChildOf(*a, "0/2");
  ASSERT_GT(child, 0);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  a->Signal(SIGKILL);
  ASSERT_EQ(a->Wait(minutes(1)), 128 + SIGKILL);
  std::cout << "killed with " << Backlog(0).pending << " entries in hand and "
            << Backlog(0).waiting << " waiting\n";
  EXPECT_GT(Backlog(0).pending, 0);
  Send(100);
  ASSERT_TRUE(Awaits(*b, "/cut-0")) << b->log();
  ASSERT_TRUE(AllTaken()) << b->log();
  EXPECT_EQ(Indexed(), right_);

  // It comes back as the other's heir.
  const auto again = Start("0,1/2");
  Send(50);
  b->Signal(SIGTERM);
  EXPECT_EQ(b->Wait(minutes(1)), 0) << b->log();
  ASSERT_TRUE(Awaits(*again, "partition 0/2: process")) << again->log();
  ASSERT_TRUE(Awaits(*again, "partition 1/2: process")) << again->log();
  Send(50);
  ASSERT_TRUE(AllTaken()) << again->log();
  EXPECT_EQ(Indexed(), right_);
  again->Signal(SIGTERM);
  EXPECT_EQ(again->Wait(minutes(1)), 0) << again->log();
  EXPECT_EQ(server_.Cli({"EXISTS", "cut-0:dead", "cut-1:dead"}), "0\n");
}

TEST_F(PartitionedIndexers, OneThatIsKilledIsStartedAgain) {
  const auto a = Start("all/2");
  ASSERT_TRUE(Awaits(*a, "partition 1/2: process")) << a->log();
  ASSERT_TRUE(Awaits(*a, " reading ")) << a->log();
  Send(60);
  const pid_t child = ChildOf(*a, "0/2");
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_TRUE(Awaits(*a, "ended with 137")) << a->log();
  ASSERT_TRUE(AllTaken()) << a->log();
  EXPECT_NE(ChildOf(*a, "0/2"), child);
  EXPECT_EQ(Indexed(), right_);
  // Its indexers end with it.
  const pid_t left = ChildOf(*a, "0/2");
  a->Signal(SIGKILL);
  a->Wait(minutes(1));
  EXPECT_TRUE(Eventually([left] { return ::kill(left, 0) != 0; }, minutes(1)));
}

TEST_F(PartitionedIndexers, BringsAllUpToDateOnceAndEnds) {
  Send(40);
  const auto once = Start("all/2", {"--once"});
  EXPECT_EQ(once->Wait(minutes(2)), 0) << once->log();
  EXPECT_EQ(Indexed(), right_);
}

TEST_F(PartitionedIndexers, SaysWhatIsWrongWithACommandLine) {
  for (const auto& [partition, word] :
       std::map<std::string, std::string>{{"2/2", "none of 0 to 1"},
                                          {"x", "NUMBER/OF"},
                                          {"", "without --partition"}}) {
    const auto wrong = Start(partition);
    EXPECT_EQ(wrong->Wait(minutes(1)), 2) << wrong->log();
    EXPECT_NE(wrong->log().find(word), std::string::npos) << wrong->log();
  }
  const auto one_index = Start("all/2", {"--index=" + (dir_ / "one").string()});
  EXPECT_EQ(one_index->Wait(minutes(1)), 2);
  EXPECT_NE(one_index->log().find("{partition} into --index"),
            std::string::npos)
      << one_index->log();
}

}  // namespace
}  // namespace vitrine
