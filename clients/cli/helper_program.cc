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

void ReadAll(int fd, std::string* output) {
  char buffer[64 << 10];
  for (ssize_t count; (count = read(fd, buffer, sizeof buffer)) != 0;) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;  // Its exit status says why.
    output->append(buffer, static_cast<size_t>(count));
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

namespace {

// `output` receives its standard output, unless it is null.
absl::Status Run(const std::string& program,
                 const std::vector<std::string>& arguments,
                 const std::string& input, std::string* output) {
  int in[2];
  int out[2] = {-1, -1};
  if (pipe2(in, O_CLOEXEC) != 0) return ErrnoStatus(errno, "cannot pipe");
  if (output != nullptr && pipe2(out, O_CLOEXEC) != 0) {
    const int error = errno;
    close(in[0]);
    close(in[1]);
    return ErrnoStatus(error, "cannot pipe");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  if (output != nullptr) {
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  }
  pid_t pid = 0;
  int error = posix_spawn(&pid, program.c_str(), &actions, nullptr,
                          Argv(program, arguments).data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  if (output != nullptr) close(out[1]);
  if (error == 0) WriteAll(in[1], input);
  close(in[1]);
  if (output != nullptr) {
    if (error == 0) ReadAll(out[0], output);
    close(out[0]);
  }
  if (error != 0) return CannotRun(error, program);
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

}  // namespace

absl::Status RunProgram(const std::string& program,
                        const std::vector<std::string>& arguments,
                        const std::string& input) {
  return Run(program, arguments, input, /*output=*/nullptr);
}

absl::StatusOr<std::string> AskProgram(
    const std::string& program, const std::vector<std::string>& arguments,
    const std::string& input) {
  std::string output;
  VITRINE_RETURN_IF_ERROR(Run(program, arguments, input, &output));
  return output;
}

}  // namespace vitrine::cli
