// What the two services of vitrine.v1 answer, once a call was let in.
#pragma once

#include <grpcpp/grpcpp.h>

#include "server/wire_request.h"
#include "vitrine/v1/catalog.pb.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

using SearchStreamReactor =
    grpc::ServerBidiReactor<WireRequest<v1::SearchStreamRequest>,
                            v1::SearchStreamResponse>;

// Thread-safe. Requests and responses live until the reactor is done.
class SearchCalls {
 public:
  virtual ~SearchCalls() = default;

  virtual grpc::ServerUnaryReactor* Search(grpc::CallbackServerContext* context,
                                           const v1::SearchRequest* request,
                                           v1::SearchResponse* response) = 0;
  virtual SearchStreamReactor* SearchStream(
      grpc::CallbackServerContext* context) = 0;
  virtual grpc::ServerUnaryReactor* Recommend(
      grpc::CallbackServerContext* context, const v1::RecommendRequest* request,
      v1::RecommendResponse* response) = 0;
  virtual grpc::ServerUnaryReactor* Embed(grpc::CallbackServerContext* context,
                                          const v1::EmbedRequest* request,
                                          v1::EmbedResponse* response) = 0;
  virtual grpc::ServerUnaryReactor* GetProduct(
      grpc::CallbackServerContext* context,
      const v1::GetProductRequest* request,
      v1::GetProductResponse* response) = 0;
  virtual grpc::ServerUnaryReactor* GetImage(
      grpc::CallbackServerContext* context, const v1::GetImageRequest* request,
      v1::GetImageResponse* response) = 0;
  virtual grpc::ServerWriteReactor<v1::ListProductsResponse>* ListProducts(
      grpc::CallbackServerContext* context,
      const v1::ListProductsRequest* request) = 0;
  virtual grpc::ServerUnaryReactor* DescribeIndex(
      grpc::CallbackServerContext* context,
      const v1::DescribeIndexRequest* request,
      v1::DescribeIndexResponse* response) = 0;
};

class CatalogCalls {
 public:
  virtual ~CatalogCalls() = default;

  virtual grpc::ServerWriteReactor<v1::ReceiptsResponse>* Receipts(
      grpc::CallbackServerContext* context,
      const v1::ReceiptsRequest* request) = 0;
};

}  // namespace vitrine
