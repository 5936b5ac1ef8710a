// One of the indexes that a server answers from where it has several: a folder
// of its own, or another server.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/call.h"
#include "server/product_stream.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// Thread-safe.
class Backend {
 public:
  // Called once, from any thread, and perhaps before Ask returns.
  using Done = std::function<void(const absl::Status&)>;
  // Ends a call early; does nothing once it is done. May be empty.
  using Cancel = std::function<void()>;

  virtual ~Backend() = default;
  // Its folder or address, as the server was given it.
  virtual const std::string& name() const = 0;

  // Begins a call. It is to be done by the call's deadline, and `cancelled` of
  // the call is not asked. Request and response live until it is done.
  virtual Cancel Ask(const v1::SearchRequest& request, const Call& call,
                     v1::SearchResponse* response, Done done) = 0;
  virtual Cancel Ask(const v1::RecommendRequest& request, const Call& call,
                     v1::RecommendResponse* response, Done done) = 0;
  virtual Cancel Ask(const v1::EmbedRequest& request, const Call& call,
                     v1::EmbedResponse* response, Done done) = 0;
  virtual Cancel Ask(const v1::GetProductRequest& request, const Call& call,
                     v1::GetProductResponse* response, Done done) = 0;
  virtual Cancel Ask(const v1::GetImageRequest& request, const Call& call,
                     v1::GetImageResponse* response, Done done) = 0;
  virtual Cancel Ask(const v1::DescribeIndexRequest& request, const Call& call,
                     v1::DescribeIndexResponse* response, Done done) = 0;

  virtual std::unique_ptr<ProductStream> List(
      const v1::ListProductsRequest& request, const Call& call) = 0;
};

}  // namespace vitrine
