// Which requests come from the gallery's own page, or from no page at all.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/http/http_server.h"

namespace vitrine::gallery {

// A page of another site must not read the catalogue through the browser of
// somebody who may: neither by asking for it, nor by a name of its own that it
// lets stand for this machine (DNS rebinding). Thread-safe.
class RequestGuard {
 public:
  // `names` are those by which others than this machine's programs reach the
  // gallery: shop.example. Addresses and localhost need none.
  explicit RequestGuard(std::vector<std::string> names);

  // PERMISSION_DENIED where a page of another site asks, INVALID_ARGUMENT for a
  // POST of something else than JSON.
  absl::Status Check(const HttpRequest& request) const;

 private:
  bool IsOurs(const std::string& host) const;

  std::vector<std::string> names_;
};

}  // namespace vitrine::gallery
