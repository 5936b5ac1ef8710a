#include "server/server_metrics.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "server/server.h"
#include "tests/http_get.h"
#include "tests/process.h"
#include "tests/test_util/corrupt.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using testing::Eventually;
using ::testing::HasSubstr;
using testing::HttpGet;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::chrono::minutes kPatience(1);

class ServerMetricsTest : public ::testing::Test {
 protected:
  void AddProducts(int count, int from = 0) {
    std::vector<TestProduct> products;
    for (int i = from; i < from + count; ++i) {
      const std::string id = "p" + std::to_string(100 + i);
      products.push_back(
          {id, "Dress", {{id + ".jpg", DrawVector(i, &random_)}}, {}});
    }
    ASSERT_OK(index_.Add(products));
  }
  void Start(Log* log = nullptr) {
    ServerOptions options;
    options.log = log;
    options.store = index_.StoreOptions();
    options.listen = "127.0.0.1:0";
    options.status_listen = "127.0.0.1:0";
    options.shadow_share = 1;
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(std::move(options)));
    stub_ = v1::SearchService::NewStub(grpc::CreateChannel(
        server_->address(), grpc::InsecureChannelCredentials()));
  }
  grpc::StatusCode Search(const std::string& product) {
    grpc::ClientContext context;
    v1::SearchRequest request;
    request.add_examples()->set_product_id(product);
    v1::SearchResponse response;
    return stub_->Search(&context, request, &response).error_code();
  }
  grpc::StatusCode SearchLike(const std::string& picture) {
    grpc::ClientContext context;
    v1::SearchRequest request;
    request.add_examples()->mutable_image()->set_content(picture);
    v1::SearchResponse response;
    return stub_->Search(&context, request, &response).error_code();
  }
  std::string Get(const std::string& path) const {
    return HttpGet(server_->status_address(), path);
  }
  // A call has ended a moment after its caller has the answer.
  bool HasSoon(const std::string& line) const {
    return Eventually(
        [&] {
          return Get("/metrics").find("\n" + line + "\n") != std::string::npos;
        },
        kPatience);
  }

  std::mt19937 random_{1};
  ServingIndex index_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

TEST_F(ServerMetricsTest, CountsCallsByMethodAndCode) {
  AddProducts(30);
  Start();
  EXPECT_EQ(Search("p105"), grpc::StatusCode::OK);
  EXPECT_EQ(Search("p106"), grpc::StatusCode::OK);
  EXPECT_EQ(Search("none"), grpc::StatusCode::NOT_FOUND);
  grpc::ClientContext context;
  const auto stream = stub_->SearchStream(&context);
  v1::SearchStreamRequest batch;
  batch.add_queries()->add_examples()->set_product_id("p107");
  ASSERT_TRUE(stream->Write(batch));
  v1::SearchStreamResponse answer;
  ASSERT_TRUE(stream->Read(&answer));
  EXPECT_EQ(answer.items(0).response().hits_size(), 10);

  const std::string search = "method=\"vitrine.v1.SearchService/Search\"}";
  const std::string streams =
      "method=\"vitrine.v1.SearchService/SearchStream\"}";
  EXPECT_TRUE(
      HasSoon("vitrine_requests_total{code=\"NOT_FOUND\"," + search + " 1"));
  EXPECT_TRUE(HasSoon("vitrine_requests_total{code=\"OK\"," + search + " 2"));
  EXPECT_TRUE(HasSoon("vitrine_request_seconds_count{" + search + " 3"));
  EXPECT_TRUE(HasSoon("vitrine_requests_in_flight{" + search + " 0"));
  EXPECT_TRUE(HasSoon("vitrine_requests_in_flight{" + streams + " 1"));
  EXPECT_TRUE(stream->WritesDone());
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(HasSoon("vitrine_requests_total{code=\"OK\"," + streams + " 1"));
  EXPECT_TRUE(HasSoon("vitrine_requests_in_flight{" + streams + " 0"));
  // How long a stream lasts is its caller's choice.
  EXPECT_THAT(Get("/metrics"),
              Not(HasSubstr("vitrine_request_seconds_count{" + streams)));
}

TEST_F(ServerMetricsTest, CountsWhoGaveUpAsCancelled) {
  AddProducts(30);
  Start();
  grpc::ClientContext context;
  const auto stream = stub_->SearchStream(&context);
  ASSERT_TRUE(stream->Write({}));
  v1::SearchStreamResponse answer;
  ASSERT_TRUE(stream->Read(&answer));
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(
      HasSoon("vitrine_requests_total{code=\"CANCELLED\",method=\"vitrine.v1."
              "SearchService/SearchStream\"} 1"));
}

TEST_F(ServerMetricsTest, ManyNamesOfNoMethodAreOne) {
  AddProducts(30);
  Start();
  grpc::GenericStub stub(grpc::CreateChannel(
      server_->address(), grpc::InsecureChannelCredentials()));
  for (int i = 0; i < 3; ++i) {
    grpc::ClientContext context;
    const grpc::Slice nothing("");
    grpc::ByteBuffer in(&nothing, 1), out;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/no.Service/Method" + std::to_string(i), {}, &in,
                   &out, [&](const grpc::Status& s) { done.set_value(s); });
    EXPECT_EQ(done.get_future().get().error_code(),
              grpc::StatusCode::UNIMPLEMENTED);
  }
  EXPECT_TRUE(HasSoon(
      "vitrine_requests_total{code=\"UNIMPLEMENTED\",method=\"other\"} 3"));
  EXPECT_THAT(Get("/metrics"), Not(HasSubstr("no.Service")));
}

TEST_F(ServerMetricsTest, TellTheIndexAsItIsServed) {
  AddProducts(30);
  Start();
  const std::string index =
      "{index=\"" + index_.StoreOptions().paths.root.string();
  EXPECT_TRUE(HasSoon("vitrine_images" + index + "\"} 30"));
  EXPECT_TRUE(HasSoon("vitrine_shards" + index + "\",kind=\"flat\"} 1"));
  EXPECT_TRUE(HasSoon("vitrine_degraded" + index + "\"} 0"));
  EXPECT_TRUE(HasSoon("vitrine_ready 1"));
  AddProducts(10, 30);
  EXPECT_TRUE(HasSoon("vitrine_generation" + index + "\"} 2"));
  EXPECT_TRUE(HasSoon("vitrine_images" + index + "\"} 40"));
}

TEST_F(ServerMetricsTest, SplitsTheTimeOfAnswersIntoStages) {
  AddProducts(30);
  Start();
  EXPECT_EQ(Search("p105"), grpc::StatusCode::OK);
  EXPECT_EQ(Search("none"), grpc::StatusCode::NOT_FOUND);
  EXPECT_TRUE(HasSoon("vitrine_stage_seconds_count{stage=\"queue\"} 1"));
  EXPECT_TRUE(HasSoon("vitrine_stage_seconds_count{stage=\"search\"} 1"));
  // A product brings its vector.
  EXPECT_TRUE(HasSoon("vitrine_stage_seconds_count{stage=\"decode\"} 0"));
  EXPECT_TRUE(HasSoon("vitrine_stage_seconds_count{stage=\"embed\"} 0"));
  EXPECT_EQ(SearchLike(DrawPicture(1, 200, 20, 20)), grpc::StatusCode::OK);
  {
    grpc::ClientContext context;
    v1::RecommendRequest request;
    request.set_product_id("p105");
    v1::RecommendResponse response;
    ASSERT_TRUE(stub_->Recommend(&context, request, &response).ok());
  }
  {
    grpc::ClientContext context;
    v1::EmbedRequest request;
    request.add_images()->set_content(DrawPicture(2, 20, 200, 20));
    v1::EmbedResponse response;
    ASSERT_TRUE(stub_->Embed(&context, request, &response).ok());
  }
  EXPECT_TRUE(HasSoon("vitrine_stage_seconds_count{stage=\"queue\"} 4"));
  EXPECT_TRUE(HasSoon("vitrine_stage_seconds_count{stage=\"decode\"} 2"));
  EXPECT_TRUE(HasSoon("vitrine_stage_seconds_count{stage=\"embed\"} 2"));
  EXPECT_TRUE(HasSoon("vitrine_stage_seconds_count{stage=\"search\"} 3"));
}

TEST_F(ServerMetricsTest, CountsTheQueriesOfStreams) {
  AddProducts(30);
  Start();
  grpc::ClientContext context;
  const auto stream = stub_->SearchStream(&context);
  v1::SearchStreamRequest batch;
  for (const char* id : {"p101", "p102", "none"}) {
    batch.add_queries()->add_examples()->set_product_id(id);
  }
  ASSERT_TRUE(stream->Write(batch));
  ASSERT_TRUE(stream->WritesDone());
  v1::SearchStreamResponse answer;
  ASSERT_TRUE(stream->Read(&answer));
  ASSERT_FALSE(stream->Read(&answer));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(HasSoon("vitrine_stream_queries_total{code=\"OK\"} 2"));
  EXPECT_TRUE(HasSoon("vitrine_stream_queries_total{code=\"NOT_FOUND\"} 1"));
  EXPECT_TRUE(HasSoon("vitrine_stage_seconds_count{stage=\"search\"} 2"));
}

TEST_F(ServerMetricsTest, CountsPicturesThatWaitAndBatchesOfThem) {
  AddProducts(30);
  Start();
  index_.gate().Close();
  std::vector<std::future<grpc::StatusCode>> answers;
  const auto ask = [&](int i) {
    answers.push_back(std::async(std::launch::async, [this, i] {
      return SearchLike(DrawPicture(i, 200, 20, 20));
    }));
  };
  ask(0);
  index_.gate().AwaitArrivals(1);
  const std::string waiting =
      "vitrine_embed_waiting{index=\"" + index_.paths().root.string() + "\"} ";
  EXPECT_TRUE(HasSoon(waiting + "0"));
  for (int i = 1; i <= 3; ++i) ask(i);
  EXPECT_TRUE(HasSoon(waiting + "3"));
  index_.gate().Open();
  for (auto& answer : answers) EXPECT_EQ(answer.get(), grpc::StatusCode::OK);
  EXPECT_TRUE(HasSoon(waiting + "0"));
  EXPECT_TRUE(HasSoon("vitrine_embed_batch_pictures_count 2"));
  EXPECT_TRUE(HasSoon("vitrine_embed_batch_pictures_sum 4"));
  EXPECT_TRUE(HasSoon("vitrine_embed_batch_pictures_bucket{le=\"1\"} 1"));
}

TEST_F(ServerMetricsTest, CountsGenerationsThatWereTakenUpAndThatWereNot) {
  AddProducts(30);
  Start();
  const std::string index = "{index=\"" + index_.paths().root.string() + "\"} ";
  EXPECT_TRUE(HasSoon("vitrine_reload_seconds_count" + index + "1"));
  EXPECT_TRUE(HasSoon("vitrine_reloads_failed_total" + index + "0"));
  AddProducts(10, 30);
  EXPECT_TRUE(HasSoon("vitrine_reload_seconds_count" + index + "2"));
  ASSERT_OK(index_.builder().AddShard(
      {MakeRow("b", "b.jpg", DrawVector(0, &random_))}));
  FlipBit(
      index_.paths().shards() / index_.builder().set().shards(2).file().name(),
      100);
  ASSERT_OK(index_.builder().Publish());
  EXPECT_TRUE(HasSoon("vitrine_degraded" + index + "1"));
  // It is tried again every two seconds.
  EXPECT_TRUE(Eventually(
      [&] {
        return Get("/metrics")
                   .find("vitrine_reloads_failed_total" + index + "0\n") ==
               std::string::npos;
      },
      kPatience));
  EXPECT_TRUE(HasSoon("vitrine_reload_seconds_count" + index + "2"));
}

TEST_F(ServerMetricsTest, CountsLinesThatTheLogHasLost) {
  AddProducts(30);
  Log log({.program = "test", .fd = -1});
  Start(&log);
  EXPECT_TRUE(HasSoon("vitrine_log_lines_lost_total 0"));
  log.Info("to nowhere");
  log.Info("to nowhere");
  EXPECT_TRUE(HasSoon("vitrine_log_lines_lost_total 2"));
  EXPECT_TRUE(HasSoon("vitrine_log_lines_lost_total 2"));
  server_ = nullptr;
}

TEST_F(ServerMetricsTest, ReadyIsAServerThatAnswersAndThatDoesNotEnd) {
  Start();
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Get("/readyz"),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("index")));
  EXPECT_TRUE(HasSoon("vitrine_ready 0"));
  AddProducts(30);
  EXPECT_TRUE(
      Eventually([this] { return Get("/readyz").starts_with("HTTP/1.1 200 "); },
                 kPatience));
  server_->Shutdown(std::chrono::milliseconds(0));
  EXPECT_THAT(Get("/readyz"),
              AllOf(StartsWith("HTTP/1.1 503 "), EndsWith("it is ending\n")));
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(HasSoon("vitrine_ready 0"));
}

TEST_F(ServerMetricsTest, APortThatIsTakenIsTold) {
  AddProducts(30);
  Start();
  ServerOptions options;
  options.store = index_.StoreOptions();
  options.listen = "127.0.0.1:0";
  options.status_listen = server_->status_address();
  const auto other = Server::Start(std::move(options));
  EXPECT_EQ(other.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(other.status().message(),
              HasSubstr("cannot listen on " + server_->status_address()));
}

}  // namespace
}  // namespace vitrine
