#include "server/remote_backend.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <utility>

#include "common/base/status.h"
#include "server/grpc_status.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {
namespace {

// A connection that is silent for so long while calls wait is tried, and lost
// where that is not answered: a machine that is gone tells nobody.
constexpr int kKeepaliveMs = 10'000;
constexpr int kKeepaliveTimeoutMs = 5'000;
// So long a machine may take to answer that it is connected.
constexpr int kConnectPatienceMs = 5'000;
// A server that comes back is found within so long.
constexpr int kMostBackoffMs = 1'000;
// A list of products goes on while each message of it comes within so long, and
// its caller is looked after so often.
constexpr std::chrono::seconds kListPatience(30);
constexpr std::chrono::milliseconds kListLook(100);

absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(
    const std::string& address, const ChannelSecurity& security) {
  grpc::ChannelArguments arguments;
  // Backends are trusted, and a page of thumbnails may be large.
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  // gRPC would send even 127.0.0.1 through the http_proxy of the environment.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectPatienceMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMostBackoffMs);
  // Two backends at one address are two connections.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return NewChannel(address, security, arguments);
}

// Asks with a queue of its own, so that a partition that hangs can be left.
class RemoteProducts final : public ProductStream {
 public:
  RemoteProducts(v1::SearchService::Stub* stub,
                 const v1::ListProductsRequest& request, const Call& call)
      : call_(call) {
    if (call.deadline != std::chrono::system_clock::time_point::max()) {
      context_.set_deadline(call.deadline);
    }
    reader_ = stub->AsyncListProducts(&context_, request, &queue_, this);
    ended_ = !Await();
  }
  ~RemoteProducts() override {
    context_.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  absl::StatusOr<v1::ListProductsResponse> Next() override {
    v1::ListProductsResponse response;
    if (!ended_) {
      reader_->Read(&response, this);
      if (Await()) return response;
      ended_ = true;
      response.Clear();
    }
    if (!finished_) {
      grpc::Status status;
      reader_->Finish(&status, this);
      Await();
      finished_ = true;
      status_ = FromGrpc(status);
    }
    if (!status_.ok()) return status_;
    return response;
  }

 private:
  // Waits for what was begun; whether it went well. Where the caller has gone,
  // or the partition is silent for long, it is cancelled.
  bool Await() {
    const auto patience = std::chrono::system_clock::now() + kListPatience;
    void* tag = nullptr;
    bool ok = false;
    while (queue_.AsyncNext(&tag, &ok,
                            std::chrono::system_clock::now() + kListLook) ==
           grpc::CompletionQueue::TIMEOUT) {
      if (!call_.Check().ok() || std::chrono::system_clock::now() > patience) {
        context_.TryCancel();
      }
    }
    return ok;
  }

  const Call call_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::ListProductsResponse>> reader_;
  bool ended_ = false;
  bool finished_ = false;
  absl::Status status_;
};

class RemoteBackend final : public Backend {
 public:
  RemoteBackend(std::string address,
                const std::shared_ptr<grpc::Channel>& channel)
      : address_(std::move(address)),
        stub_(v1::SearchService::NewStub(channel)) {}

  const std::string& name() const override { return address_; }

  Cancel Ask(const v1::SearchRequest& request, const Call& call,
             v1::SearchResponse* response, Done done) override {
    return Begin(call, std::move(done), [&](auto* context, auto finish) {
      stub_->async()->Search(context, &request, response, finish);
    });
  }
  Cancel Ask(const v1::RecommendRequest& request, const Call& call,
             v1::RecommendResponse* response, Done done) override {
    return Begin(call, std::move(done), [&](auto* context, auto finish) {
      stub_->async()->Recommend(context, &request, response, finish);
    });
  }
  Cancel Ask(const v1::EmbedRequest& request, const Call& call,
             v1::EmbedResponse* response, Done done) override {
    return Begin(call, std::move(done), [&](auto* context, auto finish) {
      stub_->async()->Embed(context, &request, response, finish);
    });
  }
  Cancel Ask(const v1::GetProductRequest& request, const Call& call,
             v1::GetProductResponse* response, Done done) override {
    return Begin(call, std::move(done), [&](auto* context, auto finish) {
      stub_->async()->GetProduct(context, &request, response, finish);
    });
  }
  Cancel Ask(const v1::GetImageRequest& request, const Call& call,
             v1::GetImageResponse* response, Done done) override {
    return Begin(call, std::move(done), [&](auto* context, auto finish) {
      stub_->async()->GetImage(context, &request, response, finish);
    });
  }
  Cancel Ask(const v1::DescribeIndexRequest& request, const Call& call,
             v1::DescribeIndexResponse* response, Done done) override {
    return Begin(call, std::move(done), [&](auto* context, auto finish) {
      stub_->async()->DescribeIndex(context, &request, response, finish);
    });
  }

  std::unique_ptr<ProductStream> List(const v1::ListProductsRequest& request,
                                      const Call& call) override {
    return std::make_unique<RemoteProducts>(stub_.get(), request, call);
  }

 private:
  template <typename Start>
  Cancel Begin(const Call& call, Done done, Start start) {
    const auto context = std::make_shared<grpc::ClientContext>();
    if (call.deadline != std::chrono::system_clock::time_point::max()) {
      context->set_deadline(call.deadline);
    }
    start(context.get(),
          [context, done = std::move(done)](const grpc::Status& status) {
            done(FromGrpc(status));
          });
    return [context] { context->TryCancel(); };
  }

  const std::string address_;
  const std::unique_ptr<v1::SearchService::Stub> stub_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> NewRemoteBackend(
    std::string address, const ChannelSecurity& security) {
  VITRINE_ASSIGN_OR_RETURN(const auto channel, Connect(address, security));
  return std::make_unique<RemoteBackend>(std::move(address), channel);
}

}  // namespace vitrine
