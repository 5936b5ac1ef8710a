// A Redis server of a benchmark's own.
#pragma once

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
#include "benchmarks/child_process.h"
#include "common/queue/queue_address.h"

namespace vitrine {

// On a free port of 127.0.0.1, as long as it lives. It keeps nothing.
class QueueProcess {
 public:
  // Returns once it answers. NOT_FOUND where redis-server is not installed.
  static absl::StatusOr<std::unique_ptr<QueueProcess>> Start(
      const std::filesystem::path& folder);

  const QueueAddress& address() const { return address_; }

 private:
  QueueProcess() = default;

  QueueAddress address_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace vitrine
