// How fast a thread may write files: one that writes large ones leaves the disk
// to those that others wait for.
#pragma once

#include <cstdint>

#include "common/base/stop_requested.h"

namespace vitrine {

// While it lives, what its thread appends to StagingFiles is no more than so
// many bytes a second, on average; 0 is no limit. Nothing is waited for once
// `stop` asks to. Not one within another.
class LimitedThreadWrites {
 public:
  LimitedThreadWrites(uint64_t bytes_per_second, StopRequested stop);
  ~LimitedThreadWrites();
  LimitedThreadWrites(const LimitedThreadWrites&) = delete;
  LimitedThreadWrites& operator=(const LimitedThreadWrites&) = delete;
};

// Told of what the calling thread has written; waits as long as its limit asks.
void PaceThreadWrites(uint64_t bytes);

}  // namespace vitrine
