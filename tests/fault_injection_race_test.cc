// Two indexers that start at the same moment: one has the index, or the stream,
// and the other says who has it and touches nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <iostream>

#include "tests/broken_run.h"
#include "tests/redis_server.h"
#include "tests/test_util/environment.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;
using testing::IndexerWorld;
using testing::JpegOf;

class Races : public ::testing::Test {
 protected:
  struct Racer {
    bool opened = false;
    std::string said;
  };

  void SetUp() override {
    races_ = testing::NumberFromEnvironment("VITRINE_FAULT_KILLS", 20) / 2;
  }

  // Two runs in processes of their own, which begin together. Neither goes on
  // before both have an index, or have not.
  std::array<Racer, 2> Race(const std::array<IndexerOptions, 2>& options) {
    std::array<int, 2> start;
    std::array<int, 2> opened;
    std::array<int, 2> go;
    for (auto* pipe : {&start, &opened, &go}) {
      EXPECT_EQ(::pipe2(pipe->data(), O_CLOEXEC), 0);
    }
    std::array<pid_t, 2> children;
    for (size_t i = 0; i < 2; ++i) {
      std::filesystem::remove(Report(i));
      children[i] = ::fork();
      if (children[i] != 0) continue;
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const testing::StderrLog log(Log(i));
      char byte = 0;
      if (::read(start[0], &byte, 1) != 1) ::_exit(1);
      auto indexer = Indexer::Create(options[i]);
      testing::WriteAll(Report(i),
                        indexer.ok() ? "opened" : indexer.status().ToString());
      if (::write(opened[1], &byte, 1) != 1) ::_exit(1);
      if (::read(go[0], &byte, 1) != 1) ::_exit(1);
      ::_exit(indexer.ok() && !(*indexer)->RunOnce().ok() ? 2 : 0);
    }
    const std::array<char, 2> bytes = {};
    std::array<char, 1> byte = {};
    EXPECT_EQ(::write(start[1], bytes.data(), 2), 2);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(::read(opened[0], byte.data(), 1), 1);
    EXPECT_EQ(::write(go[1], bytes.data(), 2), 2);
    std::array<Racer, 2> racers;
    for (size_t i = 0; i < 2; ++i) {
      int status = -1;
      ::waitpid(children[i], &status, 0);
      EXPECT_EQ(status, 0) << testing::ReadAll(Log(i));
      racers[i].said = testing::ReadAll(Report(i));
      racers[i].opened = racers[i].said == "opened";
    }
    for (const auto& pipe : {start, opened, go}) {
      for (int fd : pipe) ::close(fd);
    }
    return racers;
  }

  std::filesystem::path Report(size_t i) const {
    return world_.root() / ("report" + std::to_string(i));
  }
  std::filesystem::path Log(size_t i) const {
    return world_.root() / ("log" + std::to_string(i));
  }
  IndexerOptions OptionsFor(const std::string& index) {
    IndexerOptions options = world_.options();
    options.index.root = world_.root() / index;
    options.settle_ms = 0;
    return options;
  }

  IndexerWorld world_;
  int races_ = 0;
  std::array<int, 2> wins_ = {};
};

TEST_F(Races, OneOfTwoHasTheIndex) {
  for (int i = 0; i < 6; ++i) {
    world_.Put("p" + std::to_string(i) + ".jpg", i);
  }
  testing::Digest expected;
  for (int race = 0; race < races_; ++race) {
    SCOPED_TRACE(race);
    // Half of them begin an index, and half go on with one.
    const std::string index = "index" + std::to_string(race / 2);
    if (race % 2 == 1) world_.Put("p0.jpg", 100 + race);
    const auto racers = Race({OptionsFor(index), OptionsFor(index)});
    ASSERT_NE(racers[0].opened, racers[1].opened)
        << racers[0].said << racers[1].said;
    ++wins_[racers[0].opened ? 0 : 1];
    const Racer& loser = racers[racers[0].opened ? 1 : 0];
    EXPECT_THAT(loser.said, HasSubstr("is being written by "));
    EXPECT_THAT(loser.said, HasSubstr("stop that one first"));
    const IndexPaths paths{world_.root() / index};
    const auto digest = testing::DigestOf(paths);
    int rows = 0;
    for (const auto& [key, value] : digest) rows += key.starts_with("row ");
    EXPECT_EQ(rows, 6);
    testing::ExpectReceiptsAreTrue(paths, digest, digest);
    EXPECT_EQ(testing::ReceiptsOf(paths).size(), race % 2 == 0 ? 6u : 7u);
    testing::ExpectNoOrphans(paths);
  }
  std::cout << wins_[0] << " to " << wins_[1] << "\n";
}

TEST_F(Races, OneOfTwoHasTheStream) {
  testing::RedisServer server({"--appendonly", "no"});
  world_.options().catalog.root.clear();
  world_.options().queue = server.Address();
  for (int race = 0; race < races_; ++race) {
    SCOPED_TRACE(race);
    ASSERT_EQ(server.Cli({"FLUSHALL"}), "OK\n");
    const auto stream = server.Connect();
    for (int i = 0; i < 6; ++i) {
      v1::CatalogEvent event;
      event.mutable_upsert()->set_product_id("p" + std::to_string(i));
      event.mutable_upsert()->add_images()->set_key("k");
      event.mutable_upsert()->mutable_images(0)->set_content(JpegOf(i));
      ASSERT_TRUE(stream->Add(event.SerializeAsString()).ok());
    }
    const std::array<std::string, 2> indexes = {"a" + std::to_string(race),
                                                "b" + std::to_string(race)};
    const auto racers = Race({OptionsFor(indexes[0]), OptionsFor(indexes[1])});
    ASSERT_NE(racers[0].opened, racers[1].opened)
        << racers[0].said << racers[1].said;
    const size_t winner = racers[0].opened ? 0 : 1;
    ++wins_[winner];
    EXPECT_THAT(racers[1 - winner].said,
                HasSubstr("is read into another index"));
    EXPECT_EQ(testing::ContentOnDisk({world_.root() / indexes[winner]}).size(),
              6u);
    EXPECT_EQ(
        testing::ContentOnDisk({world_.root() / indexes[1 - winner]}).size(),
        0u);
    EXPECT_EQ(stream->Backlog()->pending, 0);
    EXPECT_EQ(*stream->DeadLetters(), 0);
  }
  std::cout << wins_[0] << " to " << wins_[1] << "\n";
}

}  // namespace
}  // namespace vitrine
