#include "server/search_service.h"

#include <memory>
#include <utility>

#include "server/call.h"
#include "server/grpc_status.h"
#include "server/list_products.h"
#include "server/products.h"
#include "server/recommend.h"
#include "server/search_handler.h"
#include "server/search_stream.h"

namespace vitrine {

template <typename Response, typename Handler>
grpc::ServerUnaryReactor* SearchServiceImpl::Answer(
    grpc::CallbackServerContext* context, Executor* executor,
    Response* response, Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Call call;
  call.deadline = context->deadline();
  call.cancelled = [context] { return context->IsCancelled(); };
  // Context and response live until the reactor is finished.
  const absl::Status scheduled =
      executor->TrySchedule([this, reactor, response, call = std::move(call),
                             handler = std::move(handler)] {
        auto serving = store_->Take();
        absl::Status status = serving.status();
        if (status.ok()) {
          auto answer = handler(**serving, call);
          status = answer.status();
          if (status.ok()) *response = *std::move(answer);
        }
        reactor->Finish(ToGrpc(status));
      });
  if (!scheduled.ok()) reactor->Finish(ToGrpc(scheduled));
  return reactor;
}

grpc::ServerUnaryReactor* SearchServiceImpl::Search(
    grpc::CallbackServerContext* context, const v1::SearchRequest* request,
    v1::SearchResponse* response) {
  return Answer(context,
                HasPictures(*request) ? executors_.pictures : executors_.others,
                response, [request](const Serving& serving, const Call& call) {
                  return serving.Checked(HandleSearch(serving, *request, call));
                });
}

grpc::ServerBidiReactor<v1::SearchStreamRequest, v1::SearchStreamResponse>*
SearchServiceImpl::SearchStream(grpc::CallbackServerContext* context) {
  return NewSearchStream(context, store_, executors_);
}

grpc::ServerUnaryReactor* SearchServiceImpl::Recommend(
    grpc::CallbackServerContext* context, const v1::RecommendRequest* request,
    v1::RecommendResponse* response) {
  return Answer(
      context, request->has_image() ? executors_.pictures : executors_.others,
      response, [request](const Serving& serving, const Call& call) {
        return serving.Checked(HandleRecommend(serving, *request, call));
      });
}

grpc::ServerUnaryReactor* SearchServiceImpl::Embed(
    grpc::CallbackServerContext* context, const v1::EmbedRequest* request,
    v1::EmbedResponse* response) {
  return Answer(context, executors_.pictures, response,
                [request](const Serving& serving, const Call& call) {
                  return HandleEmbed(serving, *request, call);
                });
}

grpc::ServerUnaryReactor* SearchServiceImpl::GetProduct(
    grpc::CallbackServerContext* context, const v1::GetProductRequest* request,
    v1::GetProductResponse* response) {
  return Answer(context, executors_.others, response,
                [request](const Serving& serving, const Call&) {
                  return serving.Checked(HandleGetProduct(serving, *request));
                });
}

grpc::ServerUnaryReactor* SearchServiceImpl::GetImage(
    grpc::CallbackServerContext* context, const v1::GetImageRequest* request,
    v1::GetImageResponse* response) {
  return Answer(context, executors_.others, response,
                [request](const Serving& serving, const Call&) {
                  return serving.Checked(HandleGetImage(serving, *request));
                });
}

grpc::ServerWriteReactor<v1::ListProductsResponse>*
SearchServiceImpl::ListProducts(grpc::CallbackServerContext*,
                                const v1::ListProductsRequest* request) {
  return NewListProducts(request, store_, executors_.others);
}

grpc::ServerUnaryReactor* SearchServiceImpl::DescribeIndex(
    grpc::CallbackServerContext* context, const v1::DescribeIndexRequest*,
    v1::DescribeIndexResponse* response) {
  return Answer(
      context, executors_.others, response,
      [this](const Serving& serving,
             const Call&) -> absl::StatusOr<v1::DescribeIndexResponse> {
        return HandleDescribeIndex(serving, store_->degraded(), version_);
      });
}

}  // namespace vitrine
