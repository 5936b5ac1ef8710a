#include "common/base/file_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace vitrine {

std::optional<FileState> FileStateOf(const std::filesystem::path& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return FileState{info.st_ino, info.st_size,
                   info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec,
                   info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
}

FileWatch::FileWatch(std::filesystem::path path, int poll_ms)
    : path_(std::move(path)), poll_ms_(poll_ms) {
  // Without inotify (a full table of watches) the poll still finds everything.
  inotify_fd_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  stop_fd_ = ::eventfd(0, EFD_CLOEXEC);
  seen_ = FileStateOf(path_);
}

FileWatch::~FileWatch() {
  ::close(stop_fd_);
  if (inotify_fd_ >= 0) ::close(inotify_fd_);
}

bool FileWatch::Wait() {
  while (!stopped_) {
    if (inotify_fd_ >= 0) {
      // Watching again what is watched changes nothing, and a folder that has
      // come or was replaced is found.
      ::inotify_add_watch(
          inotify_fd_, path_.parent_path().c_str(),
          IN_CREATE | IN_MOVED_TO | IN_MODIFY | IN_DELETE | IN_ATTRIB);
    }
    if (auto now = FileStateOf(path_); now != seen_) {
      seen_ = now;
      return true;
    }
    pollfd fds[] = {{stop_fd_, POLLIN, 0}, {inotify_fd_, POLLIN, 0}};
    ::poll(fds, inotify_fd_ >= 0 ? 2 : 1, poll_ms_);
    if (fds[1].revents != 0) {
      alignas(inotify_event) char events[4096];
      while (::read(inotify_fd_, events, sizeof(events)) > 0) {
      }
    }
  }
  return false;
}

void FileWatch::Stop() {
  stopped_ = true;
  const uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(stop_fd_, &one, sizeof(one));
}

}  // namespace vitrine
