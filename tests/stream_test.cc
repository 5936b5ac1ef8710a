#include "clients/cli/stream.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/test_util/fake_server.h"

namespace vitrine::cli {
namespace {

using testing::FakeServer;

// Answers each query with a hit of the product asked for.
v1::SearchStreamResponse Echo(const v1::SearchStreamRequest& request) {
  v1::SearchStreamResponse response;
  response.set_batch_id(request.batch_id());
  for (const v1::SearchRequest& query : request.queries()) {
    *response.add_items()->mutable_response()->add_hits() =
        testing::MakeHit(query.examples(0).product_id(), 1);
  }
  return response;
}

struct Taken {
  std::string label;
  std::string answer;  // The first hit, or "error: …".
  bool operator==(const Taken&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Taken& taken) {
  return out << taken.label << " -> " << taken.answer;
}

struct Result {
  std::vector<Taken> taken;
  std::optional<v1::Error> error;
};

Result Ask(const FakeServer& server, const Flags& flags,
           int64_t timeout_ms = 30000) {
  Connection connection =
      Connection::Make(server.address(), {}, timeout_ms).value();
  auto source = QuerySource::Open(flags, -1);
  EXPECT_TRUE(source.ok()) << source.status();
  Result result;
  result.error = SearchMany(
      connection, flags, {}, source->get(),
      [&result](const Query& query, const SearchOutcome& outcome) {
        std::string answer;
        if (const auto* error = std::get_if<v1::Error>(&outcome)) {
          answer = "error: " + error->message();
        } else {
          answer = std::get<v1::SearchResponse>(outcome).hits(0).product_id();
        }
        result.taken.push_back({query.label, answer});
      });
  return result;
}

Flags Products(int count) {
  Flags flags;
  for (int i = 1; i <= count; ++i) flags.products.push_back(std::to_string(i));
  return flags;
}

std::vector<Taken> Echoes(int count) {
  std::vector<Taken> taken;
  for (int i = 1; i <= count; ++i) {
    taken.push_back({std::to_string(i), std::to_string(i)});
  }
  return taken;
}

TEST(SearchMany, AnswersInTheOrderOfTheQueries) {
  FakeServer server;
  server.search_stream = [](FakeServer::SearchStreamHalf* stream) {
    std::vector<v1::SearchStreamRequest> requests(4);
    for (auto& request : requests) EXPECT_TRUE(stream->Read(&request));
    for (auto it = requests.rbegin(); it != requests.rend(); ++it) {
      stream->Write(Echo(*it));
    }
    EXPECT_FALSE(stream->Read(&requests[0]));
    return grpc::Status::OK;
  };
  Result result = Ask(server, Products(120));
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.taken, Echoes(120));
}

// The server refuses answers of a batch beyond 64 MB.
TEST(SearchMany, AsksForFewLargeAnswersAtOnce) {
  FakeServer server;
  int most = 0;
  server.search_stream = [&most](FakeServer::SearchStreamHalf* stream) {
    v1::SearchStreamRequest request;
    while (stream->Read(&request)) {
      most = std::max(most, request.queries_size());
      stream->Write(Echo(request));
    }
    return grpc::Status::OK;
  };
  Flags flags = Products(40);
  flags.k = 1000;
  flags.thumbnails = true;
  flags.return_vectors = true;
  Result result = Ask(server, flags);
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.taken, Echoes(40));
  EXPECT_EQ(most, 1);
}

TEST(SearchMany, KeepsABoundedNumberOfBatchesUnderWay) {
  constexpr int kBatches = 12;
  FakeServer server;
  int most = 0;
  server.search_stream = [&most](FakeServer::SearchStreamHalf* stream) {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<v1::SearchStreamRequest> requests;
    bool over = false;
    std::thread reader([&] {
      v1::SearchStreamRequest request;
      while (stream->Read(&request)) {
        std::lock_guard lock(mutex);
        requests.push_back(request);
        changed.notify_all();
      }
      std::lock_guard lock(mutex);
      over = true;
      changed.notify_all();
    });
    for (int answered = 0; answered < kBatches; ++answered) {
      v1::SearchStreamRequest request;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] {
          int unanswered = static_cast<int>(requests.size()) - answered;
          most = std::max(most, unanswered);
          return unanswered >= 4 || over;
        });
        request = requests[answered];
      }
      stream->Write(Echo(request));
    }
    reader.join();
    return grpc::Status::OK;
  };
  Result result = Ask(server, Products(32 * kBatches));
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.taken, Echoes(32 * kBatches));
  EXPECT_EQ(most, 4);
}

TEST(SearchMany, GoesOnAfterAQueryThatFails) {
  FakeServer server;
  server.search_stream = [](FakeServer::SearchStreamHalf* stream) {
    v1::SearchStreamRequest request;
    while (stream->Read(&request)) {
      v1::SearchStreamResponse response = Echo(request);
      for (auto& item : *response.mutable_items()) {
        if (item.response().hits(0).product_id() == "3") {
          item.mutable_error()->set_message("no product 3");
        }
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  };
  Result result = Ask(server, Products(20));
  EXPECT_FALSE(result.error);
  std::vector<Taken> expected = Echoes(20);
  expected[2].answer = "error: no product 3";
  EXPECT_EQ(result.taken, expected);
}

TEST(SearchMany, GoesOnAfterFilesThatCannotBeRead) {
  FakeServer server;
  server.search_stream = [](FakeServer::SearchStreamHalf* stream) {
    v1::SearchStreamRequest request;
    while (stream->Read(&request)) stream->Write(Echo(request));
    return grpc::Status::OK;
  };
  Flags flags = Products(3);
  // Two whole batches of 8 without a query that can be sent, and a mixed one.
  flags.images.assign(19, "/nonexistent/a.jpg");
  Result result = Ask(server, flags);
  EXPECT_FALSE(result.error);
  ASSERT_EQ(result.taken.size(), 22u);
  for (int i = 0; i < 19; ++i) {
    EXPECT_TRUE(result.taken[i].answer.starts_with("error: cannot open"));
  }
  result.taken.erase(result.taken.begin(), result.taken.begin() + 19);
  EXPECT_EQ(result.taken, Echoes(3));
}

TEST(SearchMany, ReportsABatchThatIsRefusedAsAWhole) {
  FakeServer server;
  server.search_stream = [](FakeServer::SearchStreamHalf* stream) {
    v1::SearchStreamRequest request;
    while (stream->Read(&request)) {
      v1::SearchStreamResponse response;
      response.set_batch_id(request.batch_id());
      response.mutable_error()->set_message("too many queries");
      stream->Write(response);
    }
    return grpc::Status::OK;
  };
  Result result = Ask(server, Products(2));
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.taken,
            (std::vector<Taken>{{"1", "error: too many queries"},
                                {"2", "error: too many queries"}}));
}

TEST(SearchMany, NamesTheQueryAtWhichTheStreamBroke) {
  FakeServer server;
  server.search_stream = [](FakeServer::SearchStreamHalf* stream) {
    v1::SearchStreamRequest request;
    stream->Read(&request);
    stream->Write(Echo(request));
    stream->Read(&request);
    return testing::Refusal(grpc::StatusCode::DATA_LOSS,
                            v1::ERROR_REASON_INDEX_DAMAGED,
                            "shards/7 fails its checksum");
  };
  Result result = Ask(server, Products(1000));
  EXPECT_EQ(result.taken, Echoes(32));
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->reason(), v1::ERROR_REASON_INDEX_DAMAGED);
  EXPECT_EQ(result.error->message(),
            "shards/7 fails its checksum (stopped at 33)");
}

TEST(SearchMany, FailsWhereTheServerEndsTheStreamEarly) {
  FakeServer server;
  server.search_stream = [](FakeServer::SearchStreamHalf* stream) {
    v1::SearchStreamRequest request;
    while (stream->Read(&request)) {
    }
    return grpc::Status::OK;
  };
  Result result = Ask(server, Products(3));
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->code(), grpc::StatusCode::INTERNAL);
}

TEST(SearchMany, GivesUpOnAServerThatDoesNotAnswer) {
  FakeServer server;
  server.search_stream = [](FakeServer::SearchStreamHalf* stream) {
    v1::SearchStreamRequest request;
    stream->Read(&request);
    stream->Write(Echo(request));
    while (stream->Read(&request)) {  // Ends when the client gives up.
    }
    return grpc::Status::CANCELLED;
  };
  Result result = Ask(server, Products(1000), /*timeout_ms=*/1500);
  EXPECT_EQ(result.taken, Echoes(32));
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->reason(), v1::ERROR_REASON_DEADLINE_EXCEEDED);
}

TEST(SearchMany, SaysThatThereIsNoServer) {
  std::string address;
  {
    FakeServer server;
    address = server.address();
  }
  Connection connection = Connection::Make(address, {}, 30000).value();
  auto source = QuerySource::Open(Products(100), -1);
  auto error = SearchMany(connection, {}, {}, source->get(),
                          [](const Query&, const SearchOutcome&) {});
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->message().starts_with("no server at " + address))
      << error->message();
}

// A program that feeds paths one at a time gets each answer before it writes
// the next, though a batch would hold more.
TEST(SearchMany, AnswersBeforeTheNextLineIsWritten) {
  FakeServer server;
  server.search_stream = [](FakeServer::SearchStreamHalf* stream) {
    v1::SearchStreamRequest request;
    while (stream->Read(&request)) stream->Write(Echo(request));
    return grpc::Status::OK;
  };
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Flags flags;
  flags.vectors = {"-"};
  auto source = QuerySource::Open(flags, ends[0]);
  Connection connection = Connection::Make(server.address(), {}, 30000).value();
  int answers = 0;
  ASSERT_EQ(write(ends[1], "[1]\n", 4), 4);
  auto error = SearchMany(connection, flags, {}, source->get(),
                          [&](const Query&, const SearchOutcome&) {
                            if (++answers == 3) {
                              close(ends[1]);
                            } else {
                              EXPECT_EQ(write(ends[1], "[1]\n", 4), 4);
                            }
                          });
  EXPECT_FALSE(error);
  EXPECT_EQ(answers, 3);
  close(ends[0]);
}

}  // namespace
}  // namespace vitrine::cli
