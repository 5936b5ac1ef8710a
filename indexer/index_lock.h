// The LOCK of an index directory: one writer at a time.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/index/index_paths.h"

namespace vitrine {

// Held until destroyed or until the process ends, however it ends (flock(2)).
class IndexLock {
 public:
  // Makes the index's folder where there is none, and writes who holds the lock
  // into the file. FAILED_PRECONDITION, with the holder's process, host and
  // start, where another has it.
  static absl::StatusOr<std::unique_ptr<IndexLock>> Acquire(
      const IndexPaths& paths);
  // Whether somebody has it now.
  static bool IsHeld(const IndexPaths& paths);
  ~IndexLock();
  IndexLock(const IndexLock&) = delete;
  IndexLock& operator=(const IndexLock&) = delete;

 private:
  explicit IndexLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace vitrine
