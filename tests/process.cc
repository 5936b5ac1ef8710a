#include "tests/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "tests/test_util.h"

namespace vitrine::testing {
namespace {

using Clock = std::chrono::steady_clock;

pid_t Spawn(const std::vector<std::string>& argv, const std::string& out,
            const std::string& err) {
  // All that allocates is done before the fork.
  std::vector<char*> arguments;
  for (const std::string& argument : argv) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // It died before the prctl.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
  const int in = ::open("/dev/null", O_RDONLY);
  const int out_fd = ::open(out.c_str(), kFlags, 0600);
  const int err_fd = err == out ? out_fd : ::open(err.c_str(), kFlags, 0600);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out_fd, STDOUT_FILENO);
  ::dup2(err_fd, STDERR_FILENO);
  ::execv(arguments[0], arguments.data());
  ::perror(arguments[0]);
  ::_exit(127);
}

// Waits for the end of `pid`: kStillRunning after `timeout`.
int WaitFor(pid_t pid, std::chrono::milliseconds timeout) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd ended = {.fd = pidfd, .events = POLLIN, .revents = 0};
  const int polled = ::poll(&ended, 1, static_cast<int>(timeout.count()));
  ::close(pidfd);
  if (polled != 1) return kStillRunning;
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void Kill(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

Process::Process(const std::vector<std::string>& argv,
                 std::filesystem::path log)
    : log_(std::move(log)), pid_(Spawn(argv, log_.string(), log_.string())) {
  if (pid_ < 0) {
    ::perror("fork");
    std::abort();
  }
}

Process::~Process() {
  if (status_ == kStillRunning) Kill(pid_);
}

std::string Process::log() const { return ReadAll(log_); }

void Process::Signal(int signal) {
  if (status_ == kStillRunning) ::kill(pid_, signal);
}

int Process::Wait(std::chrono::milliseconds timeout) {
  if (status_ == kStillRunning) status_ = WaitFor(pid_, timeout);
  return status_;
}

Output RunToEnd(const std::vector<std::string>& argv,
                std::chrono::milliseconds timeout) {
  const TempDir dir;
  const std::string out = (dir / "out").string();
  const std::string err = (dir / "err").string();
  Output output;
  const pid_t pid = Spawn(argv, out, err);
  if (pid < 0) return output;
  output.status = WaitFor(pid, timeout);
  if (output.status == kStillRunning) Kill(pid);
  output.out = ReadAll(out);
  output.err = ReadAll(err);
  return output;
}

bool Eventually(const std::function<bool()>& holds,
                std::chrono::milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  do {
    if (holds()) return true;
    ::usleep(10'000);  // Between two questions to another program.
  } while (Clock::now() < deadline);
  return false;
}

namespace {

// What stands in the log between two texts, once both are there.
std::string AwaitBetween(const Process& server, std::string_view before,
                         std::string_view after,
                         std::chrono::milliseconds timeout) {
  std::string between;
  Eventually(
      [&] {
        const std::string log = server.log();
        const size_t found = log.find(before);
        if (found == std::string::npos) return false;
        const size_t begin = found + before.size();
        const size_t end = log.find(after, begin);
        if (end == std::string::npos) return false;
        between = log.substr(begin, end - begin);
        return true;
      },
      timeout);
  return between;
}

}  // namespace

std::string AwaitAddress(const Process& server,
                         std::chrono::milliseconds timeout) {
  return AwaitBetween(server, "vitrine-server: listening on ", "\n", timeout);
}

std::string AwaitStatusAddress(const Process& server,
                               std::chrono::milliseconds timeout) {
  return AwaitBetween(server, "status at http://", "/metrics", timeout);
}

}  // namespace vitrine::testing
