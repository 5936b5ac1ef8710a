// A program that a benchmark runs beside itself and speaks with.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vitrine {

// It is killed with its owner, by which it never outlives this process either.
// Its standard error is ours. Not thread-safe.
class ChildProcess {
 public:
  // argv[0] is a path. NOT_FOUND where there is no such program.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(
      const std::vector<std::string>& argv);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Writes to its standard input.
  absl::Status Write(const std::string& bytes);
  // The next line of its standard output, without its end.
  // FAILED_PRECONDITION where the program has closed it, as when it ended.
  absl::StatusOr<std::string> ReadLine();
  // Exactly `n` bytes of its standard output.
  absl::Status ReadBytes(void* bytes, size_t n);
  // Ends its standard input.
  void CloseInput();
  // Ends its standard input and waits for its end. INTERNAL unless its exit
  // status is 0.
  absl::Status Finish();
  // SIGTERM, and waits for its end.
  void Stop();

 private:
  ChildProcess(std::string name, pid_t pid, int in, int out);
  absl::Status Ended() const;

  std::string name_;
  pid_t pid_;
  FILE* in_;
  FILE* out_;
};

}  // namespace vitrine
