// Whether an index is sound, file by file. Writes nothing and takes no lock.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/stop_requested.h"
#include "common/index/index_paths.h"

namespace vitrine {

struct IndexCheck {
  uint64_t generation = 0;  // That was verified: the newest that can be read.
  size_t generations = 0;   // Whose manifests were read.
  size_t files = 0;
  uint64_t bytes = 0;
  // For people, a line a file that is damaged or missing.
  std::vector<std::string> findings;
};

// How many of how many bytes were read.
using ByteProgress = std::function<void(uint64_t done, uint64_t total)>;

// Reads the manifest of every generation that is kept, and verifies every file
// that the newest of them names. A generation that expires meanwhile is left
// for the newest. NOT_FOUND where there is no index; FAILED_PRECONDITION where
// a newer version has written it; CANCELLED where it had to stop.
absl::StatusOr<IndexCheck> CheckIndex(const IndexPaths& paths,
                                      const ByteProgress& progress,
                                      const StopRequested& stop);

}  // namespace vitrine
