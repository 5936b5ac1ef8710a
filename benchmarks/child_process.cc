#include "benchmarks/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(
    const std::vector<std::string>& argv) {
  if (::access(argv[0].c_str(), X_OK) != 0) {
    return absl::NotFoundError(absl::StrCat("there is no program ", argv[0]));
  }
  // The write to a program that has ended is to fail, not to end this one.
  ::signal(SIGPIPE, SIG_IGN);
  std::vector<char*> arguments;
  for (const std::string& argument : argv) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  if (::pipe2(out, O_CLOEXEC) != 0) {
    const int error = errno;
    ::close(in[0]);
    ::close(in[1]);
    return ErrnoStatus(error, "pipe");
  }
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // It died before the prctl.
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  const int error = errno;
  ::close(in[0]);
  ::close(out[1]);
  if (pid < 0) {
    ::close(in[1]);
    ::close(out[0]);
    return ErrnoStatus(error, "fork");
  }
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(argv[0], pid, in[1], out[0]));
}

ChildProcess::ChildProcess(std::string name, pid_t pid, int in, int out)
    : name_(std::move(name)),
      pid_(pid),
      in_(::fdopen(in, "w")),
      out_(::fdopen(out, "r")) {}

ChildProcess::~ChildProcess() {
  CloseInput();
  std::fclose(out_);
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

absl::Status ChildProcess::Ended() const {
  return absl::FailedPreconditionError(absl::StrCat(name_, " has ended"));
}

absl::Status ChildProcess::Write(const std::string& bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), in_) != bytes.size() ||
      std::fflush(in_) != 0) {
    return Ended();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ChildProcess::ReadLine() {
  std::string line;
  for (int c = std::getc(out_); c != '\n'; c = std::getc(out_)) {
    if (c == EOF) return Ended();
    line.push_back(static_cast<char>(c));
  }
  return line;
}

absl::Status ChildProcess::ReadBytes(void* bytes, size_t n) {
  return std::fread(bytes, 1, n, out_) == n ? absl::OkStatus() : Ended();
}

void ChildProcess::CloseInput() {
  if (in_ != nullptr) std::fclose(std::exchange(in_, nullptr));
}

absl::Status ChildProcess::Finish() {
  CloseInput();
  int status = 0;
  ::waitpid(std::exchange(pid_, 0), &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(name_, " has failed"));
}

void ChildProcess::Stop() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

}  // namespace vitrine
