#include "indexer/sources/queue_reader.h"

#include <gtest/gtest.h>

#include "tests/redis_server.h"

namespace vitrine {
namespace {

using std::chrono::seconds;
using testing::RedisServer;

class QueueReaderTest : public ::testing::Test {
 protected:
  std::unique_ptr<QueueReader> Read(bool may_be_away = false) {
    QueueReaderOptions options;
    options.address = server_.Address();
    options.index = "index";
    options.timeout_ms = 2000;
    options.retry_ms = 20;
    options.may_be_away = may_be_away;
    options.report = [this](const std::string& line) {
      std::lock_guard lock(mutex_);
      told_ += line + "\n";
    };
    auto reader = QueueReader::Create(std::move(options));
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }
  QueueEntry Next(QueueReader* reader) {
    std::optional<QueueEntry> entry;
    EXPECT_TRUE(testing::Eventually(
        [&] { return (entry = reader->Next()).has_value(); }, seconds(30)));
    return entry.value_or(QueueEntry());
  }
  bool Drains(QueueReader* reader) {
    return testing::Eventually([&] { return reader->Drained(); }, seconds(30));
  }
  std::string told() {
    std::lock_guard lock(mutex_);
    return told_;
  }

  RedisServer server_;
  std::mutex mutex_;
  std::string told_;
};

TEST_F(QueueReaderTest, GivesEachEntryOnceUntilItIsAnswered) {
  const auto sender = server_.Connect();
  ASSERT_TRUE(sender->Add("a").ok());
  ASSERT_TRUE(sender->Add("b").ok());
  const auto reader = Read();
  const QueueEntry a = Next(reader.get());
  const QueueEntry b = Next(reader.get());
  EXPECT_EQ(a.event + b.event, "ab");
  EXPECT_FALSE(reader->HasNext());
  EXPECT_FALSE(reader->Drained());
  reader->Acknowledge({a.id}, 7);
  reader->Bury(b, "bad");
  ASSERT_TRUE(reader->Flush(30'000));
  EXPECT_EQ(*sender->NotedGeneration(), 7u);
  EXPECT_TRUE(Drains(reader.get()));
  EXPECT_EQ(server_.Connect()->Backlog()->pending, 0);
  EXPECT_EQ(server_.Cli({"XLEN", "catalogue:dead"}), "1\n");
}

TEST_F(QueueReaderTest, TakesOverWhatADeadReaderHad) {
  ASSERT_TRUE(server_.Connect()->Add("a").ok());
  {
    const auto reader = Read();
    EXPECT_EQ(Next(reader.get()).deliveries, 1);
  }
  const auto reader = Read();
  ASSERT_TRUE(server_.Connect()->Add("b").ok());
  const QueueEntry a = Next(reader.get());
  EXPECT_EQ(a.event, "a");
  EXPECT_EQ(a.deliveries, 2);
  EXPECT_EQ(Next(reader.get()).event, "b");
}

TEST_F(QueueReaderTest, GoesOnAfterTheServerIsKilledAndCutOff) {
  const auto reader = Read();
  ASSERT_TRUE(server_.Connect()->Add("a").ok());
  const QueueEntry a = Next(reader.get());
  server_.Kill();
  // The answer waits for the server.
  reader->Acknowledge({a.id}, 1);
  EXPECT_TRUE(testing::Eventually(
      [this] {
        return told().find("the queue cannot be read") != std::string::npos;
      },
      seconds(30)));
  server_.Start();
  ASSERT_TRUE(reader->Flush(30'000));
  EXPECT_TRUE(testing::Eventually(
      [this] {
        return told().find("the queue answers again") != std::string::npos;
      },
      seconds(30)));
  ASSERT_TRUE(server_.Connect()->Add("b").ok());
  const QueueEntry b = Next(reader.get());
  EXPECT_EQ(b.event, "b");
  server_.Signal(SIGSTOP);
  reader->Acknowledge({b.id}, 1);
  EXPECT_FALSE(reader->Flush(10));
  server_.Signal(SIGCONT);
  ASSERT_TRUE(reader->Flush(30'000));
  EXPECT_TRUE(Drains(reader.get()));
  EXPECT_EQ(server_.Connect()->Backlog()->pending, 0);
}

TEST_F(QueueReaderTest, BeginsWithAServerThatIsAway) {
  ASSERT_TRUE(server_.Connect()->Add("a").ok());
  server_.Kill();
  const auto reader = Read(/*may_be_away=*/true);
  EXPECT_TRUE(
      testing::Eventually([&] { return reader->IsLost(); }, seconds(30)));
  EXPECT_FALSE(reader->Drained());
  EXPECT_FALSE(reader->HasCaughtUp());
  server_.Start();
  EXPECT_EQ(Next(reader.get()).event, "a");
  EXPECT_TRUE(
      testing::Eventually([&] { return reader->HasCaughtUp(); }, seconds(30)));
  EXPECT_FALSE(reader->Drained());
}

TEST_F(QueueReaderTest, SaysWhatElseIsWrongWhenTheServerIsBack) {
  const auto owner = Read();
  server_.Kill();
  QueueReaderOptions options;
  options.address = server_.Address();
  options.index = "another";
  options.retry_ms = 20;
  options.may_be_away = true;
  std::string told;
  options.report = [&](const std::string& line) {
    std::lock_guard lock(mutex_);
    told += line + "\n";
  };
  const auto reader = QueueReader::Create(std::move(options));
  ASSERT_TRUE(reader.ok()) << reader.status();
  const auto is_told = [&](const std::string& what) {
    return testing::Eventually(
        [&] {
          std::lock_guard lock(mutex_);
          return told.find(what) != std::string::npos;
        },
        seconds(30));
  };
  EXPECT_TRUE(is_told("cannot connect"));
  server_.Start();
  EXPECT_TRUE(is_told("is read into another index"));
}

TEST_F(QueueReaderTest, BeginsAnewWhereTheServerHasForgottenAll) {
  const auto reader = Read();
  ASSERT_TRUE(server_.Connect()->Add("a").ok());
  reader->Acknowledge({Next(reader.get()).id}, 1);
  ASSERT_TRUE(reader->Flush(30'000));
  server_.Cli({"FLUSHALL"});
  ASSERT_TRUE(server_.Connect()->Add("b").ok());
  EXPECT_EQ(Next(reader.get()).event, "b");
}

TEST_F(QueueReaderTest, HoldsNoMoreThanItMay) {
  const auto sender = server_.Connect();
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(sender->Add("x").ok());
  const auto reader = Read();
  EXPECT_TRUE(testing::Eventually(
      [&] { return server_.Connect()->Backlog()->pending >= 256; },
      seconds(30)));
  EXPECT_LE(server_.Connect()->Backlog()->pending, 256 + 32);
  std::vector<std::string> ids;
  for (int i = 0; i < 600; ++i) ids.push_back(Next(reader.get()).id);
  reader->Acknowledge(ids, 1);
  ASSERT_TRUE(reader->Flush(30'000));
  EXPECT_TRUE(Drains(reader.get()));
}

TEST_F(QueueReaderTest, AnIndexOfAnotherNameIsRefused) {
  const auto reader = Read();
  QueueReaderOptions options;
  options.address = server_.Address();
  options.index = "another";
  EXPECT_TRUE(absl::IsFailedPrecondition(
      QueueReader::Create(std::move(options)).status()));
}

}  // namespace
}  // namespace vitrine
