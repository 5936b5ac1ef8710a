#include "common/http/status_port.h"

#include <sys/socket.h>

#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "httplib.h"

namespace vitrine {
namespace {

constexpr size_t kThreads = 2;
constexpr time_t kPatienceS = 5;

struct Place {
  std::string host;
  int port = 0;
};

std::optional<Place> ParsePlace(std::string_view listen) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  Place place{std::string(listen.substr(0, colon)), 0};
  const std::string port(listen.substr(colon + 1));
  if (!absl::SimpleAtoi(port, &place.port) || place.port < 0 ||
      place.port > 65535) {
    return std::nullopt;
  }
  // As in [::1]:9091.
  if (place.host.front() == '[' && place.host.back() == ']') {
    place.host = place.host.substr(1, place.host.size() - 2);
  } else if (place.host.find(':') != std::string::npos) {
    return std::nullopt;
  }
  return place;
}

}  // namespace

struct StatusPort::Server {
  explicit Server(StatusPortOptions of) : options(std::move(of)) {
    http.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    // The library's own would let two programs have one port.
    http.set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    http.set_read_timeout(kPatienceS);
    http.set_write_timeout(kPatienceS);
    // An idle connection would keep a thread, and the end of the process
    // waiting.
    http.set_keep_alive_max_count(1);
    http.set_payload_max_length(0);
    // Before a body is read.
    http.set_pre_routing_handler(
        [](const httplib::Request& request, httplib::Response& response) {
          if (request.method == "GET" || request.method == "HEAD") {
            return httplib::Server::HandlerResponse::Unhandled;
          }
          response.status = 405;
          return httplib::Server::HandlerResponse::Handled;
        });
    http.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("/metrics\n/healthz\n/readyz\n", "text/plain");
    });
    http.Get("/healthz",
             [](const httplib::Request&, httplib::Response& response) {
               response.set_content("ok\n", "text/plain");
             });
    http.Get("/readyz",
             [this](const httplib::Request&, httplib::Response& response) {
               const absl::Status ready = options.readiness();
               if (!ready.ok()) response.status = 503;
               response.set_content(
                   ready.ok() ? "ready\n" : absl::StrCat(ready.message(), "\n"),
                   "text/plain; charset=utf-8");
             });
    http.Get("/metrics",
             [this](const httplib::Request&, httplib::Response& response) {
               response.set_content(options.metrics(),
                                    "text/plain; version=0.0.4; charset=utf-8");
             });
  }
  ~Server() {
    http.stop();
    if (thread.joinable()) thread.join();
  }

  const StatusPortOptions options;
  httplib::Server http;
  std::atomic<bool> ended = false;
  std::thread thread;
};

StatusPort::StatusPort() = default;
StatusPort::~StatusPort() = default;

absl::Status CheckListen(std::string_view listen) {
  if (ParsePlace(listen)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("\"", std::string(listen),
                   "\" is no place to listen; give HOST:PORT, as in "
                   "127.0.0.1:9091"));
}

absl::StatusOr<std::unique_ptr<StatusPort>> StatusPort::Start(
    StatusPortOptions options) {
  VITRINE_RETURN_IF_ERROR(CheckListen(options.listen));
  const std::optional<Place> place = ParsePlace(options.listen);
  const std::string listen = options.listen;
  std::unique_ptr<StatusPort> port(new StatusPort());
  port->server_ = std::make_unique<Server>(std::move(options));
  httplib::Server& http = port->server_->http;
  int number = place->port;
  if (number == 0) {
    number = http.bind_to_any_port(place->host);
  } else if (!http.bind_to_port(place->host, number)) {
    number = -1;
  }
  if (number <= 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", listen,
                     ": it is taken, or no address of this machine; choose "
                     "another port, or 0 for a free one"));
  }
  port->address_ =
      absl::StrCat(listen.substr(0, listen.rfind(':')), ":", number);
  port->server_->thread = std::thread([server = port->server_.get()] {
    server->http.listen_after_bind();
    server->ended = true;
  });
  // A stop before it has begun would be lost.
  while (!http.is_running() && !port->server_->ended) {
    std::this_thread::yield();
  }
  return port;
}

}  // namespace vitrine
