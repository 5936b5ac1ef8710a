#include "indexer/index_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/index/index_files.h"

namespace vitrine {
namespace {

constexpr int kLooks = 10;
constexpr std::chrono::milliseconds kLook(5);

std::string DescribeSelf() {
  char host[256] = "an unknown host";
  if (::gethostname(host, sizeof(host) - 1) != 0) host[0] = '\0';
  return absl::StrCat(
      "process ", ::getpid(), " on ", host, " since ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<IndexLock>> IndexLock::Acquire(
    const IndexPaths& paths) {
  std::error_code error;
  if (std::filesystem::exists(paths.root / kCacheMark, error)) {
    return absl::FailedPreconditionError(
        absl::StrCat(paths.root.string(),
                     " is the cache of a server, which holds a part of an "
                     "index; name the index itself, or another --index"));
  }
  VITRINE_RETURN_IF_ERROR(MakeFolders(paths.root));
  const std::string path = paths.lock().string();
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return Annotate(ErrnoStatus(errno, absl::StrCat("cannot open ", path)),
                    "an indexer must be able to write to its index directory");
  }
  std::unique_ptr<IndexLock> lock(new IndexLock(fd));
  int locked = ::flock(fd, LOCK_EX | LOCK_NB);
  // Whoever looks whether it is held holds it for a moment.
  for (int i = 0; i < kLooks && locked != 0 && errno == EWOULDBLOCK; ++i) {
    std::this_thread::sleep_for(kLook);
    locked = ::flock(fd, LOCK_EX | LOCK_NB);
  }
  if (locked != 0) {
    const int error = errno;
    if (error != EWOULDBLOCK) {
      return ErrnoStatus(error, absl::StrCat("cannot lock ", path));
    }
    const absl::StatusOr<std::string> holder = ReadFile(path, 4096);
    return absl::FailedPreconditionError(
        absl::StrCat("the index ", paths.root.string(), " is being written by ",
                     holder.ok() && !holder->empty()
                         ? std::string(absl::StripAsciiWhitespace(*holder))
                         : "another indexer",
                     "; stop that one first, or choose another --index"));
  }
  const std::string self = DescribeSelf() + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, self.data(), self.size(), 0) !=
                                     static_cast<ssize_t>(self.size())) {
    return ErrnoStatus(errno, absl::StrCat("cannot write ", path));
  }
  return lock;
}

bool IndexLock::IsHeld(const IndexPaths& paths) {
  const int fd = ::open(paths.lock().c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  const bool held = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return held;
}

IndexLock::~IndexLock() { ::close(fd_); }

}  // namespace vitrine
