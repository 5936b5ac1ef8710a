// One catalogue twice: as one index, and cut into partitions; with servers of
// both.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "server/server.h"
#include "tests/test_util/random_products.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {

// A server of the test's process, and the way to it.
struct TestServer {
  std::unique_ptr<Server> server;
  std::unique_ptr<v1::SearchService::Stub> stub;

  static TestServer Start(ServerOptions options) {
    if (options.listen.empty()) options.listen = "127.0.0.1:0";
    TestServer started;
    auto server = Server::Start(std::move(options));
    EXPECT_OK(server);
    started.server = *std::move(server);
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    started.stub = v1::SearchService::NewStub(grpc::CreateCustomChannel(
        started.server->address(), grpc::InsecureChannelCredentials(),
        arguments));
    return started;
  }

  grpc::Status Search(const v1::SearchRequest& request,
                      v1::SearchResponse* response,
                      int timeout_ms = 30'000) const {
    response->Clear();
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::milliseconds(timeout_ms));
    return stub->Search(&context, request, response);
  }
  grpc::Status Recommend(const v1::RecommendRequest& request,
                         v1::RecommendResponse* response) const {
    response->Clear();
    grpc::ClientContext context;
    return stub->Recommend(&context, request, response);
  }
  v1::DescribeIndexResponse Describe() const {
    grpc::ClientContext context;
    v1::DescribeIndexResponse response;
    const grpc::Status status = stub->DescribeIndex(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

// A product with its pictures, some of them nearly identical to others'.
struct DrawnProduct {
  std::string id;
  storage::ProductRecord record;
  std::vector<Row> rows;
};

inline void PutProducts(const std::vector<DrawnProduct>& products,
                        ServingIndex* index) {
  std::vector<Row> rows[2];
  std::map<std::string, std::optional<storage::ProductRecord>> records;
  for (size_t i = 0; i < products.size(); ++i) {
    for (const Row& row : products[i].rows) rows[i % 2].push_back(row);
    records[products[i].id] = products[i].record;
  }
  for (const std::vector<Row>& shard : rows) {
    if (!shard.empty()) ASSERT_OK(index->builder().AddShard(shard));
  }
  ASSERT_OK(index->builder().PutProducts(records));
  ASSERT_OK(index->builder().Publish());
}

class PartitionedIndex {
 public:
  // `n` products, each in one of the partitions.
  PartitionedIndex(int n, int partitions, uint32_t seed)
      : drawer_(seed), random_(seed) {
    std::vector<std::vector<DrawnProduct>> cut(static_cast<size_t>(partitions));
    for (int i = 0; i < n; ++i) {
      products_.push_back(DrawProduct(i));
      cut[static_cast<size_t>(drawer_.Draw(partitions))].push_back(
          products_.back());
    }
    PutProducts(products_, &whole_);
    for (const auto& part : cut) {
      parts_.push_back(std::make_unique<ServingIndex>());
      PutProducts(part, parts_.back().get());
    }
  }

  ServingIndex& whole() { return whole_; }
  ServingIndex& part(size_t i) { return *parts_[i]; }
  size_t parts() const { return parts_.size(); }
  const std::vector<DrawnProduct>& products() const { return products_; }
  ProductDrawer& drawer() { return drawer_; }
  std::mt19937& random() { return random_; }

  static ServerOptions OptionsOf(ServingIndex* index) {
    ServerOptions options;
    options.store = index->StoreOptions();
    options.store.poll_ms = 5;
    options.version = "1.2.3";
    return options;
  }
  // One that opens all partitions itself.
  ServerOptions OptionsOfFolders() {
    ServerOptions options = OptionsOf(&whole_);
    for (const auto& part : parts_)
      options.indexes.push_back(part->paths().root);
    return options;
  }
  // One that asks other servers.
  ServerOptions OptionsOfBackends(std::vector<std::string> addresses) {
    ServerOptions options = OptionsOf(&whole_);
    options.backends = std::move(addresses);
    options.partitions.look_ms = 20;
    return options;
  }

 private:
  DrawnProduct DrawProduct(int i) {
    static const char* const kGarments[] = {"Dress", "Shirt",    "Trousers",
                                            "Shoes", "Not sure", ""};
    static const char* const kGenders[] = {"Men", "Women", "Unisex"};
    DrawnProduct product;
    product.id = absl::StrFormat("p%05d", i);
    product.record = drawer_.DrawProduct();
    product.record.set_title("Title of " + product.id);
    product.record.set_category(kGarments[drawer_.Draw(6)]);
    if (drawer_.Draw(4) != 0) {
      (*product.record.mutable_attributes())["gender"].set_text(
          kGenders[drawer_.Draw(3)]);
    }
    for (int p = 1 + (drawer_.Draw(4) == 0 ? 2 : 0); p > 0; --p) {
      std::vector<float> vector = DrawVector(drawer_.Draw(8), &random_);
      if (!products_.empty() && drawer_.Draw(4) == 0) {
        // A copy that was compressed anew, or a very similar picture.
        const auto& other =
            products_[static_cast<size_t>(drawer_.Draw(i))].rows[0].vector;
        FloatsFromHalves(other.data(), other.size(), vector.data());
        std::normal_distribution<float> noise(
            0, drawer_.Draw(2) == 0 ? 0.002f : 0.012f);
        for (float& x : vector) x += noise(random_);
        NormaliseBlocks(TestBlocks(), vector.data());
      }
      const std::string key = product.id + "-" + std::to_string(p) + ".jpg";
      product.rows.push_back(MakeRow(product.id, key, vector));
      storage::ImageRecord* image = product.record.add_images();
      image->set_key(key);
      const Row& row = product.rows.back();
      image->set_sha256(std::string(row.sha256.begin(), row.sha256.end()));
    }
    return product;
  }

  ProductDrawer drawer_;
  std::mt19937 random_;
  std::vector<DrawnProduct> products_;
  ServingIndex whole_;
  std::vector<std::unique_ptr<ServingIndex>> parts_;
};

// A catalogue with a server of the one index, one that opens all partitions,
// and one that asks a server of each.
struct ServedPartitions {
  explicit ServedPartitions(int products = 240, uint32_t seed = 11)
      : index(products, /*partitions=*/3, seed) {
    one = TestServer::Start(PartitionedIndex::OptionsOf(&index.whole()));
    std::vector<std::string> addresses;
    for (size_t i = 0; i < index.parts(); ++i) {
      backends.push_back(
          TestServer::Start(PartitionedIndex::OptionsOf(&index.part(i))));
      addresses.push_back(backends.back().server->address());
    }
    by_folders = TestServer::Start(index.OptionsOfFolders());
    by_backends =
        TestServer::Start(index.OptionsOfBackends(std::move(addresses)));
  }

  int Draw(int n) { return index.drawer().Draw(n); }
  const DrawnProduct& DrawProduct() {
    const auto n = static_cast<int>(index.products().size());
    return index.products()[static_cast<size_t>(Draw(n))];
  }

  PartitionedIndex index;
  TestServer one;
  std::vector<TestServer> backends;
  TestServer by_folders, by_backends;
};

// Without what rounding of vectors that are sent, instead of made there,
// changes.
inline void RoundHits(google::protobuf::RepeatedPtrField<v1::Hit>* hits) {
  for (v1::Hit& hit : *hits) {
    hit.set_score(std::round(hit.score() * 1e5f) / 1e5f);
    hit.set_distance(std::round(hit.distance() * 1e5f) / 1e5f);
    for (v1::BlockScore& block : *hit.mutable_block_scores())
      block.set_cosine(std::round(block.cosine() * 1e4f) / 1e4f);
  }
}

}  // namespace vitrine
