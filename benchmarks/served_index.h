// The real vitrine-server over an index, and calls to it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmarks/child_process.h"
#include "vitrine/v1/search.grpc.pb.h"

namespace vitrine {

// The cores that a server and those who ask it are kept to, so that neither
// takes time from the other: the first and the last that this thread may run
// on.
struct CorePair {
  int server = 0;
  int asker = 0;
};
// FAILED_PRECONDITION where there is one core alone.
absl::StatusOr<CorePair> TwoCores();

// A server of this machine, stopped with its owner. Thread-safe.
class ServedIndex {
 public:
  // Starts vitrine-server and returns when it is ready. On `core`, with one
  // thread of its own for searches, or, where that is negative, as it would
  // start by itself.
  static absl::StatusOr<std::unique_ptr<ServedIndex>> Start(
      const std::filesystem::path& index, int core = -1);
  // Starts a server on `core` whose Search answers every request with the bytes
  // of `answer`, and looks at none: what gRPC alone costs.
  static absl::StatusOr<std::unique_ptr<ServedIndex>> StartEmptyHandler(
      const v1::SearchResponse& answer, int core);

  v1::SearchService::Stub* stub() const { return stub_.get(); }
  // CPU time that it has used, in seconds.
  double CpuSeconds() const;
  // What it holds in memory, pages of its files included.
  absl::StatusOr<int64_t> ResidentBytes() const { return Memory("VmRSS:"); }
  // The most that it has held.
  absl::StatusOr<int64_t> MostResidentBytes() const { return Memory("VmHWM:"); }

 private:
  static absl::StatusOr<std::unique_ptr<ServedIndex>> StartProgram(
      const std::vector<std::string>& argv, const std::string& input, int core);

  // A line of /proc/PID/status.
  absl::StatusOr<int64_t> Memory(std::string_view line) const;

  std::unique_ptr<ChildProcess> process_;
  std::unique_ptr<v1::SearchService::Stub> stub_;
};

// What StartEmptyHandler starts in a process of its own: answers with what it
// reads from its standard input, until it is killed.
int RunEmptyHandler();

}  // namespace vitrine
