// The gallery: the page, what it asks, and who may.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/connection.h"
#include "common/http/http_server.h"

namespace vitrine::gallery {

struct GalleryOptions {
  std::string listen;              // HOST:PORT; port 0 takes a free one.
  std::vector<std::string> names;  // As RequestGuard takes them.
  size_t threads = 16;
};

// Serves until the HttpServer is destroyed. Errors are those of
// HttpServer::Start.
absl::StatusOr<std::unique_ptr<HttpServer>> StartGallery(
    const GalleryOptions& options, cli::Connection connection);

}  // namespace vitrine::gallery
