// vitrine.v1.SearchService over gRPC: calls are handed to our own threads, and
// what they answer is handed back; brief ones are answered at once.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <string>

#include "server/calls.h"
#include "server/executor.h"
#include "server/snapshot_store.h"
#include "server/stream_budget.h"

namespace vitrine {

class SearchServiceImpl final : public SearchCalls {
 public:
  // Both must outlive the service.
  SearchServiceImpl(const SnapshotStore* store, Executors executors,
                    std::string version);

  grpc::ServerUnaryReactor* Search(grpc::CallbackServerContext* context,
                                   const v1::SearchRequest* request,
                                   v1::SearchResponse* response) override;
  SearchStreamReactor* SearchStream(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Recommend(grpc::CallbackServerContext* context,
                                      const v1::RecommendRequest* request,
                                      v1::RecommendResponse* response) override;
  grpc::ServerUnaryReactor* Embed(grpc::CallbackServerContext* context,
                                  const v1::EmbedRequest* request,
                                  v1::EmbedResponse* response) override;
  grpc::ServerUnaryReactor* GetProduct(
      grpc::CallbackServerContext* context,
      const v1::GetProductRequest* request,
      v1::GetProductResponse* response) override;
  grpc::ServerUnaryReactor* GetImage(grpc::CallbackServerContext* context,
                                     const v1::GetImageRequest* request,
                                     v1::GetImageResponse* response) override;
  grpc::ServerWriteReactor<v1::ListProductsResponse>* ListProducts(
      grpc::CallbackServerContext* context,
      const v1::ListProductsRequest* request) override;
  grpc::ServerUnaryReactor* DescribeIndex(
      grpc::CallbackServerContext* context,
      const v1::DescribeIndexRequest* request,
      v1::DescribeIndexResponse* response) override;

 private:
  // Runs `handler(serving, call)` on `executor` and finishes the call with the
  // status that it returns.
  template <typename Handler>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                   const google::protobuf::Message& request,
                                   Executor* executor, Handler handler);

  const SnapshotStore* const store_;
  const Executors executors_;
  const std::string version_;
  StreamBudget stream_budget_;
  const int most_brief_calls_;
  std::atomic<int> brief_calls_ = 0;  // Being answered on gRPC's threads.
};

}  // namespace vitrine
