#include "clients/gallery/site.h"

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"

namespace vitrine::gallery {
namespace {

const char* TypeOf(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

}  // namespace

HttpResponse AnswerWithFile(const HttpRequest& request) {
  const std::string name =
      request.path == "/" ? "index.html" : request.path.substr(1);
  HttpResponse response;
  for (const SiteFile& file : SiteFiles()) {
    if (file.name != name) continue;
    const std::string tag =
        absl::StrCat("\"", ToHex(Sha256(file.content)).substr(0, 32), "\"");
    response.headers = {{"ETag", tag}, {"Cache-Control", "no-cache"}};
    if (request.Header("if-none-match") == tag) {
      response.status = 304;
      return response;
    }
    response.content_type = TypeOf(file.name);
    response.body = std::string(file.content);
    return response;
  }
  response.status = 404;
  response.body = "There is no such page; the gallery is at /\n";
  return response;
}

}  // namespace vitrine::gallery
