#include "server/search_service.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "server/call.h"
#include "server/grpc_call.h"
#include "server/grpc_status.h"
#include "server/list_products.h"
#include "server/product_stream.h"
#include "server/products.h"
#include "server/recommend.h"
#include "server/search_handler.h"
#include "server/search_stream.h"

namespace vitrine {

namespace {

// How many brief calls are answered on gRPC's own threads at a time: half of
// those, so that the others go on reading what arrives and answer health
// checks. Version 1.51 starts half as many as there are cores, from 2 to 16
// (CallbackAlternativeCQ in completion_queue_cc.cc).
int MostBriefCalls(const Executors& executors) {
  return std::min(std::clamp(AvailableCores() / 2, 2, 16) / 2,
                  executors.others->threads());
}

// Counts one as long as it lives.
class Counted {
 public:
  explicit Counted(std::atomic<int>* count) : count_(count), n_(++*count) {}
  ~Counted() { --*count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  // How many there were with it when it began.
  int n() const { return n_; }

 private:
  std::atomic<int>* const count_;
  const int n_;
};

}  // namespace

SearchServiceImpl::SearchServiceImpl(const SnapshotStore* store,
                                     Executors executors, std::string version)
    : store_(store),
      executors_(executors),
      version_(std::move(version)),
      most_brief_calls_(MostBriefCalls(executors)) {}

template <typename Handler>
grpc::ServerUnaryReactor* SearchServiceImpl::Answer(
    grpc::CallbackServerContext* context,
    const google::protobuf::Message& request, Executor* executor,
    Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // Context and messages live until the reactor is finished.
  const absl::Status scheduled = executor->TrySchedule(
      [this, reactor, call = CallOf(context),
       handler = std::move(handler)](Executor::Place& place) {
        absl::Status status = call.Check();
        if (status.ok()) {
          const auto serving = store_->Take();
          status = serving.ok() ? handler(**serving, call) : serving.status();
        }
        place.GiveBack();
        reactor->Finish(ToGrpc(status));
      },
      request.ByteSizeLong());
  if (!scheduled.ok()) reactor->Finish(ToGrpc(scheduled));
  return reactor;
}

grpc::ServerUnaryReactor* SearchServiceImpl::Search(
    grpc::CallbackServerContext* context, const v1::SearchRequest* request,
    v1::SearchResponse* response) {
  const auto handler = [request, response](const Serving& serving,
                                           const Call& call) {
    return serving.Checked(HandleSearch(serving, *request, call, response));
  };
  // What takes hardly longer than to wake another thread is answered here.
  if (const Counted calls(&brief_calls_); calls.n() <= most_brief_calls_) {
    const auto serving = store_->Take();
    if (serving.ok() && IsBrief((*serving)->snapshot(), *request)) {
      Call call = CallOf(context);
      call.brief = true;
      const absl::Status status = handler(**serving, call);
      if (!absl::IsCancelled(status) || context->IsCancelled()) {
        grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
        reactor->Finish(ToGrpc(status));
        return reactor;
      }
      response->Clear();  // It was not brief.
    }
  }
  return Answer(context, *request,
                HasPictures(*request) ? executors_.pictures : executors_.others,
                handler);
}

SearchStreamReactor* SearchServiceImpl::SearchStream(
    grpc::CallbackServerContext* context) {
  return NewSearchStream(context,
                         StreamOfStore(store_, executors_, &stream_budget_));
}

grpc::ServerUnaryReactor* SearchServiceImpl::Recommend(
    grpc::CallbackServerContext* context, const v1::RecommendRequest* request,
    v1::RecommendResponse* response) {
  return Answer(context, *request,
                request->has_image() ? executors_.pictures : executors_.others,
                [request, response](const Serving& serving, const Call& call) {
                  return PutInto(response, serving.Checked(HandleRecommend(
                                               serving, *request, call)));
                });
}

grpc::ServerUnaryReactor* SearchServiceImpl::Embed(
    grpc::CallbackServerContext* context, const v1::EmbedRequest* request,
    v1::EmbedResponse* response) {
  return Answer(context, *request, executors_.pictures,
                [request, response](const Serving& serving, const Call& call) {
                  return PutInto(response,
                                 HandleEmbed(serving, *request, call));
                });
}

grpc::ServerUnaryReactor* SearchServiceImpl::GetProduct(
    grpc::CallbackServerContext* context, const v1::GetProductRequest* request,
    v1::GetProductResponse* response) {
  return Answer(context, *request, executors_.others,
                [request, response](const Serving& serving, const Call&) {
                  return PutInto(response, serving.Checked(HandleGetProduct(
                                               serving, *request)));
                });
}

grpc::ServerUnaryReactor* SearchServiceImpl::GetImage(
    grpc::CallbackServerContext* context, const v1::GetImageRequest* request,
    v1::GetImageResponse* response) {
  return Answer(context, *request, executors_.others,
                [request, response](const Serving& serving, const Call&) {
                  return PutInto(response, serving.Checked(HandleGetImage(
                                               serving, *request)));
                });
}

grpc::ServerWriteReactor<v1::ListProductsResponse>*
SearchServiceImpl::ListProducts(grpc::CallbackServerContext* context,
                                const v1::ListProductsRequest* request) {
  // gRPC keeps the request until the reactor is done.
  return NewListProducts(
      [this, request, call = CallOf(context)] {
        return ListStore(*request, store_, call);
      },
      executors_.others);
}

grpc::ServerUnaryReactor* SearchServiceImpl::DescribeIndex(
    grpc::CallbackServerContext* context,
    const v1::DescribeIndexRequest* request,
    v1::DescribeIndexResponse* response) {
  return Answer(context, *request, executors_.others,
                [this, response](const Serving& serving, const Call&) {
                  *response = HandleDescribeIndex(serving, store_->degraded(),
                                                  version_);
                  return absl::OkStatus();
                });
}

}  // namespace vitrine
