// The HTTP port by which others watch a daemon.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/http/http_server.h"

namespace vitrine {

// The functions are called from several threads at once.
struct StatusPortOptions {
  std::string listen;                    // HOST:PORT; port 0 takes a free one.
  std::function<std::string()> metrics;  // In Prometheus's text format.
  std::function<absl::Status()> readiness;
};

// GET /metrics; /healthz, which is 200 as long as the process lives; /readyz,
// which is 200, or 503 with what is lacking. Nothing of a request but its path
// is looked at. Thread-safe.
class StatusPort {
 public:
  // INVALID_ARGUMENT where `listen` is no HOST:PORT, UNAVAILABLE where it
  // cannot be listened on.
  static absl::StatusOr<std::unique_ptr<StatusPort>> Start(
      StatusPortOptions options);
  ~StatusPort();
  StatusPort(const StatusPort&) = delete;
  StatusPort& operator=(const StatusPort&) = delete;

  // HOST:PORT, where it listens.
  const std::string& address() const { return server_->address(); }

 private:
  StatusPort();

  std::unique_ptr<HttpServer> server_;
};

}  // namespace vitrine
