// A gRPC server on a loopback port that answers as a test tells it to.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "common/rpc/rpc_error.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine::testing {

// Each call goes to the function of its name; without one it is UNIMPLEMENTED.
// Set them before the first call.
class FakeServer final : public v1::SearchService::Service {
 public:
  using SearchStreamHalf = grpc::ServerReaderWriter<v1::SearchStreamResponse,
                                                    v1::SearchStreamRequest>;
  using ListHalf = grpc::ServerWriter<v1::ListProductsResponse>;
  template <typename Request, typename Response>
  using Unary = std::function<grpc::Status(const Request&, Response*)>;

  FakeServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.SetMaxReceiveMessageSize(40 << 20);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeServer() override {
    server_->Shutdown(std::chrono::system_clock::now());
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  Unary<v1::SearchRequest, v1::SearchResponse> search;
  std::function<grpc::Status(SearchStreamHalf*)> search_stream;
  Unary<v1::RecommendRequest, v1::RecommendResponse> recommend;
  Unary<v1::EmbedRequest, v1::EmbedResponse> embed;
  Unary<v1::GetImageRequest, v1::GetImageResponse> get_image;
  Unary<v1::DescribeIndexRequest, v1::DescribeIndexResponse> describe_index;
  std::function<grpc::Status(const v1::ListProductsRequest&, ListHalf*)>
      list_products;

 private:
  template <typename Function, typename... Arguments>
  static grpc::Status Call(const Function& function, Arguments&&... arguments) {
    if (!function) return {grpc::StatusCode::UNIMPLEMENTED, ""};
    return function(std::forward<Arguments>(arguments)...);
  }
  grpc::Status Search(grpc::ServerContext*, const v1::SearchRequest* request,
                      v1::SearchResponse* response) override {
    return Call(search, *request, response);
  }
  grpc::Status SearchStream(grpc::ServerContext*,
                            SearchStreamHalf* stream) override {
    return Call(search_stream, stream);
  }
  grpc::Status Recommend(grpc::ServerContext*,
                         const v1::RecommendRequest* request,
                         v1::RecommendResponse* response) override {
    return Call(recommend, *request, response);
  }
  grpc::Status Embed(grpc::ServerContext*, const v1::EmbedRequest* request,
                     v1::EmbedResponse* response) override {
    return Call(embed, *request, response);
  }
  grpc::Status GetImage(grpc::ServerContext*,
                        const v1::GetImageRequest* request,
                        v1::GetImageResponse* response) override {
    return Call(get_image, *request, response);
  }
  grpc::Status DescribeIndex(grpc::ServerContext*,
                             const v1::DescribeIndexRequest* request,
                             v1::DescribeIndexResponse* response) override {
    return Call(describe_index, *request, response);
  }
  grpc::Status ListProducts(grpc::ServerContext*,
                            const v1::ListProductsRequest* request,
                            ListHalf* writer) override {
    return Call(list_products, *request, writer);
  }

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// A failure as a server sends it.
inline grpc::Status Refusal(grpc::StatusCode code, v1::ErrorReason reason,
                            const std::string& message,
                            const std::string& field = "") {
  v1::Error error;
  error.set_code(code);
  error.set_reason(reason);
  error.set_message(message);
  error.set_field(field);
  return {code, message, EncodeErrorDetails(error)};
}

// A product whose picture is "images/<id>.jpg".
inline v1::Hit MakeHit(const std::string& product_id, float score,
                       bool same_content = false) {
  v1::Hit hit;
  hit.set_product_id(product_id);
  hit.set_title("Title of " + product_id);
  hit.set_category("Dress");
  hit.set_score(score);
  hit.set_distance(1 - score);
  hit.set_same_content(same_content);
  hit.set_image("images/" + product_id + ".jpg");
  hit.set_thumbnail("jpeg of " + product_id);
  return hit;
}

}  // namespace vitrine::testing
