// Pictures that are built to hurt, sent to a server: each is answered soon, and
// the server goes on.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <thread>

#include "common/rpc/rpc_error.h"
#include "server/decode_budget.h"
#include "server/server.h"
#include "tests/test_util/bombs.h"
#include "tests/test_util/peak_memory.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

class BadPicturesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::mt19937 random(1);
    ASSERT_OK(
        index_.Add({{"a", "Dress", {{"a.jpg", DrawVector(0, &random)}}, {}}}));
    ServerOptions options;
    options.store = index_.StoreOptions();
    options.listen = "127.0.0.1:0";
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(std::move(options)));
    stub_ = v1::SearchService::NewStub(grpc::CreateChannel(
        server_->address(), grpc::InsecureChannelCredentials()));
  }
  static void SetDeadline(grpc::ClientContext* context) {
    context->set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(20));
  }
  v1::ErrorReason ReasonOfSearch(const std::string& bytes) {
    grpc::ClientContext context;
    SetDeadline(&context);
    v1::SearchRequest request;
    request.add_examples()->mutable_image()->set_content(bytes);
    v1::SearchResponse response;
    const grpc::Status status = stub_->Search(&context, request, &response);
    if (status.ok()) return v1::ERROR_REASON_UNSPECIFIED;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << status.error_message();
    const auto error = DecodeErrorDetails(status.error_details());
    EXPECT_TRUE(error.has_value()) << status.error_message();
    if (!error) return v1::ERROR_REASON_INTERNAL;
    EXPECT_EQ(error->field(), "examples[0].image.content");
    return error->reason();
  }

  ServingIndex index_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

TEST_F(BadPicturesTest, SearchAnswersEach) {
  for (const testing::Bomb& bomb : testing::Bombs()) {
    EXPECT_EQ(ReasonOfSearch(bomb.bytes), bomb.reason) << bomb.name;
  }
  EXPECT_EQ(ReasonOfSearch(DrawPicture(1, 9, 9, 9)),
            v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(BadPicturesTest, ManyLargeOnesAtATimeTakeNoMoreMemoryThanTheBudget) {
  constexpr int kCalls = 8;
  // 75 MB as pixels, and 75 kB as a file.
  const std::string large = testing::PngOfZeros(5'000, 5'000, 8, 2, false);
  testing::PeakMegabytes();
  const double before = testing::PeakMegabytes();
  std::vector<std::thread> callers;
  for (int i = 0; i < kCalls; ++i) {
    callers.emplace_back([&] {
      EXPECT_EQ(ReasonOfSearch(large), v1::ERROR_REASON_UNSPECIFIED);
    });
  }
  for (std::thread& caller : callers) caller.join();
  const double rise = testing::PeakMegabytes() - before;
  if (before > 0) {
    EXPECT_LT(rise, DecodeBudget::OfProcess().pixels() * 4 / 1e6 + 100);
  }
}

TEST_F(BadPicturesTest, EmbedAnswersEachForItself) {
  const std::vector<testing::Bomb> bombs = testing::Bombs();
  v1::EmbedRequest request;
  for (const testing::Bomb& bomb : bombs) {
    request.add_images()->set_content(bomb.bytes);
  }
  request.add_images()->set_content(DrawPicture(1, 9, 9, 9));
  grpc::ClientContext context;
  SetDeadline(&context);
  v1::EmbedResponse response;
  const grpc::Status status = stub_->Embed(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.items_size(), static_cast<int>(bombs.size()) + 1);
  for (size_t i = 0; i < bombs.size(); ++i) {
    const v1::EmbedResponse::Item& item = response.items(static_cast<int>(i));
    EXPECT_EQ(item.error().reason(), bombs[i].reason) << bombs[i].name;
    EXPECT_EQ(item.has_vector(),
              bombs[i].reason == v1::ERROR_REASON_UNSPECIFIED);
  }
  EXPECT_TRUE(response.items().rbegin()->has_vector());
}

}  // namespace
}  // namespace vitrine
