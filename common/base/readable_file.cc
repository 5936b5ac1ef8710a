#include "common/base/readable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {

absl::StatusOr<std::unique_ptr<ReadableFile>> ReadableFile::Open(
    const std::filesystem::path& path) {
  const int fd =
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  const int error = errno;
  std::unique_ptr<ReadableFile> file(fd < 0 ? nullptr
                                            : new ReadableFile(path, fd));
  struct stat info;
  if (file != nullptr && ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    return file;
  }
  if (file != nullptr || error == ELOOP) {
    return absl::FailedPreconditionError(absl::StrCat(
        path.string(), file != nullptr ? " is no regular file" : " is a link",
        ", which nothing in an index is; put the file itself there"));
  }
  return ErrnoStatus(error, absl::StrCat("cannot open ", path.string()));
}

ReadableFile::~ReadableFile() { ::close(fd_); }

absl::StatusOr<uint64_t> ReadableFile::Bytes() const {
  struct stat info;
  if (::fstat(fd_, &info) != 0) {
    return ErrnoStatus(errno, absl::StrCat("cannot stat ", path_.string()));
  }
  return static_cast<uint64_t>(info.st_size);
}

absl::StatusOr<std::string> ReadableFile::Read(uint64_t offset,
                                               size_t count) const {
  std::string bytes(count, '\0');
  size_t done = 0;
  while (done < count) {
    const ssize_t n = ::pread(fd_, bytes.data() + done, count - done,
                              static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      return ErrnoStatus(errno, absl::StrCat("cannot read ", path_.string()));
    }
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace vitrine
