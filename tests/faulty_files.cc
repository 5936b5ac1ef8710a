#include "tests/faulty_files.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <utility>

namespace vitrine::testing {
namespace {

constexpr char kEnvironment[] = "VITRINE_FILE_FAULT";
constexpr int kNoFault = 0;

// What every call asks.
class Files {
 public:
  // Never destroyed: the last calls come after all destructors.
  static Files& Instance() {
    static Files* files = new Files;
    return *files;
  }

  bool watches() const { return watches_; }

  void Break(const std::string& root, const FileFault& fault) {
    std::lock_guard lock(mutex_);
    root_ = root;
    fault_ = fault;
    broke_ = halved_ = false;
    calls_.clear();
    unsynced_bytes_.clear();
    unsynced_names_.clear();
    watches_ = true;
  }
  void Mend() {
    std::lock_guard lock(mutex_);
    fault_ = {};
  }
  std::map<std::string, int> Calls() {
    std::lock_guard lock(mutex_);
    return calls_;
  }
  bool broke() {
    std::lock_guard lock(mutex_);
    return broke_;
  }

  // Whether the path lies below the root.
  bool Has(const std::string& path) {
    std::lock_guard lock(mutex_);
    return HasLocked(path);
  }

  // Counts a call: the errno that it fails with, kNoFault, or no return.
  int Ask(const std::string& operation, const std::string& path) {
    std::lock_guard lock(mutex_);
    return AskLocked(operation, path);
  }

  // How many of `count` bytes are written, and then perhaps `*error`.
  size_t AskWrite(int fd, const std::string& path, const void* bytes,
                  size_t count, int* error) {
    std::lock_guard lock(mutex_);
    struct stat info = {};
    ::fstat(fd, &info);
    unsynced_bytes_.try_emplace(path, info.st_size);
    size_t part = count;
    if (Falls("write", path)) {
      const bool first = !std::exchange(halved_, true);
      part = fault_.error != EIO && first ? count / 2 : 0;
      if (fault_.error < 0) {
        ::syscall(SYS_write, fd, bytes, part);
        Die();
      }
      if (part == 0) {
        *error = fault_.error;
      } else {
        ++fault_.nth;  // The rest is refused when it is tried.
      }
    }
    if (fault_.free_bytes != INT64_MAX) {
      if (static_cast<int64_t>(part) > fault_.free_bytes) {
        part = static_cast<size_t>(fault_.free_bytes);
        broke_ = true;
        if (part == 0) *error = ENOSPC;
      }
      fault_.free_bytes -= static_cast<int64_t>(part);
    }
    return part;
  }

  void Synced(const std::string& path) {
    std::lock_guard lock(mutex_);
    unsynced_bytes_.erase(path);
  }
  void SyncedFolder(const std::string& folder) {
    std::lock_guard lock(mutex_);
    std::erase_if(unsynced_names_, [&folder](const auto& name) {
      return std::filesystem::path(name.second).parent_path() == folder;
    });
  }
  void Named(const std::string& from, const std::string& to) {
    std::lock_guard lock(mutex_);
    if (unsynced_bytes_.contains(from)) {
      std::fprintf(stderr, "%s was renamed without a successful fsync\n",
                   from.c_str());
      std::abort();
    }
    unsynced_names_.emplace_back(from, to);
  }
  void Removed(const std::string& path) {
    std::lock_guard lock(mutex_);
    unsynced_bytes_.erase(path);
    std::erase_if(unsynced_names_, [&path](const auto& name) {
      return name.first == path || name.second == path;
    });
  }

 private:
  Files() {
    const char* text = std::getenv(kEnvironment);
    if (text == nullptr) return;
    std::istringstream fields(text);
    std::getline(fields, root_, '|');
    std::getline(fields, fault_.point, '|');
    char separator;
    fields >> fault_.nth >> separator >> fault_.error >> separator >>
        fault_.lasts >> separator >> fault_.free_bytes;
    watches_ = true;
  }

  bool HasLocked(const std::string& path) const {
    return path.starts_with(root_) &&
           (path.size() == root_.size() || path[root_.size()] == '/');
  }

  std::string PointOf(const std::string& operation,
                      const std::string& path) const {
    std::string place = path.substr(std::min(path.size(), root_.size() + 1));
    const bool in_folder = place.find('/') != std::string::npos;
    place = place.substr(0, place.find('/'));
    if (!in_folder && place.ends_with(".staging")) {
      place.resize(place.find(".staging"));
    }
    return operation + " " + (place.empty() ? "." : place);
  }

  // Counts the call; whether the fault falls on it.
  bool Falls(const std::string& operation, const std::string& path) {
    const std::string point = PointOf(operation, path);
    const int nth = calls_[point]++;
    const bool falls =
        point == fault_.point &&
        (nth == fault_.nth || (fault_.lasts && nth > fault_.nth));
    broke_ = broke_ || falls;
    return falls;
  }

  int AskLocked(const std::string& operation, const std::string& path) {
    if (!Falls(operation, path)) return kNoFault;
    if (fault_.error < 0) Die();
    return fault_.error;
  }

  [[noreturn]] void Die() {
    if (fault_.error == FileFault::kPowerCut) {
      for (const auto& [path, bytes] : unsynced_bytes_) {
        struct stat info = {};
        if (::stat(path.c_str(), &info) != 0 || info.st_size <= bytes) continue;
        if (::truncate(path.c_str(), bytes) != 0) std::perror(path.c_str());
      }
      for (auto name = unsynced_names_.rbegin(); name != unsynced_names_.rend();
           ++name) {
        if (name->first.empty()) {
          ::syscall(SYS_unlink, name->second.c_str());
        } else {
          ::syscall(SYS_rename, name->second.c_str(), name->first.c_str());
        }
      }
    }
    ::kill(::getpid(), SIGKILL);
    while (true) ::pause();
  }

  std::atomic<bool> watches_{false};
  std::mutex mutex_;
  std::string root_;
  FileFault fault_;
  bool broke_ = false;
  bool halved_ = false;  // The write that meets the fault was done by half.
  std::map<std::string, int> calls_;
  // As large as the last fsync has left them.
  std::map<std::string, int64_t> unsynced_bytes_;
  // Renames, and creations from nothing, in their order.
  std::vector<std::pair<std::string, std::string>> unsynced_names_;
};

// The file of a descriptor, where it lies below the root; empty otherwise.
std::string PathOf(int fd) {
  if (!Files::Instance().watches()) return "";
  char path[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), path, sizeof(path));
  if (size <= 0) return "";
  const std::string found(path, static_cast<size_t>(size));
  return Files::Instance().Has(found) ? found : "";
}

bool IsWatched(const char* path) {
  return Files::Instance().watches() && Files::Instance().Has(path);
}

int Fail(int error) {
  errno = error;
  return -1;
}

int Sync(int fd, long call) {
  const std::string path = PathOf(fd);
  if (path.empty()) return static_cast<int>(::syscall(call, fd));
  struct stat info = {};
  ::fstat(fd, &info);
  const bool is_folder = S_ISDIR(info.st_mode);
  const int error =
      Files::Instance().Ask(is_folder ? "sync-folder" : "sync", path);
  if (error != kNoFault) return Fail(error);
  if (is_folder) {
    Files::Instance().SyncedFolder(path);
  } else {
    Files::Instance().Synced(path);
  }
  return 0;
}

int Rename(const char* from, const char* to, unsigned flags) {
  const bool watched = IsWatched(to);
  if (watched) {
    const int error = Files::Instance().Ask("rename", to);
    if (error != kNoFault) return Fail(error);
  }
  const auto renamed = static_cast<int>(
      ::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags));
  if (renamed == 0 && watched) Files::Instance().Named(from, to);
  return renamed;
}

int Open(int folder, const char* path, int flags, mode_t mode) {
  const bool creates = (flags & O_CREAT) != 0 && IsWatched(path);
  struct stat info;
  const bool is_new = creates && ::stat(path, &info) != 0;
  if (creates) {
    const int error = Files::Instance().Ask("create", path);
    if (error != kNoFault) return Fail(error);
  }
  const auto fd =
      static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
  if (fd >= 0 && is_new) Files::Instance().Named("", path);
  return fd;
}

mode_t ModeOf(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

std::vector<std::string> FileFault::Preloaded(
    const std::filesystem::path& root) const {
  const auto library =
      std::filesystem::canonical("/proc/self/exe").parent_path() /
      "libvitrine_faulty_files.so";
  std::ostringstream fields;
  fields << kEnvironment << "=" << root.string() << "|" << point << "|" << nth
         << "|" << error << "|" << lasts << "|" << free_bytes;
  return {"/usr/bin/env", "LD_PRELOAD=" + library.string(), fields.str()};
}

void BreakFiles(const std::filesystem::path& root, const FileFault& fault) {
  Files::Instance().Break(root.string(), fault);
}
void MendFiles() { Files::Instance().Mend(); }
std::map<std::string, int> FileCalls() { return Files::Instance().Calls(); }
bool FilesBroke() { return Files::Instance().broke(); }

}  // namespace vitrine::testing

using vitrine::testing::Fail;
using vitrine::testing::Files;
using vitrine::testing::IsWatched;
using vitrine::testing::kNoFault;
using vitrine::testing::PathOf;

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = vitrine::testing::ModeOf(flags, arguments);
  va_end(arguments);
  return vitrine::testing::Open(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = vitrine::testing::ModeOf(flags, arguments);
  va_end(arguments);
  return vitrine::testing::Open(AT_FDCWD, path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t count) {
  const std::string path = PathOf(fd);
  size_t part = count;
  if (!path.empty()) {
    int error = kNoFault;
    part = Files::Instance().AskWrite(fd, path, bytes, count, &error);
    if (error != kNoFault) return Fail(error);
  }
  return ::syscall(SYS_write, fd, bytes, part);
}
ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  const std::string path = PathOf(fd);
  if (!path.empty()) {
    const int error = Files::Instance().Ask("write", path);
    if (error != kNoFault) return Fail(error);
  }
  return ::syscall(SYS_pwrite64, fd, bytes, count, offset);
}

int fsync(int fd) { return vitrine::testing::Sync(fd, SYS_fsync); }
int fdatasync(int fd) { return vitrine::testing::Sync(fd, SYS_fdatasync); }

int rename(const char* from, const char* to) noexcept {
  return vitrine::testing::Rename(from, to, 0);
}
int renameat2(int, const char* from, int, const char* to,
              unsigned flags) noexcept {
  return vitrine::testing::Rename(from, to, flags);
}

int link(const char* from, const char* to) noexcept {
  const bool watched = IsWatched(to);
  if (watched) {
    const int error = Files::Instance().Ask("link", to);
    if (error != kNoFault) return Fail(error);
  }
  const auto linked = static_cast<int>(::syscall(SYS_link, from, to));
  if (linked == 0 && watched) Files::Instance().Named("", to);
  return linked;
}

int unlink(const char* path) noexcept {
  const bool watched = IsWatched(path);
  if (watched) {
    const int error = Files::Instance().Ask("remove", path);
    if (error != kNoFault) return Fail(error);
    Files::Instance().Removed(path);
  }
  return static_cast<int>(::syscall(SYS_unlink, path));
}

int mkdir(const char* path, mode_t mode) noexcept {
  if (IsWatched(path)) {
    const int error = Files::Instance().Ask("make-folder", path);
    if (error != kNoFault) return Fail(error);
  }
  return static_cast<int>(::syscall(SYS_mkdir, path, mode));
}

int ftruncate(int fd, off_t size) noexcept {
  const std::string path = PathOf(fd);
  if (!path.empty()) {
    const int error = Files::Instance().Ask("truncate", path);
    if (error != kNoFault) return Fail(error);
  }
  return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

}  // extern "C"
