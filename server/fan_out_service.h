// vitrine.v1.SearchService over gRPC, answered from several partitions.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>

#include "server/calls.h"
#include "server/executor.h"
#include "server/partitions.h"
#include "server/slots.h"
#include "server/stream_budget.h"

namespace vitrine {

class FanOutService final : public SearchCalls {
 public:
  // All must outlive the service. Each call holds one of the executor's threads
  // while it waits for the partitions' answers.
  FanOutService(const Partitions* partitions, const SlotTable* slots,
                Executor* executor, std::string version)
      : partitions_(*partitions),
        slots_(*slots),
        executor_(executor),
        version_(std::move(version)) {}

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
  // Runs `handler(call)` on a thread and finishes the call with what it
  // returns.
  template <typename Response, typename Handler>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                   const google::protobuf::Message& request,
                                   Response* response, Handler handler);

  const Partitions& partitions_;
  const SlotTable& slots_;
  Executor* const executor_;
  const std::string version_;
  StreamBudget stream_budget_;
};

}  // namespace vitrine
