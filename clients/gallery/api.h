// What the page asks, over HTTP, as calls of a vitrine-server.
#pragma once

#include <memory>
#include <string>

#include "clients/cli/connection.h"
#include "common/http/http_server.h"

namespace vitrine::gallery {

// Bodies and answers are the messages of vitrine.v1 in protobuf's JSON, fields
// under their own names:
//   POST /api/search, /api/recommend, /api/embed     SearchRequest and so on
//   GET  /api/describe                               DescribeIndexResponse
//   GET  /api/product?id=ID                          GetProductResponse
//   GET  /api/image?id=ID&key=KEY                    the bytes of a thumbnail
// A failure is {"error": vitrine.v1.Error}, under the HTTP status that is
// nearest. Thread-safe.
class Api {
 public:
  explicit Api(cli::Connection connection);

  HttpResponse Answer(const HttpRequest& request);

 private:
  template <typename Request, typename Response, typename Call>
  HttpResponse Ask(const std::string& body, const Call& call);
  HttpResponse Describe();
  HttpResponse Product(const HttpRequest& request);
  HttpResponse Image(const HttpRequest& request);
  HttpResponse FailureOf(const grpc::Status& status) const;

  cli::Connection connection_;
};

// {"error": ...} of a failure of the gallery itself.
HttpResponse ErrorResponse(int http_status, grpc::StatusCode code,
                           const std::string& message);

// The HTTP status for a gRPC one.
int HttpStatusOf(int grpc_code);

}  // namespace vitrine::gallery
