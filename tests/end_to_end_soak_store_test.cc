// What answers behind gRPC, and an indexer of its index, in this process: all
// threads are ours, as ThreadSanitizer wants them.
#include <gtest/gtest.h>

#include <future>

#include "server/executor.h"
#include "server/local_backend.h"
#include "server/recall_monitor.h"
#include "server/search_handler.h"
#include "tests/soak_rounds.h"

namespace vitrine {
namespace {

constexpr int kRounds = 10;

class LocalServer final : public testing::SoakedServer {
 public:
  explicit LocalServer(const SnapshotStore* store)
      : store_(store),
        backend_(NewLocalBackend("soaked", store, {&pictures_, &others_})) {}

  absl::Status Search(const v1::SearchRequest& request,
                      v1::SearchResponse* response) override {
    response->Clear();
    return Ask(request, response);
  }
  absl::Status Searches(const v1::SearchStreamRequest& request,
                        v1::SearchStreamResponse* response) override {
    const auto serving = store_->Take();
    if (!serving.ok()) return serving.status();
    response->set_batch_id(request.batch_id());
    std::vector<const v1::SearchRequest*> requests;
    std::vector<v1::SearchResponse*> into;
    for (const v1::SearchRequest& one : request.queries()) {
      requests.push_back(&one);
      into.push_back(response->add_items()->mutable_response());
    }
    for (absl::Status& status :
         HandleSearches(**serving, requests, Call(), into)) {
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  absl::Status Recommend(const v1::RecommendRequest& request,
                         v1::RecommendResponse* response) override {
    return Ask(request, response);
  }
  absl::Status Embed(const v1::EmbedRequest& request,
                     v1::EmbedResponse* response) override {
    return Ask(request, response);
  }
  absl::Status GetProduct(const v1::GetProductRequest& request,
                          v1::GetProductResponse* response) override {
    return Ask(request, response);
  }
  absl::Status GetImage(const v1::GetImageRequest& request,
                        v1::GetImageResponse* response) override {
    return Ask(request, response);
  }
  absl::Status Describe(v1::DescribeIndexResponse* response) override {
    return Ask(v1::DescribeIndexRequest(), response);
  }
  absl::Status List(std::vector<std::string>* ids) override {
    const auto products = backend_->List({}, Call());
    while (true) {
      const auto next = products->Next();
      if (!next.ok() || next->products().empty()) return next.status();
      for (const v1::Product& product : next->products()) {
        ids->push_back(product.product_id());
      }
    }
  }

 private:
  template <typename Request, typename Response>
  absl::Status Ask(const Request& request, Response* response) {
    std::promise<absl::Status> done;
    backend_->Ask(request, Call(), response,
                  [&done](const absl::Status& s) { done.set_value(s); });
    return done.get_future().get();
  }

  const SnapshotStore* const store_;
  Executor pictures_{4, {.max_waiting = 128}};
  Executor others_{2, {.max_waiting = 128}};
  const std::unique_ptr<Backend> backend_;
};

TEST(EndToEndSoakStore, NothingFailsAndNothingIsKept) {
  testing::SoakedWorld world;
  RecallMonitor monitor(/*share=*/1);
  SnapshotStoreOptions options = world.StoreOptions();
  options.recall_monitor = &monitor;
  SnapshotStore store(std::move(options));
  store.Start();
  LocalServer server(&store);
  world.Soak(store, &server, kRounds);
}

}  // namespace
}  // namespace vitrine
