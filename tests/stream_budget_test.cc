#include "server/stream_budget.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/status.h"
#include "server/grpc_service.h"
#include "server/grpc_status.h"
#include "server/search_stream.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;

// What the service does with a stream.
class StreamsAlone final : public SearchCalls {
 public:
  StreamsAlone(const StreamOptions& options) : options_(options) {}

  SearchStreamReactor* SearchStream(
      grpc::CallbackServerContext* context) override {
    return NewSearchStream(context, options_);
  }
  grpc::ServerUnaryReactor* Search(grpc::CallbackServerContext*,
                                   const v1::SearchRequest*,
                                   v1::SearchResponse*) override {
    return nullptr;
  }
  grpc::ServerUnaryReactor* Recommend(grpc::CallbackServerContext*,
                                      const v1::RecommendRequest*,
                                      v1::RecommendResponse*) override {
    return nullptr;
  }
  grpc::ServerUnaryReactor* Embed(grpc::CallbackServerContext*,
                                  const v1::EmbedRequest*,
                                  v1::EmbedResponse*) override {
    return nullptr;
  }
  grpc::ServerUnaryReactor* GetProduct(grpc::CallbackServerContext*,
                                       const v1::GetProductRequest*,
                                       v1::GetProductResponse*) override {
    return nullptr;
  }
  grpc::ServerUnaryReactor* GetImage(grpc::CallbackServerContext*,
                                     const v1::GetImageRequest*,
                                     v1::GetImageResponse*) override {
    return nullptr;
  }
  grpc::ServerWriteReactor<v1::ListProductsResponse>* ListProducts(
      grpc::CallbackServerContext*, const v1::ListProductsRequest*) override {
    return nullptr;
  }
  grpc::ServerUnaryReactor* DescribeIndex(grpc::CallbackServerContext*,
                                          const v1::DescribeIndexRequest*,
                                          v1::DescribeIndexResponse*) override {
    return nullptr;
  }

 private:
  const StreamOptions options_;
};

// Streams whose answers fail at once, with little room for all of them.
class FullStreamsTest : public ::testing::Test {
 protected:
  FullStreamsTest() {
    StreamOptions options;
    options.take = [] {
      return AnswerSearches(
          [](std::span<const v1::SearchRequest* const> requests, const Call&,
             std::span<v1::SearchResponse* const>) {
            return std::vector<absl::Status>(requests.size());
          });
    };
    options.executors = {&executor_, &executor_};
    options.budget = &budget_;
    calls_ = std::make_unique<StreamsAlone>(options);
    service_ = std::make_unique<GrpcSearchService>(calls_.get(), nullptr);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.SetMaxReceiveMessageSize(-1);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::SearchService::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                            grpc::InsecureChannelCredentials()));
  }
  ~FullStreamsTest() override { server_->Shutdown(); }

  struct Stream {
    explicit Stream(v1::SearchService::Stub* stub)
        : calls(stub->SearchStream(&context)) {}
    // Whether a batch of so many bytes is answered.
    bool Asks(size_t bytes) {
      v1::SearchStreamRequest batch;
      batch.add_queries()->add_exclude_product_ids(std::string(bytes, 'x'));
      v1::SearchStreamResponse answer;
      return calls->Write(batch) && calls->Read(&answer);
    }
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReaderWriter<v1::SearchStreamRequest,
                                             v1::SearchStreamResponse>>
        calls;
  };

  StreamBudget budget_{
      {.streams = 3, .much_bytes = 1'000'000, .most_bytes = 4'000'000}};
  Executor executor_{2, {}};
  std::unique_ptr<StreamsAlone> calls_;
  std::unique_ptr<GrpcSearchService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

TEST_F(FullStreamsTest, RefusesOneStreamMoreUntilOneHasEnded) {
  std::vector<std::unique_ptr<Stream>> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(std::make_unique<Stream>(stub_.get()));
    ASSERT_TRUE(open.back()->Asks(10));
  }
  Stream refused(stub_.get());
  EXPECT_FALSE(refused.Asks(10));
  const grpc::Status status = refused.calls->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("3 streams are open"));
  EXPECT_EQ(ErrorOf(FromGrpc(status)).retry_after_ms(), 1000);
  open[1]->calls->WritesDone();
  EXPECT_TRUE(open[1]->calls->Finish().ok());
  while (!budget_.CheckRoom().ok()) std::this_thread::yield();
  Stream next(stub_.get());
  EXPECT_TRUE(next.Asks(10));
}

TEST_F(FullStreamsTest, EndsAStreamThatHoldsTooMuchAndNoOther) {
  Stream small(stub_.get());
  ASSERT_TRUE(small.Asks(10));
  Stream large(stub_.get());
  EXPECT_TRUE(large.Asks(2'000'000));
  EXPECT_FALSE(large.Asks(4'000'001));
  const grpc::Status status = large.calls->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("all streams together"));
  // And gives back what it held, once its call is done.
  while (budget_.bytes() > 0) std::this_thread::yield();
  EXPECT_TRUE(small.Asks(2'000'000));
}

}  // namespace
}  // namespace vitrine
