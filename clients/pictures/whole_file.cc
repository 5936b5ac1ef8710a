#include "clients/pictures/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {

absl::Status WriteWholeFile(const std::filesystem::path& path,
                            std::string_view bytes) {
  const std::filesystem::path part =
      path.parent_path() / absl::StrCat(".", path.filename().string(), ".part");
  const int fd =
      ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) {
    return ErrnoStatus(errno, absl::StrCat("cannot write ", path.string()));
  }
  int error = 0;
  while (!bytes.empty() && error == 0) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(part.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return absl::OkStatus();
  ::unlink(part.c_str());
  return ErrnoStatus(error, absl::StrCat("cannot write ", path.string()));
}

}  // namespace vitrine
