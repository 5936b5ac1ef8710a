#include "benchmarks/load_generator.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace vitrine {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// Notes the k of each search; one of kRefused is refused.
class NotingService final : public v1::SearchService::Service {
 public:
  static constexpr int kRefused = 7;

  grpc::Status Search(grpc::ServerContext*, const v1::SearchRequest* request,
                      v1::SearchResponse*) override {
    ++searches;
    sum_of_k += request->k();
    if (request->k() == kRefused) {
      return {grpc::StatusCode::INVALID_ARGUMENT, "no sevens"};
    }
    return grpc::Status::OK;
  }
  grpc::Status SearchStream(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::SearchStreamResponse,
                               v1::SearchStreamRequest>* stream) override {
    v1::SearchStreamRequest request;
    while (stream->Read(&request)) {
      v1::SearchStreamResponse response;
      response.set_batch_id(request.batch_id());
      for (const v1::SearchRequest& query : request.queries()) {
        ++searches;
        sum_of_k += query.k();
        auto* item = response.add_items();
        if (query.k() == kRefused) {
          item->mutable_error()->set_message("no sevens");
        } else {
          item->mutable_response();
        }
      }
      ++batches;
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  std::atomic<int> searches = 0, sum_of_k = 0, batches = 0;
};

class LoadGeneratorTest : public ::testing::Test {
 protected:
  LoadGeneratorTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    server_ = builder.BuildAndStart();
    stub_ = v1::SearchService::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                            grpc::InsecureChannelCredentials()));
  }
  static std::vector<v1::SearchRequest> RequestsOf(std::vector<int> ks) {
    std::vector<v1::SearchRequest> requests(ks.size());
    for (size_t i = 0; i < ks.size(); ++i) requests[i].set_k(ks[i]);
    return requests;
  }

  NotingService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

TEST_F(LoadGeneratorTest, AsksAllCallsInTurn) {
  const auto rate = UnaryRate(stub_.get(), RequestsOf({1, 2, 3}), 10, 4);
  ASSERT_TRUE(rate.ok()) << rate.status();
  EXPECT_GT(*rate, 0);
  EXPECT_EQ(service_.searches, 10);
  EXPECT_EQ(service_.sum_of_k, 3 * (1 + 2 + 3) + 1);
}

TEST_F(LoadGeneratorTest, StreamsAllBatches) {
  const auto rate = StreamRate(stub_.get(), RequestsOf({1, 2, 3}), 20, 5, 3);
  ASSERT_TRUE(rate.ok()) << rate.status();
  EXPECT_GT(*rate, 0);
  EXPECT_EQ(service_.batches, 20);
  EXPECT_EQ(service_.searches, 100);
  EXPECT_EQ(service_.sum_of_k, 33 * (1 + 2 + 3) + 1);
}

TEST_F(LoadGeneratorTest, BeginsAllCallsOfAnOpenLoop) {
  const auto latencies =
      OpenLoopLatencies(stub_.get(), RequestsOf({1}), 1000, 0.05);
  ASSERT_TRUE(latencies.ok()) << latencies.status();
  EXPECT_NEAR(static_cast<double>(latencies->size()), 50, 35);
  EXPECT_THAT(*latencies, SizeIs(service_.searches.load()));
}

TEST_F(LoadGeneratorTest, TellsWhichCallsOfAnOpenLoopWereRefused) {
  const std::vector<OpenLoopCall> calls = OpenLoop(
      stub_.get(), RequestsOf({1, NotingService::kRefused}), 1000, 0.05);
  ASSERT_GT(calls.size(), 10u);
  size_t refused = 0;
  double latest = 0;
  for (const OpenLoopCall& call : calls) {
    refused += call.code == grpc::StatusCode::INVALID_ARGUMENT ? 1 : 0;
    latest = std::max(latest, call.due_s);
    EXPECT_GT(call.ms, 0);
  }
  EXPECT_EQ(refused, calls.size() / 2);
  EXPECT_LT(latest, 0.05);
  EXPECT_GT(latest, 0.025);
}

TEST_F(LoadGeneratorTest, TellsWhatWasRefused) {
  const auto requests = RequestsOf({1, NotingService::kRefused, 2});
  for (const absl::Status& status :
       {UnaryRate(stub_.get(), requests, 6, 2).status(),
        StreamRate(stub_.get(), requests, 3, 2, 2).status(),
        OpenLoopLatencies(stub_.get(), requests, 1000, 0.01).status()}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr("no sevens"));
  }
}

TEST_F(LoadGeneratorTest, TellsThatTheServerHasGone) {
  server_->Shutdown();
  EXPECT_FALSE(UnaryRate(stub_.get(), RequestsOf({1}), 6, 2).ok());
  EXPECT_FALSE(StreamRate(stub_.get(), RequestsOf({1}), 20, 2, 2).ok());
}

TEST(Quantile, IsTheNearestRank) {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  EXPECT_EQ(Quantile(values, 0.5), 50);
  EXPECT_EQ(Quantile(values, 0.99), 99);
  EXPECT_EQ(Quantile(values, 0.991), 100);
  EXPECT_EQ(Quantile(values, 1), 100);
  EXPECT_EQ(Quantile({3}, 0.5), 3);
}

}  // namespace
}  // namespace vitrine
