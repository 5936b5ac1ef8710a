#include "common/queue/redis_stream.h"

#include <gtest/gtest.h>

#include "tests/redis_server.h"

namespace vitrine {
namespace {

using testing::RedisServer;

std::vector<std::string> EventsOf(
    const absl::StatusOr<std::vector<QueueEntry>>& entries) {
  EXPECT_TRUE(entries.ok()) << entries.status();
  std::vector<std::string> events;
  if (entries.ok()) {
    for (const QueueEntry& entry : *entries) events.push_back(entry.event);
  }
  return events;
}

using Strings = std::vector<std::string>;

TEST(RedisStream, HandsOutWhatIsAddedUntilItIsAcknowledged) {
  const RedisServer server;
  const auto sender = server.Connect();
  const std::string binary("a\0\r\n\xff", 5);
  const auto first = sender->Add(binary);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(sender->Add("b").ok());

  const auto receiver = server.Connect();
  EXPECT_EQ(receiver->Backlog()->waiting, 2) << "before there is a group";
  EXPECT_EQ(server.Connect("none")->Backlog()->waiting, 0);
  ASSERT_TRUE(receiver->MakeGroup().ok());
  ASSERT_TRUE(receiver->MakeGroup().ok()) << "twice is fine";
  EXPECT_EQ(receiver->Backlog()->waiting, 2);
  const auto entries = receiver->ReadNew(10, 1000);
  EXPECT_EQ(EventsOf(entries), (Strings{binary, "b"}));
  EXPECT_EQ((*entries)[0].id, *first);
  EXPECT_EQ(EventsOf(receiver->ReadNew(10, 1)), Strings());
  EXPECT_EQ(receiver->Backlog()->pending, 2);
  EXPECT_EQ(receiver->Backlog()->waiting, 0);
  EXPECT_EQ(receiver->Backlog()->oldest_pending, *first);

  // The next connection is the next indexer.
  const auto next = server.Connect();
  const auto pending = next->ReadPending("0", 1);
  EXPECT_EQ(EventsOf(pending), Strings{binary});
  EXPECT_EQ((*pending)[0].deliveries, 2);
  EXPECT_EQ(EventsOf(next->ReadPending((*pending)[0].id, 9)), Strings{"b"});
  ASSERT_TRUE(next->Acknowledge({&*first, 1}, false).ok());
  EXPECT_EQ(EventsOf(next->ReadPending("0", 9)), Strings{"b"});
  EXPECT_EQ(server.Cli({"XLEN", "catalogue"}), "2\n");
  const std::string second = next->ReadPending("0", 9)->front().id;
  ASSERT_TRUE(next->Acknowledge({&second, 1}, true).ok());
  EXPECT_EQ(server.Cli({"XLEN", "catalogue"}), "1\n");
  EXPECT_EQ(receiver->Backlog()->oldest_pending, "");

  EXPECT_EQ(*receiver->NotedGeneration(), 0u);
  ASSERT_TRUE(receiver->NoteGeneration(UINT64_MAX).ok());
  EXPECT_EQ(*next->NotedGeneration(), UINT64_MAX);
  // The next index of the group begins with none.
  ASSERT_TRUE(receiver->Own("one").ok());
  EXPECT_EQ(*next->NotedGeneration(), 0u);
}

TEST(RedisStream, BuriesWithTheReason) {
  const RedisServer server;
  const auto stream = server.Connect();
  ASSERT_TRUE(stream->MakeGroup().ok());
  ASSERT_TRUE(stream->Add("poison").ok());
  QueueEntry entry = stream->ReadNew(1, 1000)->front();
  ASSERT_TRUE(stream->Bury(entry, "it is bad", false).ok());
  // The bytes are read anew where they are not at hand.
  entry.event.clear();
  ASSERT_TRUE(stream->Bury(entry, "it is bad", true).ok());
  const std::string dead = server.Cli({"XRANGE", "catalogue:dead", "-", "+"});
  EXPECT_NE(dead.find("event\npoison\nreason\nit is bad\nentry\n" + entry.id),
            std::string::npos)
      << dead;
  EXPECT_EQ(server.Cli({"XLEN", "catalogue:dead"}), "2\n");
  EXPECT_EQ(server.Cli({"XLEN", "catalogue"}), "0\n");
  EXPECT_EQ(stream->Backlog()->pending, 0);
}

TEST(RedisStream, TellsOfEntriesThatWereTakenBack) {
  const RedisServer server;
  const auto stream = server.Connect();
  ASSERT_TRUE(stream->MakeGroup().ok());
  const auto id = stream->Add("x");
  ASSERT_TRUE(stream->ReadNew(1, 1000).ok());
  server.Cli({"XDEL", "catalogue", *id});
  const auto entries = stream->ReadPending("0", 9);
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_TRUE((*entries)[0].gone);
  // An entry without the field is one without an event.
  server.Cli({"XADD", "catalogue", "*", "other", "x"});
  const auto other = stream->ReadNew(1, 1000);
  EXPECT_EQ(EventsOf(other), Strings{""});
  EXPECT_FALSE((*other)[0].gone);
}

TEST(RedisStream, AGroupBelongsToOneIndex) {
  const RedisServer server;
  const auto stream = server.Connect();
  ASSERT_TRUE(stream->Own("one").ok());
  ASSERT_TRUE(stream->Own("one").ok());
  const absl::Status status = stream->Own("two");
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_NE(status.message().find("?group=NAME"), absl::string_view::npos);
  EXPECT_NE(status.message().find("catalogue:vitrine:index"),
            absl::string_view::npos);
}

TEST(RedisStream, SaysWhoDoesNotAnswerAndWhy) {
  {
    QueueAddress nobody;
    nobody.host = "127.0.0.1";
    nobody.port = testing::FreePort();
    nobody.stream = "catalogue";
    const absl::Status status = RedisStream::Connect(nobody, 1000).status();
    EXPECT_TRUE(absl::IsUnavailable(status));
    EXPECT_NE(status.message().find("cannot connect to redis://127.0.0.1:"),
              absl::string_view::npos)
        << status;
  }
  RedisServer server({"--requirepass", "secret"});
  QueueAddress address = server.Address();
  EXPECT_TRUE(
      absl::IsFailedPrecondition(RedisStream::Connect(address, 1000).status()));
  address.password = "wrong";
  const absl::Status refused = RedisStream::Connect(address, 1000).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_EQ(refused.message().find("wrong "), absl::string_view::npos);
  address.password = "secret";
  const auto stream = RedisStream::Connect(address, 1000);
  ASSERT_TRUE(stream.ok()) << stream.status();
  ASSERT_TRUE((*stream)->Add("x").ok());
  // A server that is cut off, and then gone.
  server.Signal(SIGSTOP);
  EXPECT_TRUE(absl::IsUnavailable((*stream)->Add("y").status()));
  server.Signal(SIGCONT);
  EXPECT_TRUE(absl::IsUnavailable((*stream)->Add("z").status()))
      << "a connection is lost for good";
  const auto again = RedisStream::Connect(address, 5000);
  ASSERT_TRUE(again.ok()) << again.status();
  server.Kill();
  EXPECT_TRUE(absl::IsUnavailable((*again)->Add("y").status()));
}

TEST(VersionOfEntry, RisesWithTheStream) {
  EXPECT_LT(VersionOfEntry("1700000000000-0"),
            VersionOfEntry("1700000000000-1"));
  EXPECT_LT(VersionOfEntry("1700000000000-9"),
            VersionOfEntry("1700000000001-0"));
  EXPECT_EQ(VersionOfEntry("1700000000000-9999999"),
            VersionOfEntry("1700000000000-8888888"));
  EXPECT_EQ(VersionOfEntry("x-0"), 0u);
  EXPECT_EQ(VersionOfEntry("17"), 0u);
}

}  // namespace
}  // namespace vitrine
