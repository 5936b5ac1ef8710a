// A small HTTP server: functions that answer requests, on few threads.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace vitrine {

struct HttpRequest {
  std::string method;  // GET, HEAD or POST.
  std::string path;    // Decoded, without the query.
  std::multimap<std::string, std::string> headers;     // Names in lower case.
  std::multimap<std::string, std::string> parameters;  // The query, decoded.
  std::string body;

  // The first of that name; empty where there is none.
  std::string Header(const std::string& name) const;
  std::string Parameter(const std::string& name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // Besides those.
};

// The functions are called from several threads at once.
struct HttpServerOptions {
  std::string listen;  // HOST:PORT; port 0 takes a free one.
  size_t threads = 8;  // Requests that are answered at once.
  // POST is taken where this is not 0, if its body has a length, no coding and
  // at most so many bytes. Otherwise GET and HEAD alone are.
  size_t max_body_bytes = 0;
  // Asked before the body is read; what it returns is the answer. May be null.
  std::function<std::optional<HttpResponse>(const HttpRequest&)> refuse;
  std::function<HttpResponse(const HttpRequest&)> answer;
};

// A connection is for one request, and ends where it is silent for 5 seconds or
// slower than HttpConnectionOptions allow. A Range is not looked at: the answer
// is whole. Thread-safe.
class HttpServer {
 public:
  // INVALID_ARGUMENT where `listen` is no HOST:PORT, UNAVAILABLE where it
  // cannot be listened on.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(
      HttpServerOptions options);
  // Requests in hand are answered first.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // HOST:PORT, where it listens.
  const std::string& address() const { return address_; }

 private:
  struct Server;

  HttpServer();

  std::string address_;
  std::unique_ptr<Server> server_;
};

}  // namespace vitrine
