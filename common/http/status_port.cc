#include "common/http/status_port.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

HttpResponse Text(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

HttpResponse AnswerOf(const StatusPortOptions& options,
                      const std::string& path) {
  if (path == "/") return Text(200, "/metrics\n/healthz\n/readyz\n");
  if (path == "/healthz") return Text(200, "ok\n");
  if (path == "/readyz") {
    const absl::Status ready = options.readiness();
    return ready.ok() ? Text(200, "ready\n")
                      : Text(503, absl::StrCat(ready.message(), "\n"));
  }
  if (path == "/metrics") {
    HttpResponse response = Text(200, options.metrics());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  }
  return Text(404, "");
}

}  // namespace

StatusPort::StatusPort() = default;
StatusPort::~StatusPort() = default;

absl::StatusOr<std::unique_ptr<StatusPort>> StatusPort::Start(
    StatusPortOptions options) {
  HttpServerOptions http;
  http.listen = options.listen;
  http.answer = [options = std::move(options)](const HttpRequest& request) {
    return AnswerOf(options, request.path);
  };
  std::unique_ptr<StatusPort> port(new StatusPort());
  VITRINE_ASSIGN_OR_RETURN(port->server_, HttpServer::Start(std::move(http)));
  return port;
}

}  // namespace vitrine
