// The real indexer on a real queue: killed, raced, and with the queue killed
// and cut off under it.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <random>
#include <set>

#include "tests/indexer_world.h"
#include "tests/redis_server.h"
#include "tests/test_util/environment.h"
#include "tests/watched_server.h"

namespace vitrine {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::BinDir;
using testing::JpegOf;
using testing::NumberFromEnvironment;
using testing::Process;
using testing::RedisServer;
using testing::WatchedServer;

using Rows = std::map<std::string, std::string>;

struct Sent {
  std::string product;
  uint64_t version = 0;
  std::string sha256;  // Of its picture, in hexadecimal; empty: it deletes.
};

class QueueFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(BinDir() / "vitrine-indexer")) {
      GTEST_SKIP() << "there is no vitrine-indexer in " << BinDir();
    }
    seed_ = NumberFromEnvironment("VITRINE_FAULT_SEED", 26);
    random_.seed(static_cast<uint32_t>(seed_));
    std::cout << "seed " << seed_ << " (VITRINE_FAULT_SEED)\n";
  }

  int Draw(int below) {
    return std::uniform_int_distribution<int>(0, below - 1)(random_);
  }

  // A change of a product; now and then one that is late, or comes twice.
  void Send(const RedisServer& server, int products) {
    const int choice = Draw(10);
    v1::CatalogEvent event;
    Sent sent;
    if (choice == 0 && !events_.empty()) {
      auto again =
          std::next(events_.begin(), Draw(static_cast<int>(events_.size())));
      event = again->second.second;
      sent = again->second.first;
    } else {
      sent.product = "p" + std::to_string(Draw(products));
      sent.version = ++version_;
      event.set_version(sent.version);
      if (choice < 3) {
        event.mutable_delete_()->set_product_id(sent.product);
      } else {
        const std::string jpeg = JpegOf(Draw(products * 2), 240);
        event.mutable_upsert()->set_product_id(sent.product);
        event.mutable_upsert()->add_images()->set_key("k");
        event.mutable_upsert()->mutable_images(0)->set_content(jpeg);
        sent.sha256 = ToHex(Sha256(jpeg));
      }
      if (choice == 9) {
        late_.emplace_back(sent, event);
        return;
      }
    }
    AddToStream(server, sent, event);
  }
  void SendLate(const RedisServer& server) {
    for (const auto& [sent, event] : late_) AddToStream(server, sent, event);
    late_.clear();
  }
  void AddToStream(const RedisServer& server, const Sent& sent,
                   const v1::CatalogEvent& event) {
    const auto id = server.Connect()->Add(event.SerializeAsString());
    ASSERT_TRUE(id.ok()) << id.status();
    events_[*id] = {sent, event};
  }

  std::unique_ptr<Process> Start(const RedisServer& server,
                                 const std::filesystem::path& index,
                                 bool once = false) {
    std::vector<std::string> argv = {(BinDir() / "vitrine-indexer").string(),
                                     "--queue=" + server.Url(),
                                     "--index=" + index.string(),
                                     "--publish-rows=8",
                                     "--graph-rows=60",
                                     "--threads=2"};
    if (once) argv.emplace_back("--once");
    return std::make_unique<Process>(
        argv, dir_ / ("log" + std::to_string(++starts_)));
  }

  // That the newest generation holds all that the acknowledged entries ask for.
  void ExpectTaken(const std::set<std::string>& ids,
                   const std::filesystem::path& index) {
    const IndexPaths paths{index};
    const auto generations = ListGenerations(paths);
    if (!generations.ok() || generations->empty()) {
      EXPECT_EQ(ids.size(), 0u);
      return;
    }
    const auto manifest = ReadManifest(paths, generations->back());
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    std::vector<std::shared_ptr<const TableSegment>> segments;
    for (const storage::FileRef& ref : manifest->source_segments()) {
      const auto segment =
          TableSegment::Open(paths.sources() / ref.name(), ref);
      ASSERT_TRUE(segment.ok()) << segment.status();
      segments.push_back(*segment);
    }
    const Table sources(segments);
    std::map<uint64_t, Sent> by_version;
    for (const auto& [id, event] : events_) {
      by_version[event.first.version] = event.first;
    }
    const Rows rows = Indexed(index);
    for (const auto& [id, event] : events_) {
      if (!ids.contains(id)) continue;
      const Sent& sent = event.first;
      storage::QueuedProductRecord state;
      const auto bytes = sources.Find(QueuedProductKey(sent.product));
      ASSERT_TRUE(bytes) << sent.product << " of the acknowledged " << id
                         << " is not known";
      ASSERT_TRUE(
          state.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())));
      ASSERT_GE(state.pictures_version(), sent.version) << id;
      const auto row = rows.find(sent.product + "/k");
      EXPECT_EQ(row == rows.end() ? "" : row->second,
                by_version[state.pictures_version()].sha256)
          << sent.product;
    }
  }

  std::set<std::string> Acknowledged(const RedisServer& server) {
    std::set<std::string> ids;
    for (const auto& [id, event] : events_) ids.insert(id);
    return server.Acknowledged(ids);
  }

  Rows Indexed(const std::filesystem::path& index) {
    const auto generations = ListGenerations(IndexPaths{index});
    if (!generations.ok() || generations->empty()) return {};
    return testing::ContentOnDisk(IndexPaths{index});
  }

  testing::TempDir dir_;
  int seed_ = 0;
  int starts_ = 0;
  std::mt19937 random_;
  uint64_t version_ = 0;
  std::map<std::string, std::pair<Sent, v1::CatalogEvent>> events_;  // By id.
  std::vector<std::pair<Sent, v1::CatalogEvent>> late_;
};

TEST_F(QueueFaults, NothingAcknowledgedIsLostWhateverIsKilled) {
  const int kills = NumberFromEnvironment("VITRINE_FAULT_KILLS", 16);
  RedisServer server;
  const std::filesystem::path index = dir_ / "index";
  WatchedServer served(index, dir_ / "server.log");
  for (int kill = 0; kill < kills; ++kill) {
    const int events = kill % 6 == 0 ? 300 : 40;
    for (int i = 0; i < events; ++i) Send(server, 60);
    if (HasFatalFailure()) return;
    const auto indexer = Start(server, index);
    // Most of them are reading by then; some have not begun.
    if (kill % 4 != 3) {
      ASSERT_TRUE(testing::Eventually(
          [&] { return indexer->log().find(" reading ") != std::string::npos; },
          minutes(1)))
          << indexer->log();
    }
    EXPECT_EQ(indexer->Wait(milliseconds(Draw(500))), testing::kStillRunning)
        << indexer->log();
    if (kill % 3 == 1) {
      server.Kill();
      server.Start();
    } else if (kill % 3 == 2) {
      server.Signal(SIGSTOP);
    }
    EXPECT_EQ(indexer->Wait(milliseconds(Draw(500))), testing::kStillRunning)
        << indexer->log();
    if (kill % 3 == 2) server.Signal(SIGCONT);
    indexer->Signal(SIGKILL);
    ASSERT_EQ(indexer->Wait(minutes(1)), 128 + SIGKILL);
    const std::set<std::string> acknowledged = Acknowledged(server);
    ASSERT_NO_FATAL_FAILURE(ExpectTaken(acknowledged, index));
    served.ExpectAnswers();
    std::cout << "kill " << kill + 1 << ": " << acknowledged.size() << " of "
              << events_.size() << " acknowledged, " << Indexed(index).size()
              << " pictures searchable\n";
  }
  SendLate(server);
  const auto last = Start(server, index, /*once=*/true);
  ASSERT_EQ(last->Wait(minutes(5)), 0) << last->log();
  EXPECT_EQ(server.Connect()->Backlog()->pending, 0);
  std::set<std::string> products;
  for (const auto& [row, sha256] : Indexed(index)) {
    products.insert(row.substr(0, row.find('/')));
  }
  served.ExpectProducts(products);

  // A calm run, over the same stream by a group of its own.
  const auto calm = std::make_unique<Process>(
      std::vector<std::string>{(BinDir() / "vitrine-indexer").string(),
                               "--queue=" + server.Url() + "?group=calm",
                               "--index=" + (dir_ / "calm").string(), "--once"},
      dir_ / "calm.log");
  ASSERT_EQ(calm->Wait(minutes(5)), 0) << calm->log();
  EXPECT_EQ(Indexed(index), Indexed(dir_ / "calm"));
  std::set<std::string> all;
  for (const auto& [id, event] : events_) all.insert(id);
  ExpectTaken(all, index);
  EXPECT_EQ(server.Cli({"EXISTS", "catalogue:dead"}), "0\n");
}

TEST_F(QueueFaults, OfTwoIndexersOneHasTheIndexAndOneTheGroup) {
  RedisServer server;
  for (int i = 0; i < 30; ++i) Send(server, 20);
  const auto first = Start(server, dir_ / "index");
  ASSERT_TRUE(testing::Eventually(
      [&] { return Indexed(dir_ / "index").size() > 5; }, minutes(1)))
      << first->log();
  const auto same_index = Start(server, dir_ / "index");
  EXPECT_EQ(same_index->Wait(minutes(1)), 1);
  EXPECT_NE(same_index->log().find("another"), std::string::npos)
      << same_index->log();
  const auto same_group = Start(server, dir_ / "other");
  EXPECT_EQ(same_group->Wait(minutes(1)), 1);
  EXPECT_NE(same_group->log().find("is read into another index"),
            std::string::npos)
      << same_group->log();
  // Its heir takes over, with what it had in hand.
  for (int i = 0; i < 30; ++i) Send(server, 20);
  first->Signal(SIGKILL);
  first->Wait(minutes(1));
  SendLate(server);
  const auto heir = Start(server, dir_ / "index", /*once=*/true);
  ASSERT_EQ(heir->Wait(minutes(1)), 0) << heir->log();
  std::set<std::string> all;
  for (const auto& [id, event] : events_) all.insert(id);
  ExpectTaken(all, dir_ / "index");
}

TEST_F(QueueFaults, AnIndexerEndsWhereItIsAskedTo) {
  RedisServer server;
  for (int i = 0; i < 100; ++i) Send(server, 100);
  const auto indexer = Start(server, dir_ / "index");
  ASSERT_TRUE(testing::Eventually(
      [&] { return !Indexed(dir_ / "index").empty(); }, minutes(1)))
      << indexer->log();
  indexer->Signal(SIGTERM);
  EXPECT_EQ(indexer->Wait(minutes(1)), 0) << indexer->log();
  ExpectTaken(Acknowledged(server), dir_ / "index");
  // One that finds no queue says so.
  server.Kill();
  const auto without = Start(server, dir_ / "index");
  EXPECT_EQ(without->Wait(minutes(1)), 1);
  EXPECT_NE(without->log().find("cannot connect to redis://127.0.0.1:"),
            std::string::npos)
      << without->log();
}

}  // namespace
}  // namespace vitrine
