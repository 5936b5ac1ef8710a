#include "clients/gallery/gallery.h"

#include <optional>
#include <utility>

#include "clients/gallery/api.h"
#include "clients/gallery/request_guard.h"
#include "clients/gallery/site.h"

namespace vitrine::gallery {
namespace {

// A picture of 29 MB in base64; the page sends far smaller ones.
constexpr size_t kMaxBodyBytes = 40 << 20;

HttpResponse Hardened(HttpResponse response) {
  // The page runs its own scripts alone and shows pictures of its own server;
  // no text of the catalogue can become a part of it.
  for (const auto& [name, value] : {
           std::pair(
               "Content-Security-Policy",
               "default-src 'none'; script-src 'self'; style-src 'self'; "
               "img-src 'self' blob:; connect-src 'self'; "
               "base-uri 'none'; form-action 'none'; "
               "frame-ancestors 'none'; "
               "require-trusted-types-for 'script'; trusted-types 'none'"),
           std::pair("X-Content-Type-Options", "nosniff"),
           std::pair("Cross-Origin-Resource-Policy", "same-origin"),
           std::pair("Cross-Origin-Opener-Policy", "same-origin"),
           std::pair("Referrer-Policy", "no-referrer"),
       }) {
    response.headers.emplace_back(name, value);
  }
  return response;
}

HttpResponse RefusalOf(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInvalidArgument
             ? ErrorResponse(415, grpc::StatusCode::INVALID_ARGUMENT,
                             std::string(status.message()))
             : ErrorResponse(403, grpc::StatusCode::PERMISSION_DENIED,
                             std::string(status.message()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> StartGallery(
    const GalleryOptions& options, cli::Connection connection) {
  const auto api = std::make_shared<Api>(std::move(connection));
  HttpServerOptions http;
  http.listen = options.listen;
  http.threads = options.threads;
  http.max_body_bytes = kMaxBodyBytes;
  http.refuse = [guard = RequestGuard(options.names)](
                    const HttpRequest& request) -> std::optional<HttpResponse> {
    const absl::Status status = guard.Check(request);
    if (status.ok()) return std::nullopt;
    return Hardened(RefusalOf(status));
  };
  http.answer = [api](const HttpRequest& request) {
    return Hardened(request.path.starts_with("/api/") ||
                            request.method == "POST"
                        ? api->Answer(request)
                        : AnswerWithFile(request));
  };
  return HttpServer::Start(std::move(http));
}

}  // namespace vitrine::gallery
