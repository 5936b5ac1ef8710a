#include "clients/cli/helper_program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/base/status.h"

namespace vitrine::cli {
namespace {

std::vector<char*> Argv(const std::string& name,
                        const std::vector<std::string>& arguments) {
  std::vector<char*> argv = {const_cast<char*>(name.c_str())};
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  return argv;
}

absl::Status CannotRun(int error, const std::string& program) {
  std::string why = "cannot run " + program;
  if (error == ENOENT) {
    return absl::NotFoundError(
        why +
        ": it is not there; it belongs beside vitrine and is built and "
        "installed with it");
  }
  return ErrnoStatus(error, why);
}

// Ignores SIGPIPE in this scope: the program may end before it has read all.
class IgnoredSigpipe {
 public:
  IgnoredSigpipe() { previous_ = signal(SIGPIPE, SIG_IGN); }
  ~IgnoredSigpipe() { signal(SIGPIPE, previous_); }

 private:
  void (*previous_)(int);
};

void WriteAll(int fd, const std::string& input) {
  IgnoredSigpipe no_sigpipe;
  for (size_t written = 0; written < input.size();) {
    ssize_t count = write(fd, input.data() + written, input.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;  // Its exit status says why.
    written += static_cast<size_t>(count);
  }
}

}  // namespace

std::string ProgramBeside(const std::string& name) {
  std::error_code error;
  std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

absl::Status BecomeProgram(const std::string& program,
                           const std::vector<std::string>& arguments) {
  const std::string name = "vitrine";
  execv(program.c_str(), Argv(name, arguments).data());
  return CannotRun(errno, program);
}

absl::Status RunProgram(const std::string& program,
                        const std::vector<std::string>& arguments,
                        const std::string& input) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "cannot pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  pid_t pid = 0;
  int error = posix_spawn(&pid, program.c_str(), &actions, nullptr,
                          Argv(program, arguments).data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[0]);
  if (error != 0) {
    close(ends[1]);
    return CannotRun(error, program);
  }
  WriteAll(ends[1], input);
  close(ends[1]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return ErrnoStatus(errno, "cannot wait for " + program);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  std::string name = std::filesystem::path(program).filename().string();
  if (WIFSIGNALED(status)) {
    return absl::InternalError(name + " was ended by signal " +
                               std::to_string(WTERMSIG(status)) + " (" +
                               strsignal(WTERMSIG(status)) + ")");
  }
  return absl::InternalError(name + " failed with exit status " +
                             std::to_string(WEXITSTATUS(status)));
}

}  // namespace vitrine::cli
