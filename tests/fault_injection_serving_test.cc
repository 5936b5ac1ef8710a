// Files that are cut or changed under a running server: it answers DATA_LOSS
// and goes on, and another index of the same process is as it was.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/bus_error.h"
#include "common/rpc/rpc_error.h"
#include "server/server.h"
#include "tests/test_util/corrupt.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::HasSubstr;

constexpr int kRows = 300;

// An index with a flat shard, one with a graph, deletions, and two products of
// which there are thumbnails; and a server of it.
class ServedIndex {
 public:
  explicit ServedIndex(VerifyMode verify = VerifyMode::kAuto) {
    Fill();
    ServerOptions options;
    options.store = index_.StoreOptions();
    options.store.verify = verify;
    options.store.poll_ms = 5;
    options.listen = "127.0.0.1:0";
    auto server = Server::Start(std::move(options));
    EXPECT_OK(server);
    server_ = *std::move(server);
    stub_ = v1::SearchService::NewStub(grpc::CreateChannel(
        server_->address(), grpc::InsecureChannelCredentials()));
  }

  ServingIndex& index() { return index_; }
  // "flat", "graph", "products", "pictures": the path of one such file.
  std::filesystem::path File(const std::string& kind) {
    const IndexPaths& paths = index_.paths();
    storage::VectorSet& set = index_.builder().set();
    const storage::Manifest& manifest = index_.builder().manifest();
    if (kind == "flat") return paths.shards() / set.shards(0).file().name();
    if (kind == "graph") return paths.shards() / set.shards(1).file().name();
    return kind == "products"
               ? paths.products() / manifest.product_segments(0).name()
               : paths.pictures() / manifest.picture_packs(0).name();
  }

  grpc::Status Search(v1::SearchResponse* response, bool exact = false) {
    grpc::ClientContext context;
    v1::SearchRequest request;
    std::mt19937 random(9);
    const std::vector<float> query = DrawVector(3, &random);
    request.add_examples()->mutable_vector()->mutable_values()->Assign(
        query.begin(), query.end());
    request.set_exact(exact);
    return stub_->Search(&context, request, response);
  }
  std::vector<std::string> SearchIds() {
    v1::SearchResponse response;
    const grpc::Status status = Search(&response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<std::string> ids;
    for (const v1::Hit& hit : response.hits()) ids.push_back(hit.product_id());
    return ids;
  }
  // What each call that reads the index ends with.
  std::map<std::string, grpc::Status> CallAll() {
    std::map<std::string, grpc::Status> ended;
    v1::SearchResponse found;
    ended["walk"] = Search(&found);
    ended["scan"] = Search(&found, /*exact=*/true);
    {
      grpc::ClientContext context;
      v1::SearchRequest request;
      request.add_examples()->set_product_id("g00007");
      ended["like a product"] = stub_->Search(&context, request, &found);
    }
    {
      grpc::ClientContext context;
      v1::RecommendRequest request;
      request.set_product_id("g00007");
      v1::RecommendResponse response;
      ended["recommend"] = stub_->Recommend(&context, request, &response);
    }
    {
      grpc::ClientContext context;
      v1::GetProductRequest request;
      request.set_product_id("g00007");
      v1::GetProductResponse response;
      ended["product"] = stub_->GetProduct(&context, request, &response);
    }
    {
      grpc::ClientContext context;
      v1::GetImageRequest request;
      request.set_product_id("with_picture");
      v1::GetImageResponse response;
      ended["image"] = stub_->GetImage(&context, request, &response);
    }
    {
      grpc::ClientContext context;
      auto reader = stub_->ListProducts(&context, {});
      v1::ListProductsResponse response;
      while (reader->Read(&response)) {
      }
      ended["list"] = reader->Finish();
    }
    {
      grpc::ClientContext context;
      auto stream = stub_->SearchStream(&context);
      v1::SearchStreamRequest request;
      request.add_queries()->add_examples()->set_product_id("g00007");
      stream->Write(request);
      stream->WritesDone();
      v1::SearchStreamResponse response;
      EXPECT_TRUE(stream->Read(&response));
      const v1::SearchStreamResponse::Item& item = response.items(0);
      ended["stream"] = item.has_error()
                            ? grpc::Status(grpc::StatusCode::DATA_LOSS,
                                           item.error().message())
                            : grpc::Status::OK;
      while (stream->Read(&response)) {
      }
      EXPECT_TRUE(stream->Finish().ok());
    }
    return ended;
  }
  v1::DescribeIndexResponse Describe() {
    grpc::ClientContext context;
    v1::DescribeIndexResponse response;
    EXPECT_TRUE(stub_->DescribeIndex(&context, {}, &response).ok());
    return response;
  }
  void ExpectAllOk() {
    for (const auto& [call, status] : CallAll()) {
      EXPECT_TRUE(status.ok()) << call << ": " << status.error_message();
    }
    EXPECT_FALSE(Describe().degraded());
  }
  void ExpectAllDamaged(const std::filesystem::path& file) {
    for (const auto& [call, status] : CallAll()) {
      SCOPED_TRACE(call);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS)
          << status.error_message();
      EXPECT_THAT(status.error_message(), HasSubstr(file.string()));
      EXPECT_THAT(status.error_message(), HasSubstr("--repair"));
    }
    const v1::DescribeIndexResponse described = Describe();
    EXPECT_TRUE(described.degraded());
    EXPECT_THAT(described.degraded_reason(), HasSubstr(file.string()));
  }
  // Whether `holds` comes true within ten seconds.
  static bool Await(const std::function<bool()>& holds) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

 private:
  void Fill() {
    std::vector<Row> flat, graph;
    std::mt19937 random(1);
    for (int i = 0; i < kRows; ++i) {
      const std::string id = absl::StrFormat("%05d", i);
      flat.push_back(MakeRow("f" + id, "f.jpg", DrawVector(i % 12, &random)));
      graph.push_back(MakeRow("g" + id, "g.jpg", DrawVector(i % 12, &random)));
    }
    flat.push_back(MakeRow("with_picture", "p.jpg", DrawVector(3, &random)));
    const Row with_picture = flat.back();
    const GraphParams params;
    IndexBuilder& builder = index_.builder();
    std::vector<Row> all = flat;
    all.insert(all.end(), graph.begin(), graph.end());
    EXPECT_OK(builder.AddShard(flat));
    EXPECT_OK(builder.AddShard(graph, &params));
    EXPECT_OK(builder.DeleteRows(1, {5}));
    EXPECT_OK(builder.PutProductsOf(all, "Dress"));
    EXPECT_OK(
        builder.AddPictures({{with_picture.sha256, std::string(20'000, 'j')}}));
    EXPECT_OK(builder.Publish());
  }

  ServingIndex index_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

class FaultInjectionServing : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { CatchBusErrors(); }
};

TEST_P(FaultInjectionServing, ACutFileTakesDownItsIndexAndNotTheProcess) {
  ServedIndex other;
  other.ExpectAllOk();
  const std::vector<std::string> ids = other.SearchIds();
  // In 4096ths of the file; the last is one byte less than all.
  for (const uintmax_t share : {0, 1, 1000, 2048, 3500, 4096}) {
    ServedIndex served;
    served.ExpectAllOk();
    const std::filesystem::path file = served.File(GetParam());
    const uintmax_t whole = std::filesystem::file_size(file);
    const uintmax_t left = share == 4096 ? whole - 1 : whole * share / 4096;
    std::filesystem::resize_file(file, left);
    SCOPED_TRACE(std::to_string(left) + " of " + std::to_string(whole));
    served.ExpectAllDamaged(file);
    EXPECT_EQ(other.SearchIds(), ids);
  }
  other.ExpectAllOk();
}

INSTANTIATE_TEST_SUITE_P(Files, FaultInjectionServing,
                         ::testing::Values("flat", "graph", "products",
                                           "pictures"));

TEST_F(FaultInjectionServing, NoAnswerIsMadeOfZeros) {
  ServedIndex served;
  const std::vector<std::string> ids = served.SearchIds();
  ASSERT_EQ(ids.size(), 10u);
  std::atomic<int> right = 0, refused = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (refused < 20) {
        v1::SearchResponse response;
        const grpc::Status status = served.Search(&response);
        if (!status.ok()) {
          EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
          ++refused;
          continue;
        }
        std::vector<std::string> found;
        for (const v1::Hit& hit : response.hits()) {
          found.push_back(hit.product_id());
        }
        EXPECT_EQ(found, ids);
        ++right;
      }
    });
  }
  EXPECT_TRUE(ServedIndex::Await([&] { return right > 20; }));
  const std::filesystem::path file = served.File("graph");
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 3);
  for (std::thread& caller : callers) caller.join();
}

TEST_F(FaultInjectionServing, AGenerationWithoutTheFileIsServedAtOnce) {
  ServedIndex served;
  std::filesystem::resize_file(served.File("flat"), 0);
  served.ExpectAllDamaged(served.File("flat"));
  // One that still names it does not open.
  IndexBuilder& builder = served.index().builder();
  ASSERT_OK(builder.PutProducts({}));
  ASSERT_OK(builder.Publish());
  served.ExpectAllDamaged(served.File("flat"));
  // The repaired one.
  storage::Shard graph = builder.set().shards(1);
  builder.set().clear_shards();
  *builder.set().add_shards() = graph;
  std::mt19937 random(5);
  ASSERT_OK(builder.AddShard(
      {MakeRow("with_picture", "p.jpg", DrawVector(3, &random))}));
  ASSERT_OK(builder.Publish());
  EXPECT_TRUE(
      ServedIndex::Await([&] { return served.Describe().generation() == 3; }));
  served.ExpectAllOk();
}

TEST_F(FaultInjectionServing, AnOlderGenerationThatIsSoundIsServedMeanwhile) {
  ServedIndex served;
  IndexBuilder& builder = served.index().builder();
  std::mt19937 random(5);
  ASSERT_OK(
      builder.AddShard({MakeRow("new", "n.jpg", DrawVector(3, &random))}));
  ASSERT_OK(builder.Publish());
  EXPECT_TRUE(
      ServedIndex::Await([&] { return served.Describe().generation() == 2; }));
  const std::filesystem::path file =
      served.index().paths().shards() / builder.set().shards(2).file().name();
  std::filesystem::resize_file(file, 100);
  EXPECT_TRUE(
      ServedIndex::Await([&] { return served.Describe().generation() == 1; }));
  for (const auto& [call, status] : served.CallAll()) {
    EXPECT_TRUE(status.ok()) << call << ": " << status.error_message();
  }
  const v1::DescribeIndexResponse described = served.Describe();
  EXPECT_TRUE(described.degraded());
  EXPECT_THAT(described.degraded_reason(), HasSubstr(file.string()));
}

TEST_F(FaultInjectionServing, AFileThatIsMendedIsServedAgain) {
  ServedIndex served;
  const std::filesystem::path file = served.File("graph");
  const std::filesystem::path copy = served.index().dir().path() / "copy";
  std::filesystem::copy_file(file, copy);
  std::filesystem::resize_file(file, 5000);
  served.ExpectAllDamaged(file);
  std::filesystem::rename(copy, file);
  EXPECT_TRUE(
      ServedIndex::Await([&] { return !served.Describe().degraded(); }));
  served.ExpectAllOk();
}

// Damage that raises no signal is found by what is read in the background, and
// is not served again.
TEST_F(FaultInjectionServing, WhatTheScrubFindsIsNotAnsweredFrom) {
  for (const std::string kind : {"flat", "graph", "products", "pictures"}) {
    ServedIndex served(VerifyMode::kBackground);
    served.ExpectAllOk();
    // The next generation brings a damaged file of each kind.
    IndexBuilder& builder = served.index().builder();
    const GraphParams params;
    std::vector<Row> rows = DrawRows(100, 6);
    if (kind == "products") {
      ASSERT_OK(builder.PutProductsOf(rows, "Shirt"));
    } else if (kind == "pictures") {
      ASSERT_OK(builder.AddPictures({{rows[0].sha256, "a jpeg"}}));
    } else {
      ASSERT_OK(builder.AddShard(rows, kind == "graph" ? &params : nullptr));
    }
    const storage::Manifest& manifest = builder.manifest();
    const IndexPaths& paths = served.index().paths();
    const std::filesystem::path file =
        kind == "products"
            ? paths.products() / manifest.product_segments(1).name()
        : kind == "pictures"
            ? paths.pictures() / manifest.picture_packs(1).name()
            : paths.shards() / builder.set().shards(2).file().name();
    FlipBit(file, 130);  // Of the first record.
    ASSERT_OK(builder.Publish());
    // It may or may not have been served for a moment; then it never is.
    EXPECT_TRUE(ServedIndex::Await([&] {
      const v1::DescribeIndexResponse described = served.Describe();
      return described.degraded() && described.generation() == 1;
    })) << kind;
    EXPECT_THAT(served.Describe().degraded_reason(), HasSubstr(file.string()));
    for (const auto& [call, status] : served.CallAll()) {
      EXPECT_TRUE(status.ok()) << call << ": " << status.error_message();
    }
  }
}

}  // namespace
}  // namespace vitrine
