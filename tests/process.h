// Real programs, started by tests and never outliving them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace vitrine::testing {

// How a program ended, as a shell would say it: its exit status, 128 + the
// number of the signal that killed it, or kStillRunning.
inline constexpr int kStillRunning = -1;

// A program that runs beside the test. One that still runs on destruction, or
// when the test itself dies, is killed.
class Process {
 public:
  // Starts argv[0] with standard output and standard error written to `log`.
  Process(const std::vector<std::string>& argv, std::filesystem::path log);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  // All it has written so far.
  std::string log() const;
  void Signal(int signal);
  // Waits for its end, kStillRunning after `timeout`.
  int Wait(std::chrono::milliseconds timeout);

 private:
  std::filesystem::path log_;
  pid_t pid_ = 0;
  int status_ = kStillRunning;
};

struct Output {
  int status = kStillRunning;
  std::string out;  // standard output
  std::string err;  // standard error
};

// Runs a program to its end; it is killed after `timeout`.
Output RunToEnd(const std::vector<std::string>& argv,
                std::chrono::milliseconds timeout = std::chrono::minutes(2));

// The address in a server's line "listening on ADDRESS"; empty where that has
// not come after `timeout`.
std::string AwaitAddress(const Process& server,
                         std::chrono::milliseconds timeout);

// The address in a daemon's line "status at http://ADDRESS/metrics"; likewise.
std::string AwaitStatusAddress(const Process& server,
                               std::chrono::milliseconds timeout);

// Asks `holds` over and over until it says yes. False after `timeout`.
bool Eventually(const std::function<bool()>& holds,
                std::chrono::milliseconds timeout);

}  // namespace vitrine::testing
