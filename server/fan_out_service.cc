#include "server/fan_out_service.h"

#include <utility>
#include <vector>

#include "server/fan_out_examples.h"
#include "server/fan_out_products.h"
#include "server/fan_out_recommend.h"
#include "server/fan_out_search.h"
#include "server/grpc_call.h"
#include "server/grpc_status.h"
#include "server/list_products.h"
#include "server/search_stream.h"

namespace vitrine {

template <typename Response, typename Handler>
grpc::ServerUnaryReactor* FanOutService::Answer(
    grpc::CallbackServerContext* context,
    const google::protobuf::Message& request, Response* response,
    Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // Context and messages live until the reactor is finished.
  const absl::Status scheduled = executor_->TrySchedule(
      [reactor, response, call = CallOf(context),
       handler](Executor::Place& place) {
        absl::Status status = call.Check();
        if (status.ok()) status = PutInto(response, handler(call));
        place.GiveBack();
        reactor->Finish(ToGrpc(status));
      },
      request.ByteSizeLong());
  if (!scheduled.ok()) reactor->Finish(ToGrpc(scheduled));
  return reactor;
}

grpc::ServerUnaryReactor* FanOutService::Search(
    grpc::CallbackServerContext* context, const v1::SearchRequest* request,
    v1::SearchResponse* response) {
  return Answer(
      context, *request, response,
      [this, request](const Call& call) -> absl::StatusOr<v1::SearchResponse> {
        v1::SearchResponse found;
        absl::Status status = FanOutSearch(partitions_, *request, call, &found);
        if (!status.ok()) return status;
        return found;
      });
}

SearchStreamReactor* FanOutService::SearchStream(
    grpc::CallbackServerContext* context) {
  StreamOptions options;
  options.take = [this] {
    return AnswerSearches(
        [this](std::span<const v1::SearchRequest* const> requests,
               const Call& call,
               std::span<v1::SearchResponse* const> responses) {
          std::vector<absl::Status> statuses;
          for (size_t i = 0; i < requests.size(); ++i) {
            statuses.push_back(
                FanOutSearch(partitions_, *requests[i], call, responses[i]));
          }
          return statuses;
        });
  };
  options.executors = {executor_, executor_};
  options.budget = &stream_budget_;
  // They wait rather than work. What a server always admits of one caller is as
  // much as a stream asks it at a time: what it refused would be missing.
  options.threads = kPicturesAlways;
  options.queries_at_once = 1;
  return NewSearchStream(context, std::move(options));
}

grpc::ServerUnaryReactor* FanOutService::Recommend(
    grpc::CallbackServerContext* context, const v1::RecommendRequest* request,
    v1::RecommendResponse* response) {
  return Answer(context, *request, response, [this, request](const Call& call) {
    return FanOutRecommend(partitions_, slots_, *request, call);
  });
}

grpc::ServerUnaryReactor* FanOutService::Embed(
    grpc::CallbackServerContext* context, const v1::EmbedRequest* request,
    v1::EmbedResponse* response) {
  return Answer(context, *request, response, [this, request](const Call& call) {
    return FanOutEmbed(partitions_, *request, call);
  });
}

grpc::ServerUnaryReactor* FanOutService::GetProduct(
    grpc::CallbackServerContext* context, const v1::GetProductRequest* request,
    v1::GetProductResponse* response) {
  return Answer(context, *request, response, [this, request](const Call& call) {
    return FanOutGetProduct(partitions_, *request, call);
  });
}

grpc::ServerUnaryReactor* FanOutService::GetImage(
    grpc::CallbackServerContext* context, const v1::GetImageRequest* request,
    v1::GetImageResponse* response) {
  return Answer(context, *request, response, [this, request](const Call& call) {
    return FanOutGetImage(partitions_, *request, call);
  });
}

grpc::ServerWriteReactor<v1::ListProductsResponse>* FanOutService::ListProducts(
    grpc::CallbackServerContext* context,
    const v1::ListProductsRequest* request) {
  return NewListProducts(
      [this, request, call = CallOf(context)] {
        return FanOutList(partitions_, *request, call);
      },
      executor_);
}

grpc::ServerUnaryReactor* FanOutService::DescribeIndex(
    grpc::CallbackServerContext* context,
    const v1::DescribeIndexRequest* request,
    v1::DescribeIndexResponse* response) {
  return Answer(context, *request, response, [this](const Call& call) {
    return FanOutDescribe(partitions_, version_, call);
  });
}

}  // namespace vitrine
