#include "clients/gallery/api.h"

#include <google/protobuf/util/json_util.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/utf8.h"

namespace vitrine::gallery {
namespace {

using google::protobuf::util::JsonPrintOptions;
using google::protobuf::util::JsonStringToMessage;
using google::protobuf::util::MessageToJsonString;

// `json` is a whole answer.
HttpResponse Json(int status, std::string json) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(json);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

std::string JsonOf(const google::protobuf::Message& message) {
  JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = MessageToJsonString(message, &json, options);
  return status.ok() ? json : "{}";
}

HttpResponse ErrorJson(int http_status, const v1::Error& error) {
  HttpResponse response =
      Json(http_status, absl::StrCat("{\"error\":", JsonOf(error), "}"));
  if (error.retry_after_ms() > 0) {
    response.headers.emplace_back(
        "Retry-After", std::to_string((error.retry_after_ms() + 999) / 1000));
  }
  return response;
}

// What a message of protobuf can hold.
bool AreUtf8(const HttpRequest& request) {
  return IsUtf8(request.Parameter("id")) && IsUtf8(request.Parameter("key"));
}

HttpResponse NotFound(const HttpRequest& request) {
  return ErrorResponse(
      404, grpc::StatusCode::NOT_FOUND,
      absl::StrCat(request.method, " ", Excerpt(request.path),
                   " is no call of the gallery; docs/gallery.md lists them"));
}

}  // namespace

HttpResponse ErrorResponse(int http_status, grpc::StatusCode code,
                           const std::string& message) {
  v1::Error error;
  error.set_code(code);
  error.set_message(Excerpt(message, 1000));
  return ErrorJson(http_status, error);
}

int HttpStatusOf(int grpc_code) {
  switch (grpc_code) {
    case grpc::StatusCode::OK:
      return 200;
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      return 400;
    case grpc::StatusCode::NOT_FOUND:
      return 404;
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::ALREADY_EXISTS:
      return 409;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return 429;
    case grpc::StatusCode::UNIMPLEMENTED:
      return 501;
    // The gallery's token, not the browser's.
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return 502;
    // A server that ends cancels what comes while it does.
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::UNAVAILABLE:
      return 503;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return 504;
    default:
      return 500;
  }
}

Api::Api(cli::Connection connection) : connection_(std::move(connection)) {}

HttpResponse Api::FailureOf(const grpc::Status& status) const {
  return ErrorJson(HttpStatusOf(status.error_code()),
                   connection_.ErrorOfCall(status));
}

template <typename Request, typename Response, typename Call>
HttpResponse Api::Ask(const std::string& body, const Call& call) {
  Request request;
  if (const auto read = JsonStringToMessage(body, &request); !read.ok()) {
    return ErrorResponse(
        400, grpc::StatusCode::INVALID_ARGUMENT,
        absl::StrCat("the body is no ", Request::descriptor()->name(),
                     " in JSON: ", std::string(read.message())));
  }
  Response response;
  const auto context = connection_.NewContext();
  const grpc::Status status =
      (connection_.stub().*call)(context.get(), request, &response);
  if (!status.ok()) return FailureOf(status);
  return Json(200, JsonOf(response));
}

HttpResponse Api::Describe() {
  v1::DescribeIndexResponse response;
  const auto context = connection_.NewContext();
  const grpc::Status status =
      connection_.stub().DescribeIndex(context.get(), {}, &response);
  if (!status.ok()) return FailureOf(status);
  return Json(200, JsonOf(response));
}

HttpResponse Api::Product(const HttpRequest& from) {
  v1::GetProductRequest request;
  request.set_product_id(from.Parameter("id"));
  v1::GetProductResponse response;
  const auto context = connection_.NewContext();
  const grpc::Status status =
      connection_.stub().GetProduct(context.get(), request, &response);
  if (!status.ok()) return FailureOf(status);
  return Json(200, JsonOf(response));
}

HttpResponse Api::Image(const HttpRequest& from) {
  v1::GetImageRequest request;
  request.set_product_id(from.Parameter("id"));
  request.set_image(from.Parameter("key"));
  v1::GetImageResponse image;
  const auto context = connection_.NewContext();
  const grpc::Status status =
      connection_.stub().GetImage(context.get(), request, &image);
  if (!status.ok()) return FailureOf(status);
  const std::string tag =
      absl::StrCat("\"", ToHex(Sha256(image.content())).substr(0, 32), "\"");
  HttpResponse response;
  response.headers = {
      {"ETag", tag},
      {"Cache-Control", "private, max-age=60, stale-while-revalidate=86400"}};
  if (from.Header("if-none-match") == tag) {
    response.status = 304;
    return response;
  }
  // A server that says it is a page is not believed.
  const std::string& type = image.media_type();
  const bool is_picture =
      type == "image/jpeg" || type == "image/png" || type == "image/webp";
  response.content_type = is_picture ? type : "application/octet-stream";
  response.body = std::move(*image.mutable_content());
  return response;
}

HttpResponse Api::Answer(const HttpRequest& request) {
  using Stub = v1::SearchService::Stub;
  const std::string& path = request.path;
  if (request.method == "POST") {
    if (path == "/api/search") {
      return Ask<v1::SearchRequest, v1::SearchResponse>(request.body,
                                                        &Stub::Search);
    }
    if (path == "/api/recommend") {
      return Ask<v1::RecommendRequest, v1::RecommendResponse>(request.body,
                                                              &Stub::Recommend);
    }
    if (path == "/api/embed") {
      return Ask<v1::EmbedRequest, v1::EmbedResponse>(request.body,
                                                      &Stub::Embed);
    }
    return NotFound(request);
  }
  if (!AreUtf8(request)) {
    return ErrorResponse(400, grpc::StatusCode::INVALID_ARGUMENT,
                         "id and key are UTF-8, and percent-encoded");
  }
  if (path == "/api/describe") return Describe();
  if (path == "/api/product") return Product(request);
  if (path == "/api/image") return Image(request);
  return NotFound(request);
}

}  // namespace vitrine::gallery
