// Partitions that are dead, hang, come back, or serve another model, under a
// server that fans out to them.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <set>

#include "common/rpc/rpc_error.h"
#include "tests/process.h"
#include "tests/test_util/fake_server.h"
#include "tests/test_util/partitioned_index.h"

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A port that takes connections and never says a word.
class DeafServer {
 public:
  DeafServer() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(
        ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    socklen_t size = sizeof(address);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~DeafServer() { ::close(fd_); }
  const std::string& address() const { return address_; }

 private:
  int fd_;
  std::string address_;
};

class PartitionFaults : public ::testing::Test {
 protected:
  PartitionFaults() {
    for (size_t i = 0; i < 3; ++i) StartBackend(i, {});
  }

  void StartBackend(size_t i, const std::string& listen) {
    ServerOptions options = PartitionedIndex::OptionsOf(&index_.part(i));
    options.listen = listen;
    backends_[i] = TestServer::Start(std::move(options));
    addresses_[i] = backends_[i].server->address();
  }
  // One that asks the given servers, and has asked them.
  TestServer FanOut(std::vector<std::string> addresses) {
    TestServer server =
        TestServer::Start(index_.OptionsOfBackends(std::move(addresses)));
    v1::SearchResponse answer;
    EXPECT_TRUE(server.Search(ByVector(), &answer).ok());
    return server;
  }
  static v1::SearchRequest ByVector() {
    std::mt19937 random(3);
    const auto vector = DrawVector(2, &random);
    v1::SearchRequest request;
    request.add_examples()->mutable_vector()->mutable_values()->Assign(
        vector.begin(), vector.end());
    return request;
  }
  std::vector<std::string> Ids(const v1::SearchResponse& answer) {
    std::vector<std::string> ids;
    for (const v1::Hit& hit : answer.hits()) ids.push_back(hit.product_id());
    return ids;
  }
  // What is right without the i-th partition.
  std::vector<std::string> IdsWithout(size_t i) {
    std::vector<std::string> rest;
    for (size_t p = 0; p < 3; ++p) {
      if (p != i) rest.push_back(addresses_[p]);
    }
    v1::SearchResponse answer;
    EXPECT_TRUE(FanOut(rest).Search(ByVector(), &answer).ok());
    EXPECT_FALSE(answer.partial());
    return Ids(answer);
  }
  std::set<std::string> ProductsOf(size_t part) {
    grpc::ClientContext context;
    const auto reader = backends_[part].stub->ListProducts(&context, {});
    std::set<std::string> ids;
    for (v1::ListProductsResponse response; reader->Read(&response);) {
      for (const v1::Product& product : response.products())
        ids.insert(product.product_id());
    }
    EXPECT_FALSE(ids.empty());
    return ids;
  }
  std::string ProductOf(size_t part) { return *ProductsOf(part).begin(); }
  // Returns once a partition serves the vectors of another model.
  void GoOver(size_t part, const std::string& bundle) {
    index_.part(part).UseModel(bundle);
    ASSERT_OK(index_.part(part).builder().Publish());
    ASSERT_TRUE(testing::Eventually(
        [&] {
          return backends_[part].Describe().model().id() ==
                 index_.part(part).model();
        },
        std::chrono::minutes(2)));
  }
  static v1::Error ErrorIn(const grpc::Status& status) {
    return DecodeErrorDetails(status.error_details()).value_or(v1::Error());
  }

  PartitionedIndex index_{150, 3, 5};
  TestServer backends_[3];
  std::string addresses_[3];
};

TEST_F(PartitionFaults, AnAnswerWithoutADeadPartitionSaysSo) {
  const auto right = IdsWithout(1);
  TestServer server = FanOut({addresses_[0], addresses_[1], addresses_[2]});
  const std::string of_dead = ProductOf(1), of_living = ProductOf(0);
  backends_[1].server.reset();

  v1::SearchResponse answer;
  ASSERT_TRUE(server.Search(ByVector(), &answer).ok());
  EXPECT_TRUE(answer.partial());
  EXPECT_THAT(answer.missing(), ElementsAre(HasSubstr(addresses_[1])));
  EXPECT_EQ(Ids(answer), right);

  v1::SearchRequest complete = ByVector();
  complete.set_require_complete(true);
  grpc::Status status = server.Search(complete, &answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr(addresses_[1]));
  EXPECT_EQ(ErrorIn(status).reason(), v1::ERROR_REASON_PARTITION_UNAVAILABLE);
  EXPECT_GT(ErrorIn(status).retry_after_ms(), 0);

  // Whether a product is there cannot be known.
  v1::SearchRequest by_product;
  by_product.add_examples()->set_product_id(of_dead);
  status = server.Search(by_product, &answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr(addresses_[1]));
  by_product.mutable_examples(0)->set_product_id(of_living);
  ASSERT_TRUE(server.Search(by_product, &answer).ok());
  EXPECT_TRUE(answer.partial());
  EXPECT_EQ(answer.hits(0).product_id(), of_living);

  v1::RecommendRequest recommend;
  recommend.set_product_id(of_living);
  v1::RecommendResponse recommended;
  ASSERT_TRUE(server.Recommend(recommend, &recommended).ok());
  EXPECT_TRUE(recommended.partial());
  EXPECT_THAT(recommended.missing(), ElementsAre(HasSubstr(addresses_[1])));
  recommend.set_require_complete(true);
  status = server.Recommend(recommend, &recommended);
  EXPECT_EQ(ErrorIn(status).reason(), v1::ERROR_REASON_PARTITION_UNAVAILABLE);

  // A list with holes is none.
  grpc::ClientContext context;
  const auto reader = server.stub->ListProducts(&context, {});
  v1::ListProductsResponse page;
  while (reader->Read(&page)) {
  }
  status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr(addresses_[1]));

  const v1::DescribeIndexResponse described = server.Describe();
  EXPECT_TRUE(described.degraded());
  EXPECT_EQ(described.partitions(1).generation(), 0u);
  EXPECT_NE(described.partitions(1).trouble(), "");
  EXPECT_EQ(described.partitions(0).trouble(), "");
}

TEST_F(PartitionFaults, APartitionThatComesBackIsAskedAgain) {
  TestServer server = FanOut({addresses_[0], addresses_[1], addresses_[2]});
  v1::SearchResponse whole, answer;
  ASSERT_TRUE(server.Search(ByVector(), &whole).ok());
  EXPECT_FALSE(whole.partial());
  for (int i = 0; i < 3; ++i) {
    const std::string address = addresses_[1];
    backends_[1] = {};
    ASSERT_TRUE(server.Search(ByVector(), &answer).ok());
    EXPECT_TRUE(answer.partial());
    StartBackend(1, address);
    do {
      ASSERT_TRUE(server.Search(ByVector(), &answer).ok());
    } while (answer.partial());
    EXPECT_EQ(Ids(answer), Ids(whole));
  }
}

TEST_F(PartitionFaults, APartitionThatHangsCostsNoMoreThanTheDeadline) {
  // One that does not even connect, and one that does and then never answers.
  const DeafServer deaf;
  std::promise<void> over;
  std::shared_future<void> is_over = over.get_future().share();
  testing::FakeServer mute;
  mute.search = [is_over](const v1::SearchRequest&, v1::SearchResponse*) {
    is_over.wait();
    return grpc::Status::OK;
  };
  const auto right = IdsWithout(1);
  for (const std::string& hanging : {deaf.address(), mute.address()}) {
    TestServer server = TestServer::Start(
        index_.OptionsOfBackends({addresses_[0], hanging, addresses_[2]}));
    for (int timeout_ms : {150, 600}) {
      v1::SearchResponse answer;
      const auto begin = std::chrono::steady_clock::now();
      const grpc::Status status =
          server.Search(ByVector(), &answer, timeout_ms);
      ASSERT_TRUE(status.ok()) << status.error_message();
      EXPECT_LT(MillisecondsSince(begin), timeout_ms);
      EXPECT_GT(MillisecondsSince(begin), timeout_ms / 2);
      EXPECT_TRUE(answer.partial());
      EXPECT_THAT(answer.missing(), ElementsAre(HasSubstr(hanging)));
      EXPECT_EQ(Ids(answer), right);
    }
    // A product that another one has is no reason to wait.
    v1::GetProductRequest request;
    request.set_product_id(ProductOf(2));
    v1::GetProductResponse found;
    grpc::ClientContext context;
    EXPECT_TRUE(server.stub->GetProduct(&context, request, &found).ok());
  }
  over.set_value();
}

TEST_F(PartitionFaults, WhereNoDeadlineIsGivenThePartitionsOwnHolds) {
  const DeafServer deaf;
  ServerOptions options =
      index_.OptionsOfBackends({addresses_[0], deaf.address()});
  options.partitions.timeout_ms = 150;
  TestServer server = TestServer::Start(std::move(options));
  grpc::ClientContext context;
  v1::SearchResponse answer;
  const grpc::Status status =
      server.stub->Search(&context, ByVector(), &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(answer.partial());
}

TEST_F(PartitionFaults, PicturesAreEmbeddedByWhoeverCan) {
  const DeafServer deaf;
  TestServer server = TestServer::Start(
      index_.OptionsOfBackends({deaf.address(), addresses_[0], addresses_[2]}));
  v1::SearchRequest request;
  request.add_examples()->mutable_image()->set_content(DrawPicture(1, 9, 9, 9));
  for (int i = 0; i < 4; ++i) {
    v1::SearchResponse answer;
    const grpc::Status status = server.Search(request, &answer, 400);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(answer.hits_size(), 10);
  }
}

TEST_F(PartitionFaults, WhereAllAreDeadThereIsNoAnswer) {
  TestServer server = FanOut({addresses_[0], addresses_[1]});
  backends_[0] = {};
  backends_[1] = {};
  v1::SearchResponse answer;
  const grpc::Status status = server.Search(ByVector(), &answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr(addresses_[0]));
  EXPECT_THAT(status.error_message(), HasSubstr(addresses_[1]));
  EXPECT_EQ(ErrorIn(status).reason(), v1::ERROR_REASON_PARTITION_UNAVAILABLE);
}

TEST_F(PartitionFaults, AnswersNeverMixModels) {
  TestServer server = FanOut({addresses_[0], addresses_[1], addresses_[2]});
  const std::string old_model = index_.part(0).model();
  const auto right = IdsWithout(1);
  GoOver(1, "another bundle");
  v1::SearchResponse answer;
  ASSERT_TRUE(server.Search(ByVector(), &answer).ok());
  EXPECT_TRUE(answer.partial());
  EXPECT_EQ(answer.model(), old_model);
  EXPECT_EQ(Ids(answer), right);
  EXPECT_THAT(answer.missing(), ElementsAre(HasSubstr("model")));
  EXPECT_THAT(server.Describe().partitions(1).trouble(), HasSubstr("model"));
  v1::SearchRequest of_new = ByVector();
  of_new.set_required_model(index_.part(1).model());
  ASSERT_TRUE(server.Search(of_new, &answer).ok());
  EXPECT_EQ(answer.model(), index_.part(1).model());
  EXPECT_EQ(answer.missing_size(), 2);
  // Once all have gone over, it is as it was.
  GoOver(0, "another bundle");
  GoOver(2, "another bundle");
  ASSERT_TRUE(server.Search(ByVector(), &answer).ok());
  EXPECT_FALSE(answer.partial());
  EXPECT_EQ(answer.model(), index_.part(1).model());
}

TEST_F(PartitionFaults, NoCallFailsSinceAllHaveGoneOver) {
  TestServer server = FanOut({addresses_[0], addresses_[1], addresses_[2]});
  const std::string id = ProductOf(1);
  v1::SearchRequest complete = ByVector(), by_product, by_picture;
  complete.set_require_complete(true);
  by_product.add_examples()->set_product_id(id);
  by_picture.add_examples()->mutable_image()->set_content(
      DrawPicture(1, 9, 9, 9));
  const auto search = [&](const v1::SearchRequest& request) {
    v1::SearchResponse answer;
    const grpc::Status status = server.Search(request, &answer);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_THAT(answer.missing(), IsEmpty());
    return answer.model();
  };
  const std::vector<std::function<std::string()>> calls = {
      [&] { return search(ByVector()); },
      [&] { return search(complete); },
      [&] { return search(by_product); },
      [&] { return search(by_picture); },
      [&] {
        v1::RecommendRequest request;
        request.set_product_id(id);
        v1::RecommendResponse answer;
        const grpc::Status status = server.Recommend(request, &answer);
        EXPECT_TRUE(status.ok()) << status.error_message();
        EXPECT_THAT(answer.missing(), IsEmpty());
        return answer.model();
      },
      [&] {
        v1::EmbedRequest request;
        request.add_images()->set_content(DrawPicture(1, 9, 9, 9));
        v1::EmbedResponse answer;
        grpc::ClientContext context;
        const grpc::Status status =
            server.stub->Embed(&context, request, &answer);
        EXPECT_TRUE(status.ok()) << status.error_message();
        return answer.model();
      },
      [&] {
        const v1::DescribeIndexResponse described = server.Describe();
        EXPECT_EQ(described.degraded_reason(), "");
        return described.model().id();
      }};
  for (size_t c = 0; c < calls.size(); ++c) {
    SCOPED_TRACE(c);
    for (size_t i = 0; i < 3; ++i) GoOver(i, "bundle " + std::to_string(c));
    EXPECT_EQ(calls[c](), index_.part(0).model());
  }
  // One that is dead is missing, and those that have gone over are not.
  backends_[0] = {};
  for (size_t i = 1; i < 3; ++i) GoOver(i, "the last bundle");
  v1::SearchResponse answer;
  const grpc::Status status = server.Search(ByVector(), &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(answer.missing(), ElementsAre(HasSubstr(addresses_[0])));
  EXPECT_EQ(answer.model(), index_.part(1).model());
}

TEST_F(PartitionFaults, NoCallFailsWhileTheyGoOverOneByOne) {
  TestServer server = FanOut({addresses_[0], addresses_[1], addresses_[2]});
  std::map<std::string, std::string> owners;
  for (size_t i = 0; i < 3; ++i) {
    for (const std::string& id : ProductsOf(i)) owners[id] = addresses_[i];
  }
  std::atomic<bool> over = false;
  const auto ask = [&] {
    while (!over) {
      v1::SearchResponse answer;
      const grpc::Status status = server.Search(ByVector(), &answer);
      ASSERT_TRUE(status.ok()) << status.error_message();
      EXPECT_EQ(answer.partial(), !answer.missing().empty());
      EXPECT_LT(answer.missing_size(), 3);
      EXPECT_EQ(answer.hits_size(), 10);
      for (const std::string& missing : answer.missing()) {
        for (const v1::Hit& hit : answer.hits())
          EXPECT_FALSE(missing.starts_with(owners[hit.product_id()]));
      }
    }
  };
  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c) callers.emplace_back(ask);
  for (int round = 0; round < 8; ++round) {
    for (size_t i = 0; i < 3; ++i) GoOver(i, "bundle " + std::to_string(round));
  }
  over = true;
  for (std::thread& caller : callers) caller.join();
  v1::SearchResponse answer;
  ASSERT_TRUE(server.Search(ByVector(), &answer).ok());
  EXPECT_FALSE(answer.partial());
  EXPECT_EQ(answer.model(), index_.part(0).model());
}

TEST_F(PartitionFaults, ACallerWhoGoesTakesThePartitionsCallsAlong) {
  index_.part(0).gate().Close();
  TestServer server = FanOut({addresses_[0]});
  grpc::ClientContext context;
  v1::SearchRequest request;
  request.add_examples()->mutable_image()->set_content(DrawPicture(1, 9, 9, 9));
  v1::SearchResponse answer;
  std::thread caller([&] {
    EXPECT_EQ(server.stub->Search(&context, request, &answer).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  index_.part(0).gate().AwaitArrivals(1);
  context.TryCancel();
  caller.join();
  // It would wait for calls that go on.
  server.server->Shutdown(std::chrono::seconds(30));
  index_.part(0).gate().Open();
}

TEST_F(PartitionFaults, TwoIndexesOfOnePartitionAreRefused) {
  for (size_t i = 0; i < 3; ++i) {
    storage::Partition* partition =
        index_.part(i).builder().manifest().mutable_partition();
    partition->set_number(i == 2 ? 1 : static_cast<uint32_t>(i));
    partition->set_of(3);
    ASSERT_OK(index_.part(i).builder().Publish());
  }
  ServerOptions options = index_.OptionsOfFolders();
  options.listen = "127.0.0.1:0";
  const auto server = Server::Start(std::move(options));
  EXPECT_EQ(server.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("1/3"));
}

TEST_F(PartitionFaults, ManyAsk) {
  TestServer server = FanOut({addresses_[0], addresses_[1], addresses_[2]});
  v1::SearchResponse right;
  ASSERT_TRUE(server.Search(ByVector(), &right).ok());
  std::vector<std::thread> callers;
  for (int c = 0; c < 8; ++c) {
    callers.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        v1::SearchResponse answer;
        const grpc::Status status = server.Search(ByVector(), &answer);
        ASSERT_TRUE(status.ok()) << status.error_message();
        EXPECT_THAT(answer.missing(), IsEmpty());
        EXPECT_EQ(Ids(answer), Ids(right));
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace vitrine
