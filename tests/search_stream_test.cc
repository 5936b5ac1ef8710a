#include "server/search_stream.h"

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include "server/server.h"
#include "server/wire_request.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;

class SearchStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<TestProduct> products;
    for (int i = 0; i < 50; ++i) {
      const std::string id = "p" + std::to_string(100 + i);
      products.push_back(
          {id, "Dress", {{id + ".jpg", DrawVector(i, &random_)}}, {}});
    }
    ASSERT_OK(index_.Add(products));
    ServerOptions options;
    options.store = index_.StoreOptions();
    options.listen = "127.0.0.1:0";
    options.threads = 4;
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(std::move(options)));
    stub_ = v1::SearchService::NewStub(grpc::CreateChannel(
        server_->address(), grpc::InsecureChannelCredentials()));
    stream_ = stub_->SearchStream(&context_);
  }

  static v1::SearchRequest ByProduct(int i) {
    v1::SearchRequest request;
    request.add_examples()->set_product_id("p" + std::to_string(100 + i));
    request.set_k(3);
    return request;
  }
  static v1::SearchRequest ByPicture() {
    v1::SearchRequest request;
    request.add_examples()->mutable_image()->set_content(
        DrawPicture(1, 9, 9, 9));
    return request;
  }
  bool Send(uint64_t id, const std::vector<v1::SearchRequest>& queries) {
    v1::SearchStreamRequest batch;
    batch.set_batch_id(id);
    for (const v1::SearchRequest& query : queries) *batch.add_queries() = query;
    return stream_->Write(batch);
  }

  std::mt19937 random_{1};
  ServingIndex index_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SearchStreamRequest,
                                           v1::SearchStreamResponse>>
      stream_;
};

TEST_F(SearchStreamTest, AnswersEveryBatchOnceWithItsItemsInOrder) {
  constexpr int kBatches = 40;
  std::thread writer([this] {
    for (int b = 0; b < kBatches; ++b) {
      std::vector<v1::SearchRequest> queries;
      for (int i = 0; i < b % 7; ++i)
        queries.push_back(ByProduct((b + i) % 50));
      ASSERT_TRUE(Send(1000 + b, queries));
    }
    stream_->WritesDone();
  });
  std::map<uint64_t, v1::SearchStreamResponse> answers;
  for (v1::SearchStreamResponse answer; stream_->Read(&answer);) {
    EXPECT_TRUE(answers.emplace(answer.batch_id(), answer).second);
  }
  writer.join();
  EXPECT_TRUE(stream_->Finish().ok());
  ASSERT_EQ(answers.size(), static_cast<size_t>(kBatches));
  for (int b = 0; b < kBatches; ++b) {
    const v1::SearchStreamResponse& answer = answers[1000 + b];
    ASSERT_EQ(answer.items_size(), b % 7);
    for (int i = 0; i < b % 7; ++i) {
      EXPECT_EQ(answer.items(i).response().hits(0).product_id(),
                "p" + std::to_string(100 + (b + i) % 50));
    }
  }
}

TEST_F(SearchStreamTest, KeepsAnErrorToItsItem) {
  v1::SearchRequest bad = ByProduct(1);
  bad.set_k(0);
  v1::SearchRequest garbage;
  garbage.add_examples()->mutable_image()->set_content("no picture");
  ASSERT_TRUE(Send(7, {ByProduct(0), bad, garbage, ByPicture()}));
  stream_->WritesDone();
  v1::SearchStreamResponse answer;
  ASSERT_TRUE(stream_->Read(&answer));
  ASSERT_EQ(answer.items_size(), 4);
  EXPECT_EQ(answer.items(0).response().hits_size(), 3);
  EXPECT_EQ(answer.items(1).error().field(), "k");
  EXPECT_EQ(answer.items(1).error().code(),
            static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(answer.items(2).error().reason(),
            v1::ERROR_REASON_IMAGE_NOT_DECODABLE);
  EXPECT_EQ(answer.items(3).response().hits_size(), 10);
  EXPECT_FALSE(stream_->Read(&answer));
  EXPECT_TRUE(stream_->Finish().ok());
}

TEST_F(SearchStreamTest, RefusesABatchOfTooManyPartsAndGoesOn) {
  v1::SearchRequest request = ByProduct(0);
  for (size_t i = 0; i < kMaxFields; ++i) request.add_exclude_product_ids("");
  ASSERT_TRUE(Send(1, {request}));
  ASSERT_TRUE(Send(2, {ByProduct(0)}));
  stream_->WritesDone();
  v1::SearchStreamResponse answer;
  ASSERT_TRUE(stream_->Read(&answer));
  EXPECT_EQ(answer.error().limit(), kMaxFields);
  EXPECT_THAT(answer.error().message(), HasSubstr("fewer"));
  ASSERT_TRUE(stream_->Read(&answer));
  EXPECT_TRUE(answer.items(0).has_response());
  EXPECT_FALSE(stream_->Read(&answer));
  EXPECT_TRUE(stream_->Finish().ok());
}

TEST_F(SearchStreamTest, DoesNotHoldUpABatchBehindASlowerOne) {
  index_.gate().Close();
  ASSERT_TRUE(Send(1, {ByPicture()}));
  index_.gate().AwaitArrivals(1);
  ASSERT_TRUE(Send(2, {ByProduct(2)}));
  stream_->WritesDone();
  v1::SearchStreamResponse answer;
  ASSERT_TRUE(stream_->Read(&answer));
  EXPECT_EQ(answer.batch_id(), 2u);
  index_.gate().Open();
  ASSERT_TRUE(stream_->Read(&answer));
  EXPECT_EQ(answer.batch_id(), 1u);
  EXPECT_FALSE(stream_->Read(&answer));
  EXPECT_TRUE(stream_->Finish().ok());
}

TEST_F(SearchStreamTest, RefusesABatchThatIsTooLarge) {
  ASSERT_TRUE(Send(3, std::vector<v1::SearchRequest>(257)));
  ASSERT_TRUE(Send(4, {ByProduct(0)}));
  stream_->WritesDone();
  v1::SearchStreamResponse answer;
  ASSERT_TRUE(stream_->Read(&answer));
  EXPECT_EQ(answer.batch_id(), 3u);
  EXPECT_EQ(answer.items_size(), 0);
  EXPECT_EQ(answer.error().field(), "queries");
  EXPECT_EQ(answer.error().limit(), 256);
  EXPECT_THAT(answer.error().message(), HasSubstr("257 queries"));
  ASSERT_TRUE(stream_->Read(&answer));
  EXPECT_EQ(answer.batch_id(), 4u);
  EXPECT_TRUE(answer.items(0).has_response());
  EXPECT_FALSE(stream_->Read(&answer));
  EXPECT_TRUE(stream_->Finish().ok());
}

TEST_F(SearchStreamTest, ReadsNoFurtherWhileTheCallerTakesNoAnswers) {
  // A megabyte a batch, so that what the transport itself holds is little.
  v1::SearchRequest large = ByProduct(0);
  for (int i = 0; i < 9'000; ++i) {
    large.add_exclude_product_ids(std::string(110, 'x'));
  }
  index_.gate().Close();
  ASSERT_TRUE(Send(0, {ByPicture()}));
  index_.gate().AwaitArrivals(1);
  constexpr int kBatches = 200;
  std::atomic<int> sent = 0;
  std::thread writer([&] {
    // Each waits for the gate, so that none is answered.
    large.add_examples()->mutable_image()->set_content(DrawPicture(1, 9, 9, 9));
    for (int b = 1; b <= kBatches; ++b, ++sent) ASSERT_TRUE(Send(b, {large}));
    stream_->WritesDone();
  });
  // 15 batches are read; a few more fit the windows of the transport. A server
  // that read on would take all of them, and the writer would not come to rest.
  int before = -1;
  auto since = std::chrono::steady_clock::now();
  while (sent < 15 || std::chrono::steady_clock::now() - since <
                          std::chrono::milliseconds(300)) {
    if (sent != before) since = std::chrono::steady_clock::now();
    before = sent;
    std::this_thread::yield();
  }
  EXPECT_LT(sent, 60);
  index_.gate().Open();
  int answers = 0;
  for (v1::SearchStreamResponse answer; stream_->Read(&answer);) ++answers;
  writer.join();
  EXPECT_EQ(answers, kBatches + 1);
  EXPECT_TRUE(stream_->Finish().ok());
}

class LargeAnswersTest : public SearchStreamTest {
 protected:
  // Ten hits with their thumbnails, of 5 MB.
  static constexpr int kHits = 10;
  static constexpr size_t kThumbnailBytes = 500'000;

  void SetUp() override {
    SearchStreamTest::SetUp();
    std::vector<TestProduct> products;
    for (int i = 0; i < kHits; ++i) {
      const std::string id = "large" + std::to_string(i);
      products.push_back({id,
                          "Dress",
                          {{id + ".jpg", DrawVector(90, &random_, 0.1f),
                            std::string(kThumbnailBytes, '0' + i)}},
                          {}});
    }
    ASSERT_OK(index_.Add(products));
    while ((*server_->store().Take())->snapshot().generation() < 2) {
      std::this_thread::yield();
    }
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    channel_ = grpc::CreateCustomChannel(
        server_->address(), grpc::InsecureChannelCredentials(), arguments);
    stub_ = v1::SearchService::NewStub(channel_);
    stream_ = stub_->SearchStream(&large_context_);
  }

  static v1::SearchRequest Large() {
    v1::SearchRequest request;
    request.add_examples()->set_product_id("large0");
    request.set_k(kHits);
    request.mutable_fields()->set_thumbnail(true);
    return request;
  }

  // The memory of this process that is not shared, in MB.
  static int64_t ResidentMb() {
    std::ifstream file("/proc/self/statm");
    int64_t total = 0, resident = 0;
    file >> total >> resident;
    return resident * sysconf(_SC_PAGESIZE) >> 20;
  }

  std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext large_context_;
};

TEST_F(LargeAnswersTest, AnswersWithinTheLimitOfABatchAndRefusesTheRest) {
  ASSERT_TRUE(Send(1, std::vector<v1::SearchRequest>(20, Large())));
  ASSERT_TRUE(Send(2, {Large()}));
  stream_->WritesDone();
  std::map<uint64_t, v1::SearchStreamResponse> answers;
  for (v1::SearchStreamResponse answer; stream_->Read(&answer);) {
    answers.emplace(answer.batch_id(), answer);
  }
  EXPECT_TRUE(stream_->Finish().ok());
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_LE(answers[1].ByteSizeLong(), size_t{65} << 20);
  ASSERT_EQ(answers[1].items_size(), 20);
  int refused = 0;
  for (const auto& item : answers[1].items()) {
    if (item.has_response()) {
      EXPECT_EQ(item.response().hits_size(), kHits);
      continue;
    }
    ++refused;
    EXPECT_EQ(item.error().field(), "queries");
    EXPECT_EQ(item.error().limit(), 64 << 20);
    EXPECT_THAT(item.error().message(), HasSubstr("fewer queries in a batch"));
  }
  EXPECT_EQ(refused, 20 - 13);  // 13 times 5 MB are below 64 MB.
  EXPECT_TRUE(answers[2].items(0).has_response());
}

TEST_F(LargeAnswersTest, HoldsFewAnswersThatTheCallerDoesNotTake) {
  constexpr int kBatches = 24;
  const int64_t before = ResidentMb();
  for (int b = 0; b < 15; ++b) {
    ASSERT_TRUE(Send(b, std::vector<v1::SearchRequest>(12, Large())));
  }
  // 900 MB if all were answered. At rest where nothing grows any more.
  int64_t grown = 0;
  auto since = std::chrono::steady_clock::now();
  while (grown < 50 || std::chrono::steady_clock::now() - since <
                           std::chrono::milliseconds(500)) {
    const int64_t now = ResidentMb() - before;
    if (now > grown) {
      grown = now;
      since = std::chrono::steady_clock::now();
    }
    std::this_thread::yield();
  }
  EXPECT_LT(grown, 450);
  // And none is lost once the caller reads.
  std::thread writer([this] {
    for (int b = 15; b < kBatches; ++b) {
      ASSERT_TRUE(Send(b, std::vector<v1::SearchRequest>(12, Large())));
    }
    stream_->WritesDone();
  });
  int answered = 0;
  for (v1::SearchStreamResponse answer; stream_->Read(&answer);) {
    for (const auto& item : answer.items()) answered += item.has_response();
  }
  writer.join();
  EXPECT_EQ(answered, 12 * kBatches);
  EXPECT_TRUE(stream_->Finish().ok());
}

TEST_F(SearchStreamTest, EndsWhenTheCallerCancels) {
  index_.gate().Close();
  std::vector<v1::SearchRequest> queries(64, ByPicture());
  for (int b = 0; b < 10; ++b) ASSERT_TRUE(Send(b, queries));
  index_.gate().AwaitArrivals(1);
  context_.TryCancel();
  EXPECT_EQ(stream_->Finish().error_code(), grpc::StatusCode::CANCELLED);
  index_.gate().Open();
  // Nothing of the stream is left to hold up the server's end.
  server_.reset();
}

TEST_F(SearchStreamTest, AnswersNewBatchesFromNewGenerations) {
  ASSERT_TRUE(Send(1, {ByProduct(0)}));
  v1::SearchStreamResponse answer;
  ASSERT_TRUE(stream_->Read(&answer));
  EXPECT_EQ(answer.items(0).response().generation(), 1u);
  ASSERT_OK(index_.Add(
      {{"new", "Dress", {{"new.jpg", DrawVector(1, &random_)}}, {}}}));
  while ((*server_->store().Take())->snapshot().generation() < 2) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(Send(2, {ByProduct(0)}));
  ASSERT_TRUE(stream_->Read(&answer));
  EXPECT_EQ(answer.items(0).response().generation(), 2u);
  stream_->WritesDone();
  EXPECT_FALSE(stream_->Read(&answer));
  EXPECT_TRUE(stream_->Finish().ok());
}

}  // namespace
}  // namespace vitrine
