// A server that is soaked over gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/soak_callers.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine::testing {

class StubbedServer final : public SoakedServer {
 public:
  explicit StubbedServer(const std::string& address)
      : stub_(v1::SearchService::NewStub(grpc::CreateChannel(
            address, grpc::InsecureChannelCredentials()))) {}

  absl::Status Search(const v1::SearchRequest& request,
                      v1::SearchResponse* response) override {
    return Call(&v1::SearchService::Stub::Search, request, response);
  }
  absl::Status Searches(const v1::SearchStreamRequest& request,
                        v1::SearchStreamResponse* response) override {
    const auto context = NewContext();
    const auto stream = stub_->SearchStream(context.get());
    const bool answered = stream->Write(request) && stream->WritesDone() &&
                          stream->Read(response);
    v1::SearchStreamResponse no_more;
    while (stream->Read(&no_more)) {
    }
    const absl::Status status = ToAbsl(stream->Finish());
    return answered || !status.ok() ? status
                                    : absl::InternalError("no answer came");
  }
  absl::Status Recommend(const v1::RecommendRequest& request,
                         v1::RecommendResponse* response) override {
    return Call(&v1::SearchService::Stub::Recommend, request, response);
  }
  absl::Status Embed(const v1::EmbedRequest& request,
                     v1::EmbedResponse* response) override {
    return Call(&v1::SearchService::Stub::Embed, request, response);
  }
  absl::Status GetProduct(const v1::GetProductRequest& request,
                          v1::GetProductResponse* response) override {
    return Call(&v1::SearchService::Stub::GetProduct, request, response);
  }
  absl::Status GetImage(const v1::GetImageRequest& request,
                        v1::GetImageResponse* response) override {
    return Call(&v1::SearchService::Stub::GetImage, request, response);
  }
  absl::Status Describe(v1::DescribeIndexResponse* response) override {
    return Call(&v1::SearchService::Stub::DescribeIndex,
                v1::DescribeIndexRequest(), response);
  }
  absl::Status List(std::vector<std::string>* ids) override {
    const auto context = NewContext();
    const auto reader = stub_->ListProducts(context.get(), {});
    v1::ListProductsResponse response;
    while (reader->Read(&response)) {
      for (const v1::Product& product : response.products()) {
        ids->push_back(product.product_id());
      }
    }
    return ToAbsl(reader->Finish());
  }

 private:
  static std::unique_ptr<grpc::ClientContext> NewContext() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() +
                          std::chrono::minutes(1));
    return context;
  }
  static absl::Status ToAbsl(const grpc::Status& status) {
    return {static_cast<absl::StatusCode>(status.error_code()),
            status.error_message()};
  }
  template <typename Method, typename Request, typename Response>
  absl::Status Call(Method method, const Request& request, Response* response) {
    const auto context = NewContext();
    return ToAbsl((stub_.get()->*method)(context.get(), request, response));
  }

  const std::unique_ptr<v1::SearchService::Stub> stub_;
};

}  // namespace vitrine::testing
