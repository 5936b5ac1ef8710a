// What has become of pushed products, as a server of their index tells it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/connection.h"

namespace vitrine::cli {

// Not thread-safe.
class PushOutcome {
 public:
  // Before anything is pushed: that the server answers. INVALID_ARGUMENT for
  // one of several partitions, which has no one list of receipts.
  static absl::StatusOr<PushOutcome> Begin(const std::string& server,
                                           const ChannelSecurity& security);

  // Once the indexer has taken all, in the generation `noted`: waits until the
  // server has opened that, and returns the receipts of those pictures of
  // `products` that were refused, and of entries that were refused as a whole,
  // since the entry `first_entry` was sent. Looks every `look`; `on_wait` is
  // called once where that takes long.
  absl::StatusOr<std::vector<v1::Receipt>> Await(
      const std::set<std::string>& products, const std::string& first_entry,
      uint64_t noted, std::chrono::milliseconds look,
      const std::function<void()>& on_wait);

 private:
  explicit PushOutcome(Connection connection)
      : connection_(std::move(connection)) {}
  absl::StatusOr<uint64_t> Generation();
  absl::Status ErrorOf(const grpc::Status& status) const;

  Connection connection_;
};

}  // namespace vitrine::cli
