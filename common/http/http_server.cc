#include "common/http/http_server.h"

#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/listen_address.h"
#include "common/base/status.h"
#include "common/http/http_connection.h"
#include "httplib.h"

namespace vitrine {
namespace {

using Handled = httplib::Server::HandlerResponse;

HttpRequest RequestOf(const httplib::Request& from) {
  HttpRequest request;
  request.method = from.method;
  request.path = from.path;
  for (const auto& [name, value] : from.headers) {
    request.headers.emplace(absl::AsciiStrToLower(name), value);
  }
  request.parameters.insert(from.params.begin(), from.params.end());
  request.body = from.body;
  return request;
}

void Fill(const HttpResponse& from, httplib::Response* response) {
  response->status = from.status;
  for (const auto& [name, value] : from.headers) {
    response->set_header(name, value);
  }
  // See BoundedServer.
  response->set_header("Accept-Ranges", "none");
  if (from.status == 304) return;
  response->set_content(from.body, from.content_type);
}

HttpResponse Plain(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

std::string FirstOf(const std::multimap<std::string, std::string>& values,
                    const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? "" : found->second;
}

class ConnectionStream : public httplib::Stream {
 public:
  explicit ConnectionStream(HttpConnection* connection)
      : connection_(*connection) {}
  bool is_readable() const override { return connection_.AwaitReadable(); }
  bool is_writable() const override { return connection_.AwaitWritable(); }
  ssize_t read(char* to, size_t size) override {
    return connection_.Read(to, size);
  }
  ssize_t write(const char* from, size_t size) override {
    return connection_.Write({from, size}) ? static_cast<ssize_t>(size) : -1;
  }
  // Nobody asks.
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return connection_.socket(); }

 private:
  HttpConnection& connection_;
};

// The library bounds a header's lines, but neither their number nor the time
// that they take.
class BoundedServer : public httplib::Server {
 public:
  explicit BoundedServer(size_t max_body_bytes) {
    bounds_.max_body_bytes = max_body_bytes;
  }

 private:
  bool process_and_close_socket(socket_t socket) override {
    HttpConnection connection(socket, bounds_);
    const bool is_stopping = svr_sock_ == INVALID_SOCKET;
    if (is_stopping || !connection.ReadHeader()) return false;
    ConnectionStream stream(&connection);
    bool closed = false;
    // It would send a part as often as the request names it. Whoever wants
    // parts may be sent all (RFC 9110, 14.2).
    return process_request(
        stream, /*close_connection=*/true, closed,
        [](httplib::Request& request) { request.ranges.clear(); });
  }

  HttpConnectionOptions bounds_;
};

}  // namespace

std::string HttpRequest::Header(const std::string& name) const {
  return FirstOf(headers, name);
}

std::string HttpRequest::Parameter(const std::string& name) const {
  return FirstOf(parameters, name);
}

struct HttpServer::Server {
  explicit Server(HttpServerOptions of)
      : options(std::move(of)), http(options.max_body_bytes) {
    http.new_task_queue = [this] {
      return new httplib::ThreadPool(options.threads);
    };
    // The library's own would let two programs have one port.
    http.set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    http.set_payload_max_length(options.max_body_bytes);
    http.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          return BeforeBody(request, &response);
        });
    http.Post(".*", [this](const httplib::Request& request,
                           httplib::Response& response) {
      Fill(options.answer(RequestOf(request)), &response);
    });
  }
  ~Server() {
    http.stop();
    if (thread.joinable()) thread.join();
  }

  Handled BeforeBody(const httplib::Request& from,
                     httplib::Response* response) const {
    const bool posts = options.max_body_bytes > 0 && from.method == "POST";
    if (!posts && from.method != "GET" && from.method != "HEAD") {
      response->status = 405;
      return Handled::Handled;
    }
    const HttpRequest request = RequestOf(from);
    if (options.refuse) {
      if (auto refusal = options.refuse(request)) {
        Fill(*refusal, response);
        return Handled::Handled;
      }
    }
    if (posts) {
      // The library bounds no others.
      if (request.headers.count("content-length") != 1 ||
          request.headers.contains("transfer-encoding")) {
        Fill(Plain(411, "a body needs its Content-Length\n"), response);
        return Handled::Handled;
      }
      if (request.headers.contains("content-encoding")) {
        Fill(Plain(415, "a body must not be compressed\n"), response);
        return Handled::Handled;
      }
      return Handled::Unhandled;
    }
    Fill(options.answer(request), response);
    return Handled::Handled;
  }

  const HttpServerOptions options;
  BoundedServer http;
  std::atomic<bool> ended = false;
  std::thread thread;
};

HttpServer::HttpServer() = default;
HttpServer::~HttpServer() = default;

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    HttpServerOptions options) {
  VITRINE_ASSIGN_OR_RETURN(const ListenAddress place,
                           ParseListenAddress(options.listen));
  const std::string listen = options.listen;
  std::unique_ptr<HttpServer> server(new HttpServer());
  server->server_ = std::make_unique<Server>(std::move(options));
  httplib::Server& http = server->server_->http;
  int number = place.port;
  if (number == 0) {
    number = http.bind_to_any_port(place.host);
  } else if (!http.bind_to_port(place.host, number)) {
    number = -1;
  }
  if (number <= 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", listen,
                     ": it is taken, or no address of this machine; choose "
                     "another port, or 0 for a free one"));
  }
  server->address_ =
      absl::StrCat(listen.substr(0, listen.rfind(':')), ":", number);
  server->server_->thread = std::thread([running = server->server_.get()] {
    running->http.listen_after_bind();
    running->ended = true;
  });
  // A stop before it has begun would be lost.
  while (!http.is_running() && !server->server_->ended) {
    std::this_thread::yield();
  }
  return server;
}

}  // namespace vitrine
