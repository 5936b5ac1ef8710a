#include "server/server.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <future>
#include <map>
#include <set>
#include <thread>

#include "common/rpc/rpc_error.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<TestProduct> products;
    for (int i = 0; i < 100; ++i) {
      const std::string id = "p" + std::to_string(100 + i);
      products.push_back(
          {id, "Dress", {{id + ".jpg", DrawVector(i, &random_)}}, {}});
    }
    ASSERT_OK(index_.Add(products));
    Start();
  }
  void Start() {
    ServerOptions options;
    options.store = index_.StoreOptions();
    options.listen = "127.0.0.1:0";
    options.version = "1.2.3";
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(std::move(options)));
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    channel_ = grpc::CreateCustomChannel(
        server_->address(), grpc::InsecureChannelCredentials(), arguments);
    stub_ = v1::SearchService::NewStub(channel_);
  }

  // Calls a method of another service by name, with messages as bytes.
  grpc::Status CallByName(const std::string& method, const std::string& request,
                          std::string* response) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    grpc::Slice slice(request);
    grpc::ByteBuffer in(&slice, 1), out;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, method, {}, &in, &out,
                   [&done](const grpc::Status& s) { done.set_value(s); });
    grpc::Status status = done.get_future().get();
    grpc::Slice bytes;
    if (status.ok() && out.DumpToSingleSlice(&bytes).ok()) {
      response->assign(reinterpret_cast<const char*>(bytes.begin()),
                       bytes.size());
    }
    return status;
  }
  // A grpc.health.v1.HealthCheckResponse: field 1 is 1 where it serves.
  std::string Health(const std::string& service) {
    std::string response;
    const grpc::Status status = CallByName(
        "/grpc.health.v1.Health/Check",
        service.empty()
            ? ""
            : std::string("\x0a") + static_cast<char>(service.size()) + service,
        &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response == std::string("\x08\x01", 2)   ? "SERVING"
           : response == std::string("\x08\x02", 2) ? "NOT_SERVING"
                                                    : response;
  }

  std::mt19937 random_{1};
  ServingIndex index_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

TEST_F(ServerTest, AnswersEveryUnaryCall) {
  {
    grpc::ClientContext context;
    v1::SearchRequest request;
    request.add_examples()->set_product_id("p105");
    v1::SearchResponse response;
    ASSERT_TRUE(stub_->Search(&context, request, &response).ok());
    EXPECT_EQ(response.hits(0).product_id(), "p105");
    EXPECT_EQ(response.hits_size(), 10);
  }
  {
    grpc::ClientContext context;
    v1::SearchRequest request;
    request.add_examples()->mutable_image()->set_content(
        DrawPicture(1, 9, 9, 9));
    v1::SearchResponse response;
    ASSERT_TRUE(stub_->Search(&context, request, &response).ok());
    EXPECT_EQ(response.hits_size(), 10);
  }
  {
    grpc::ClientContext context;
    v1::RecommendRequest request;
    request.set_product_id("p105");
    v1::RecommendResponse response;
    ASSERT_TRUE(stub_->Recommend(&context, request, &response).ok());
    EXPECT_EQ(response.similar_size(), 10);
  }
  {
    grpc::ClientContext context;
    v1::EmbedRequest request;
    request.add_images()->set_content(DrawPicture(1, 9, 9, 9));
    v1::EmbedResponse response;
    ASSERT_TRUE(stub_->Embed(&context, request, &response).ok());
    EXPECT_EQ(response.items(0).vector().values_size(), 192);
  }
  {
    grpc::ClientContext context;
    v1::GetProductRequest request;
    request.set_product_id("p105");
    v1::GetProductResponse response;
    ASSERT_TRUE(stub_->GetProduct(&context, request, &response).ok());
    EXPECT_EQ(response.product().title(), "Title of p105");
  }
  {
    grpc::ClientContext context;
    v1::GetImageRequest request;
    request.set_product_id("p105");
    v1::GetImageResponse response;
    EXPECT_EQ(stub_->GetImage(&context, request, &response).error_code(),
              grpc::StatusCode::NOT_FOUND);
  }
  {
    grpc::ClientContext context;
    v1::DescribeIndexResponse response;
    ASSERT_TRUE(stub_->DescribeIndex(&context, {}, &response).ok());
    EXPECT_EQ(response.products(), 100);
    EXPECT_EQ(response.server_version(), "1.2.3");
    EXPECT_FALSE(response.degraded());
  }
}

TEST_F(ServerTest, CarriesTheErrorInTheDetails) {
  grpc::ClientContext context;
  v1::SearchRequest request;
  request.add_examples()->set_product_id("p105");
  request.set_k(100'000);
  v1::SearchResponse response;
  const grpc::Status status = stub_->Search(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("k is 100000"));
  const auto error = DecodeErrorDetails(status.error_details());
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->reason(), v1::ERROR_REASON_INVALID_PARAMETER);
  EXPECT_EQ(error->field(), "k");
  EXPECT_EQ(error->limit(), 1000);
}

TEST_F(ServerTest, RefusesAPictureOf33MegabytesItself) {
  grpc::ClientContext context;
  v1::SearchRequest request;
  request.add_examples()->mutable_image()->set_content(
      std::string().append(33'000'000, '\xff'));
  v1::SearchResponse response;
  const grpc::Status status = stub_->Search(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const auto error = DecodeErrorDetails(status.error_details());
  ASSERT_TRUE(error.has_value()) << status.error_message();
  EXPECT_EQ(error->reason(), v1::ERROR_REASON_IMAGE_TOO_LARGE);
  EXPECT_EQ(error->limit(), 32'000'000);
}

TEST_F(ServerTest, ReportsHealthByService) {
  EXPECT_EQ(Health(""), "SERVING");
  EXPECT_EQ(Health("vitrine.v1.SearchService"), "SERVING");
}

TEST_F(ServerTest, IsAliveButNotReadyWithoutAnIndex) {
  std::filesystem::remove_all(index_.paths().manifests());
  server_.reset();
  Start();
  EXPECT_EQ(Health(""), "SERVING");
  EXPECT_EQ(Health("vitrine.v1.SearchService"), "NOT_SERVING");
  grpc::ClientContext context;
  v1::SearchRequest request;
  request.add_examples()->set_product_id("p105");
  v1::SearchResponse response;
  const grpc::Status status = stub_->Search(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(DecodeErrorDetails(status.error_details())->reason(),
            v1::ERROR_REASON_INDEX_NOT_READY);
  // It is ready once the index is there.
  ASSERT_OK(MakeFolders(index_.paths().manifests()));
  ASSERT_OK(index_.builder().Publish());
  while (Health("vitrine.v1.SearchService") != "SERVING") {
    std::this_thread::yield();
  }
  EXPECT_TRUE(server_->store().Take().ok());
}

TEST_F(ServerTest, ShowsItsServicesByReflection) {
  grpc::GenericStub stub(channel_);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  auto stream = stub.PrepareCall(
      &context,
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  void* tag;
  bool ok;
  auto next = [&] { return queue.Next(&tag, &ok) && ok; };
  stream->StartCall(nullptr);
  ASSERT_TRUE(next());
  // A ServerReflectionRequest with an empty list_services, its field 7.
  grpc::Slice slice(std::string("\x3a\x00", 2));
  stream->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  ASSERT_TRUE(next());
  grpc::ByteBuffer answer;
  stream->Read(&answer, nullptr);
  ASSERT_TRUE(next());
  grpc::Slice bytes;
  ASSERT_TRUE(answer.DumpToSingleSlice(&bytes).ok());
  const std::string text(reinterpret_cast<const char*>(bytes.begin()),
                         bytes.size());
  EXPECT_THAT(text, HasSubstr("vitrine.v1.SearchService"));
  EXPECT_THAT(text, HasSubstr("vitrine.v1.CatalogService"));
  context.TryCancel();
  grpc::Status status;
  stream->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
}

// Its nearest rows are of one product, so that it needs more than a first look.
TEST_F(ServerTest, AnswersASearchThatTurnsOutNotToBeBrief) {
  TestProduct many = {"many", "Dress", {}, {}};
  for (int i = 0; i < 300; ++i)
    many.pictures.push_back({std::to_string(i), DrawVector(7, &random_)});
  ASSERT_OK(index_.Add({many}));
  while ((*server_->store().Take())->snapshot().generation() < 2)
    std::this_thread::yield();
  grpc::ClientContext context;
  v1::SearchRequest request;
  request.add_examples()->set_product_id("many");
  v1::SearchResponse response;
  const grpc::Status status = stub_->Search(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.hits_size(), 10);
  EXPECT_EQ(response.hits(0).product_id(), "many");
}

TEST_F(ServerTest, RefusesAPortThatIsTakenBeforeItOpensAnything) {
  ServerOptions options;
  options.store = index_.StoreOptions();
  options.store.load_model =
      [](const std::filesystem::path& bundle,
         const EmbedTrial&) -> absl::StatusOr<std::unique_ptr<Embedder>> {
    ADD_FAILURE() << "loads " << bundle;
    return absl::InternalError("loaded");
  };
  options.listen = server_->address();
  EXPECT_STATUS(Server::Start(std::move(options)),
                absl::StatusCode::kUnavailable,
                "cannot listen on " + server_->address());
}

TEST_F(ServerTest, RefusesWhatIsNoAddress) {
  ServerOptions options;
  options.store = index_.StoreOptions();
  options.listen = "50051";
  EXPECT_STATUS(Server::Start(std::move(options)),
                absl::StatusCode::kInvalidArgument,
                "'50051' is no address to listen on");
}

TEST_F(ServerTest, FinishesWhatIsInFlightWhenItShutsDown) {
  index_.gate().Close();
  std::thread caller([this] {
    grpc::ClientContext context;
    v1::SearchRequest request;
    request.add_examples()->mutable_image()->set_content(
        DrawPicture(1, 9, 9, 9));
    v1::SearchResponse response;
    const grpc::Status status = stub_->Search(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  });
  index_.gate().AwaitArrivals(1);
  std::thread shutdown([this] { server_->Shutdown(std::chrono::seconds(60)); });
  // New calls are refused while that one goes on.
  while (true) {
    grpc::ClientContext context;
    v1::DescribeIndexResponse response;
    if (!stub_->DescribeIndex(&context, {}, &response).ok()) break;
  }
  index_.gate().Open();
  caller.join();
  shutdown.join();
}

TEST_F(ServerTest, CancelsWhatOutlivesTheGrace) {
  index_.gate().Close();
  std::thread caller([this] {
    grpc::ClientContext context;
    auto stream = stub_->SearchStream(&context);
    v1::SearchStreamRequest request;
    request.add_queries()->add_examples()->mutable_image()->set_content(
        DrawPicture(1, 9, 9, 9));
    EXPECT_TRUE(stream->Write(request));
    v1::SearchStreamResponse response;
    EXPECT_FALSE(stream->Read(&response));
    EXPECT_FALSE(stream->Finish().ok());
  });
  index_.gate().AwaitArrivals(1);
  std::thread shutdown(
      [this] { server_->Shutdown(std::chrono::milliseconds(1)); });
  caller.join();
  index_.gate().Open();
  shutdown.join();
}

TEST_F(ServerTest, ListsTheGenerationThatItBeganWith) {
  grpc::ClientContext context;
  auto reader = stub_->ListProducts(&context, {});
  v1::ListProductsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.products_size(), 64);
  ASSERT_OK(index_.Add(
      {{"p199z", "Dress", {{"z.jpg", DrawVector(1, &random_)}}, {}}}));
  while ((*server_->store().Take())->snapshot().generation() < 2) {
    std::this_thread::yield();
  }
  std::string last;
  int products = response.products_size();
  while (reader->Read(&response)) {
    EXPECT_EQ(response.generation(), 1u);
    products += response.products_size();
    last = response.products(response.products_size() - 1).product_id();
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(products, 100);
  EXPECT_EQ(last, "p199");
}

TEST_F(ServerTest, TakesUpABrokenListing) {
  grpc::ClientContext context;
  v1::ListProductsRequest request;
  request.set_after_product_id("p197");
  auto reader = stub_->ListProducts(&context, request);
  v1::ListProductsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.products_size(), 2);
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(ServerTest, FiltersAListing) {
  v1::ListProductsRequest request;
  v1::Filter::Condition* condition =
      request.mutable_filter()->mutable_condition();
  condition->set_attribute("product_id");
  for (const char* id : {"p190", "p107", "nobody"}) {
    condition->mutable_any_of()->add_values(id);
  }
  grpc::ClientContext context;
  auto reader = stub_->ListProducts(&context, request);
  std::vector<std::string> ids;
  v1::ListProductsResponse response;
  while (reader->Read(&response)) {
    for (const v1::Product& product : response.products()) {
      ids.push_back(product.product_id());
    }
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_THAT(ids, ElementsAre("p107", "p190"));
}

TEST_F(ServerTest, RefusesToListByAFilterWithoutMeaning) {
  v1::ListProductsRequest request;
  request.mutable_filter();
  grpc::ClientContext context;
  auto reader = stub_->ListProducts(&context, request);
  v1::ListProductsResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServerTest, FiltersAndCountsOverTheWire) {
  ASSERT_OK(
      index_.Add({{"hat1",
                   "Hat",
                   {{"1.jpg", DrawVector(1, &random_)}},
                   {{"colour", "Red"}}},
                  {"hat2",
                   "Hat",
                   {{"2.jpg", DrawVector(2, &random_)}},
                   {{"colour", "Red"}}},
                  {"cap",
                   "Cap",
                   {{"3.jpg", DrawVector(3, &random_)}},
                   {{"colour", "Tan"}}},
                  {"bag", "Bag", {{"4.jpg", DrawVector(4, &random_)}}, {}}}));
  Start();
  v1::SearchRequest request;
  request.add_examples()->set_product_id("p105");
  auto* all = request.mutable_filter()->mutable_all();
  v1::Filter::Condition* condition = all->add_filters()->mutable_condition();
  condition->set_attribute("colour");
  condition->set_exists(true);
  condition =
      all->add_filters()->mutable_none()->add_filters()->mutable_condition();
  condition->set_attribute("category");
  condition->mutable_any_of()->add_values("Cap");
  request.add_facets("colour");
  request.add_facets("category");
  request.set_k(1);
  v1::SearchResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->Search(&context, request, &response).ok());
  ASSERT_EQ(response.hits_size(), 1);
  EXPECT_EQ(response.hits(0).category(), "Hat");
  EXPECT_EQ(response.plan().kind(), v1::QueryPlan::KIND_FILTERED_SCAN);
  EXPECT_EQ(response.plan().rows_matching(), 2);
  ASSERT_EQ(response.facets_size(), 2);
  EXPECT_EQ(response.facets(0).attribute(), "colour");
  ASSERT_EQ(response.facets(0).counts_size(), 1);
  EXPECT_EQ(response.facets(0).counts(0).value(), "Red");
  EXPECT_EQ(response.facets(0).counts(0).count(), 2);
  EXPECT_EQ(response.facets(1).counts(0).value(), "Hat");
}

}  // namespace
}  // namespace vitrine
