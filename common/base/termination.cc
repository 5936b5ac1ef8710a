#include "common/base/termination.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace vitrine {
namespace {

// The handler writes a byte a signal, the number.
int pipe_fds[2] = {-1, -1};

void Handle(int signal_number) {
  const int saved_errno = errno;
  const auto byte = static_cast<unsigned char>(signal_number);
  // Where the pipe is full, more than enough signals wait in it.
  [[maybe_unused]] const ssize_t written = ::write(pipe_fds[1], &byte, 1);
  errno = saved_errno;
}

}  // namespace

void CatchTermination() {
  if (::pipe2(pipe_fds, O_CLOEXEC) != 0) std::abort();
  ::fcntl(pipe_fds[1], F_SETFL, O_NONBLOCK);
  struct sigaction action = {};
  action.sa_handler = Handle;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
}

int AwaitTermination() {
  unsigned char byte = 0;
  while (::read(pipe_fds[0], &byte, 1) != 1) {
  }
  return byte;
}

}  // namespace vitrine
