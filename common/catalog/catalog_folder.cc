#include "common/catalog/catalog_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/catalog/catalog_names.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

FileVersion VersionOf(const struct stat& info) {
  return {static_cast<uint64_t>(info.st_size),
          info.st_mtim.tv_sec * int64_t{1'000'000'000} + info.st_mtim.tv_nsec,
          static_cast<uint64_t>(info.st_ino)};
}

// `path` relative to `root`, both canonical; nullopt where it is not beneath.
std::optional<std::string> RelativeTo(const fs::path& root,
                                      const fs::path& path) {
  const std::string& base = root.native();
  const std::string& full = path.native();
  if (full == base) return std::string();
  const size_t prefix = base == "/" ? 0 : base.size();
  if (full.size() <= prefix + 1 || full.compare(0, prefix, base, 0, prefix) ||
      full[prefix] != '/') {
    return std::nullopt;
  }
  return full.substr(prefix + 1);
}

std::string Join(const std::string& folder, std::string_view name) {
  std::string path = folder;
  if (!path.empty()) path.push_back('/');
  path.append(name);
  return path;
}

// Opens `path` beneath `folder`, failing with ELOOP at any link on the way, so
// that nobody can lead the open elsewhere after a check.
int OpenWithoutLinks(int folder, const std::string& path, int flags) {
  struct open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const long fd =
      ::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof(how));
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) {
    return static_cast<int>(fd);
  }
  // Linux before 5.6 and some sandboxes: folder by folder.
  int at = ::fcntl(folder, F_DUPFD_CLOEXEC, 0);
  for (size_t start = 0; at >= 0;) {
    const size_t slash = path.find('/', start);
    const bool last = slash == std::string::npos;
    const std::string part = path.substr(start, slash - start);
    if (part == "..") {
      ::close(at);
      errno = EXDEV;
      return -1;
    }
    const int next = ::openat(
        at, part.c_str(),
        O_CLOEXEC | O_NOFOLLOW | (last ? flags : O_PATH | O_DIRECTORY));
    int error = errno;
    // A linked folder is no folder to this call.
    struct stat info;
    if (next < 0 && error == ENOTDIR &&
        ::fstatat(at, part.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(info.st_mode)) {
      error = ELOOP;
    }
    ::close(at);
    errno = error;
    if (last) return next;
    at = next;
    start = slash + 1;
  }
  return at;
}

bool IsFolder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

absl::Status RootError(const fs::path& root, int error) {
  if (error == ENOENT) {
    return absl::NotFoundError(
        absl::StrCat("there is no catalogue folder ", root.string(),
                     "; check the path, and that its volume is mounted"));
  }
  if (error == ENOTDIR) {
    return absl::InvalidArgumentError(
        absl::StrCat("the catalogue ", root.string(),
                     " is not a folder; name the folder that holds the "
                     "pictures"));
  }
  return absl::UnavailableError(absl::StrCat(
      "cannot read the catalogue ", root.string(), ": ",
      std::generic_category().message(error),
      "; check that its volume is mounted and that this user may read it"));
}

class Walker {
 public:
  Walker(fs::path root, int root_fd)
      : root_(std::move(root)), root_fd_(root_fd) {}

  absl::Status Run() {
    std::vector<std::string> folders = {""};
    while (!folders.empty()) {
      const std::string folder = std::move(folders.back());
      folders.pop_back();
      VITRINE_RETURN_IF_ERROR(Visit(folder, &folders));
    }
    auto by_path = [](const FoundFile& a, const FoundFile& b) {
      return a.path < b.path;
    };
    std::sort(walk_.pictures.begin(), walk_.pictures.end(), by_path);
    std::sort(walk_.jsons.begin(), walk_.jsons.end(), by_path);
    std::sort(walk_.unreadable.begin(), walk_.unreadable.end());
    return absl::OkStatus();
  }

  Walk& walk() { return walk_; }

 private:
  absl::Status Visit(const std::string& folder,
                     std::vector<std::string>* folders) {
    const int fd =
        folder.empty()
            ? ::openat(root_fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            : OpenWithoutLinks(root_fd_, folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return CannotRead(folder, errno);
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd), &::closedir);
    if (!stream) {
      const int error = errno;
      ::close(fd);
      return CannotRead(folder, error);
    }
    std::vector<std::pair<std::string, unsigned char>> entries;
    for (;;) {
      errno = 0;
      const struct dirent* entry = ::readdir(stream.get());
      if (entry == nullptr) break;
      entries.emplace_back(entry->d_name, entry->d_type);
    }
    if (errno != 0) return CannotRead(folder, errno);
    if (HoldsIndex(entries)) {
      if (!folder.empty()) return absl::OkStatus();
      return absl::InvalidArgumentError(
          absl::StrCat(root_.string(),
                       " is an index, not a catalogue; name the folder that "
                       "holds the pictures"));
    }
    for (const auto& [name, type] : entries) {
      if (name == "." || name == "..") continue;
      const std::string path = Join(folder, name);
      if (RoleOfName(path) == NameRole::kIgnored) continue;
      if (type == DT_DIR) {
        folders->push_back(path);
      } else if (type == DT_REG) {
        struct stat info;
        // Gone since it was listed: nothing to tell.
        if (::fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode)) {
          Found(path, info);
        }
      } else if (type == DT_LNK || type == DT_UNKNOWN) {
        Unclear(fd, name, path, folders);
      }
    }
    return absl::OkStatus();
  }

  static bool HoldsIndex(
      const std::vector<std::pair<std::string, unsigned char>>& entries) {
    int signs = 0;
    for (const auto& [name, type] : entries) {
      if (name == "LOCK" || name == "manifests") ++signs;
    }
    return signs == 2;
  }

  // A link, or an entry whose type the file system does not tell.
  void Unclear(int fd, const std::string& name, const std::string& path,
               std::vector<std::string>* folders) {
    struct stat info;
    if (::fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (S_ISDIR(info.st_mode)) {
      folders->push_back(path);
    } else if (S_ISREG(info.st_mode)) {
      Found(path, info);
    } else if (S_ISLNK(info.st_mode)) {
      std::error_code error;
      const fs::path target = fs::canonical(root_ / path, error);
      if (error) {
        // A loop of links ends here too, as ELOOP.
        Report(ProblemKind::kUnreadable, path,
               absl::StrCat("the link ", EscapePath(path),
                            " cannot be followed: ", error.message(),
                            "; mend or remove it"));
        walk_.unreadable.push_back(EscapePath(path));
      } else if (!RelativeTo(root_, target)) {
        Report(ProblemKind::kPathEscapes, path,
               absl::StrCat("the link ", EscapePath(path),
                            " leads out of the catalogue, to ",
                            EscapePath(target.native()),
                            "; move the files into the catalogue, mount them "
                            "there, or name that folder as the catalogue"));
        if (RoleOfName(path) == NameRole::kPicture && !IsFolder(target)) {
          Found(path, info);
        }
      } else if (::fstatat(fd, name.c_str(), &info, 0) == 0 &&
                 S_ISREG(info.st_mode)) {
        Found(path, info);
      }
    }
  }

  void Found(const std::string& path, const struct stat& info) {
    std::string escaped = EscapePath(path);
    const std::string_view name = FileName(path);
    if (name.size() < path.size() &&
        (name == "styles.csv" || name == "images.csv" ||
         name == "products.jsonl")) {
      walk_.stray_tables.push_back(escaped);
    }
    switch (RoleOfName(path)) {
      case NameRole::kPicture:
        walk_.pictures.push_back({std::move(escaped), VersionOf(info)});
        break;
      case NameRole::kJson:
        walk_.jsons.push_back({std::move(escaped), VersionOf(info)});
        break;
      case NameRole::kIgnored:
      case NameRole::kDocument:
        break;
    }
  }

  absl::Status CannotRead(const std::string& folder, int error) {
    if (folder.empty()) {
      return RootError(root_, error);
    }
    // A folder that went while it was walked has no files left to miss.
    if (error == ENOENT) return absl::OkStatus();
    Report(ProblemKind::kUnreadable, folder,
           absl::StrCat("cannot read the folder ", EscapePath(folder), ": ",
                        std::generic_category().message(error),
                        "; what is known of it stays as it is; let this user "
                        "read it"));
    walk_.unreadable.push_back(EscapePath(folder));
    return absl::OkStatus();
  }

  void Report(ProblemKind kind, const std::string& path, std::string message) {
    walk_.problems.push_back(
        {kind, EscapePath(path), 0, "", std::move(message)});
  }

  const fs::path root_;
  const int root_fd_;
  Walk walk_;
};

// What lies at a path that no linked folder is on.
struct Place {
  fs::path root;  // Canonical.
  fs::path path;
  struct stat info = {};           // Of a link itself.
  std::optional<fs::path> target;  // Of a link that can be followed.
};

std::optional<Place> PlaceOf(const fs::path& root, std::string_view path) {
  std::error_code error;
  Place place;
  place.root = fs::canonical(root, error);
  if (error) return std::nullopt;
  place.path = place.root / UnescapePath(path);
  const fs::path folder = fs::canonical(place.path.parent_path(), error);
  if (error || folder != place.path.parent_path() ||
      ::lstat(place.path.c_str(), &place.info) != 0) {
    return std::nullopt;
  }
  if (S_ISLNK(place.info.st_mode)) {
    place.target = fs::canonical(place.path, error);
    if (error) return std::nullopt;
  }
  return place;
}

}  // namespace

absl::StatusOr<std::string> PathBeneath(const fs::path& root,
                                        std::string_view target) {
  std::error_code error;
  const fs::path base = fs::canonical(root, error);
  if (error) {
    return ErrnoStatus(error.value(),
                       absl::StrCat("cannot open ", root.string()));
  }
  const fs::path real =
      fs::weakly_canonical(base / UnescapePath(target), error);
  if (error) {
    return ErrnoStatus(error.value(),
                       absl::StrCat("cannot follow ", std::string(target)));
  }
  const std::optional<std::string> relative = RelativeTo(base, real);
  if (!relative) {
    return MakeError(
        absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_IMAGE_UNREADABLE,
        absl::StrCat(std::string(target), " leads out of the catalogue, to ",
                     EscapePath(real.native()), "; put the file itself below ",
                     base.string()));
  }
  return EscapePath(*relative);
}

std::optional<FileVersion> StatBeneath(const fs::path& root,
                                       std::string_view path) {
  auto place = PlaceOf(root, path);
  if (!place) return std::nullopt;
  if (place->target && (!RelativeTo(place->root, *place->target) ||
                        ::stat(place->path.c_str(), &place->info) != 0)) {
    return std::nullopt;
  }
  if (!S_ISREG(place->info.st_mode)) return std::nullopt;
  return VersionOf(place->info);
}

std::optional<FileVersion> StatLinkOut(const fs::path& root,
                                       std::string_view path) {
  const auto place = PlaceOf(root, path);
  if (!place || !place->target || RelativeTo(place->root, *place->target) ||
      IsFolder(*place->target)) {
    return std::nullopt;
  }
  return VersionOf(place->info);
}

absl::StatusOr<std::string> ReadBeneath(const fs::path& root,
                                        std::string_view path,
                                        uint64_t max_bytes) {
  const fs::path shown = root / std::string(path);
  const int root_fd = ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root_fd < 0) {
    return ErrnoStatus(errno, absl::StrCat("cannot open ", root.string()));
  }
  // O_NONBLOCK: opening a FIFO that somebody dropped must not hang.
  int fd = OpenWithoutLinks(root_fd, UnescapePath(path), O_RDONLY | O_NONBLOCK);
  int error = errno;
  if (fd < 0 && error == ELOOP) {
    auto real = PathBeneath(root, path);
    if (!real.ok()) {
      ::close(root_fd);
      return real.status();
    }
    fd = OpenWithoutLinks(root_fd, UnescapePath(*real), O_RDONLY | O_NONBLOCK);
    error = errno;
  }
  ::close(root_fd);
  if (fd < 0) {
    return ErrnoStatus(error, absl::StrCat("cannot open ", shown.string()));
  }
  auto bytes = ReadDescriptor(fd, shown.string(), max_bytes);
  ::close(fd);
  return bytes;
}

absl::Status CheckRoot(const fs::path& root) {
  const int fd = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    ::close(fd);
    return absl::OkStatus();
  }
  return RootError(root, errno);
}

std::string RootIdentity(const fs::path& root) {
  struct stat info;
  if (::stat(root.c_str(), &info) != 0) return {};
  return absl::StrCat(info.st_dev, ":", info.st_ino);
}

absl::StatusOr<Walk> WalkCatalog(const fs::path& root) {
  std::error_code error;
  const fs::path real = fs::canonical(root, error);
  if (error) return RootError(root, error.value());
  const int fd = ::open(real.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return RootError(root, errno);
  Walker walker(real, fd);
  absl::Status status = walker.Run();
  struct stat info;
  if (status.ok() && ::fstat(fd, &info) != 0) status = RootError(root, errno);
  ::close(fd);
  VITRINE_RETURN_IF_ERROR(status);
  walker.walk().root_identity = absl::StrCat(info.st_dev, ":", info.st_ino);
  return std::move(walker.walk());
}

bool IsIndexFolder(const fs::path& folder) {
  return ::access((folder / "LOCK").c_str(), F_OK) == 0 &&
         ::access((folder / "manifests").c_str(), F_OK) == 0;
}

}  // namespace vitrine
