#include "indexer/sources/directory_watcher.h"

#include <dirent.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/catalog/catalog_folder.h"
#include "common/catalog/catalog_names.h"

namespace vitrine {
namespace {

using std::chrono::milliseconds;

constexpr uint32_t kMask =
    IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
    IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_EXCL_UNLINK | IN_ONLYDIR;

// inotify tells nothing of what is mounted over a folder, or of a folder above
// the root that is renamed: the root is looked at this often.
constexpr milliseconds kRootCheckInterval(1000);

// A writer that has just created a file closes it later, and we hear of that. A
// file that appears with an older time was linked here by link(2).
constexpr int64_t kLinkedAgeSeconds = 1;

std::string Join(const std::string& folder, std::string_view name) {
  std::string path = folder;
  if (!path.empty()) path.push_back('/');
  path.append(name);
  return path;
}

// "device:inode"; "" where the folder cannot be seen.
std::string Identity(const std::filesystem::path& folder) {
  struct stat info;
  if (::stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return "";
  return absl::StrCat(info.st_dev, ":", info.st_ino);
}

// The name of a file system whose other users inotify does not hear; "" for
// local ones. Numbers from statfs(2) and linux/magic.h.
std::string_view RemoteFileSystem(const std::filesystem::path& folder) {
  struct statfs info;
  if (::statfs(folder.c_str(), &info) != 0) return "";
  switch (static_cast<uint32_t>(info.f_type)) {
    case 0x6969:
      return "NFS";
    case 0x517B:
    case 0xFF534D42:
    case 0xFE534D42:
      return "SMB";
    case 0x65735546:
      return "FUSE";
    case 0x01021997:
      return "9P";
    case 0x00C36400:
      return "Ceph";
    case 0x0BD00BD0:
      return "Lustre";
    default:
      return "";
  }
}

// A limit of the system, for messages.
std::string ReadLimit(const std::string& name) {
  std::string limit = "not known";
  std::ifstream("/proc/sys/fs/inotify/" + name) >> limit;
  return limit;
}

// Whether a file that was created just now will not be closed by a writer: a
// symbolic link, or a hard link to a file that was there before.
bool AppearedWhole(const std::filesystem::path& file) {
  struct stat info;
  if (::lstat(file.c_str(), &info) != 0) return false;
  if (S_ISLNK(info.st_mode)) return true;
  return S_ISREG(info.st_mode) &&
         (info.st_nlink > 1 ||
          (info.st_size > 0 &&
           info.st_mtim.tv_sec + kLinkedAgeSeconds < std::time(nullptr)));
}

}  // namespace

DirectoryWatcher::DirectoryWatcher(std::filesystem::path root,
                                   const WatchOptions& options)
    : root_(std::move(root)), options_(options) {}

DirectoryWatcher::~DirectoryWatcher() {
  if (events_ >= 0) ::close(events_);
  if (interrupt_ >= 0) ::close(interrupt_);
}

absl::StatusOr<std::unique_ptr<DirectoryWatcher>> DirectoryWatcher::Create(
    const std::filesystem::path& root, const WatchOptions& options) {
  VITRINE_RETURN_IF_ERROR(CheckRoot(root));
  std::unique_ptr<DirectoryWatcher> watcher(
      new DirectoryWatcher(root, options));
  watcher->interrupt_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (watcher->interrupt_ < 0) {
    return ErrnoStatus(errno, "cannot make an eventfd");
  }
  watcher->WatchAll();
  watcher->next_root_check_ = Clock::now() + kRootCheckInterval;
  watcher->next_rescan_ =
      Clock::now() + milliseconds(watcher->RescanIntervalMs());
  return watcher;
}

// Starts over: with a new inotify, so that no event of before is left.
void DirectoryWatcher::WatchAll() {
  if (events_ >= 0) ::close(events_);
  watch_of_folder_.clear();
  folder_of_watch_.clear();
  degraded_.clear();
  root_identity_ = Identity(root_);
  events_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (events_ < 0) {
    Degrade(absl::StrCat("cannot watch ", root_.string(), ": ",
                         std::generic_category().message(errno),
                         "; fs.inotify.max_user_instances is ",
                         ReadLimit("max_user_instances"),
                         "; raise it with sysctl"));
    return;
  }
  AddFolder("", Change::kFound, nullptr);
  const std::string_view remote = RemoteFileSystem(root_);
  if (!remote.empty()) {
    Degrade(absl::StrCat(root_.string(), " lies on ", std::string(remote),
                         ", where changes by other machines are not heard of"));
  }
}

void DirectoryWatcher::Degrade(const std::string& why) {
  if (!degraded_.empty()) return;
  degraded_ = why;
  if (options_.degraded_rescan_interval_ms > 0) {
    absl::StrAppend(&degraded_, "; the catalogue is rescanned every ",
                    options_.degraded_rescan_interval_ms / 1000.0, " s");
  }
  warning_ = degraded_;
  next_rescan_ =
      std::min(next_rescan_, Clock::now() + milliseconds(RescanIntervalMs()));
}

// Adds a watch, or finds the one that is there; -1 with errno where it cannot.
int DirectoryWatcher::AddWatch(const std::string& folder) {
  if (folder_of_watch_.size() >= options_.max_watches) {
    errno = ENOSPC;
    return -1;
  }
  const uint32_t mask = folder.empty() ? kMask : kMask | IN_DONT_FOLLOW;
  return ::inotify_add_watch(events_, (root_ / folder).c_str(), mask);
}

void DirectoryWatcher::AddFolder(const std::string& folder, Change change,
                                 Changes* changes) {
  if (!folder.empty() &&
      (IgnoredFolder(folder) || IsIndexFolder(root_ / folder))) {
    return;
  }
  const int watch = AddWatch(folder);
  if (watch >= 0) {
    const auto known = watch_of_folder_.find(folder);
    if (known != watch_of_folder_.end()) {
      // Watched before it was listed: its events tell all.
      if (known->second == watch) return;
      ForgetWatch(known->second);
    }
    // A folder that was moved keeps its watch; its old path is stale.
    watch_of_folder_[folder] = watch;
    folder_of_watch_[watch] = folder;
  } else if (errno == ENOSPC) {
    Degrade(absl::StrCat(
        "cannot watch more than ", folder_of_watch_.size(), " folders of ",
        root_.string(), "; fs.inotify.max_user_watches is ",
        ReadLimit("max_user_watches"), "; raise it with sysctl"));
  } else if (errno != EACCES) {
    return;  // gone, or no folder any more
  }
  // Listed after it is watched, so that nothing falls between.
  DIR* stream = ::opendir((root_ / folder).c_str());
  if (stream == nullptr) return;
  std::vector<std::string> folders;
  while (const struct dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    const std::string path = Join(folder, name);
    unsigned char type = entry->d_type;
    if (type == DT_UNKNOWN) {
      struct stat info;
      if (::lstat((root_ / path).c_str(), &info) != 0) continue;
      type = IFTODT(info.st_mode);
    }
    if (type == DT_DIR) {
      folders.push_back(path);
    } else if (changes != nullptr && (type == DT_REG || type == DT_LNK) &&
               RoleOfName(path) != NameRole::kIgnored) {
      (*changes)[path] = change;
    }
  }
  ::closedir(stream);
  for (const std::string& child : folders) AddFolder(child, change, changes);
}

void DirectoryWatcher::ForgetWatch(int watch) {
  ::inotify_rm_watch(events_, watch);
  folder_of_watch_.erase(watch);
}

void DirectoryWatcher::RemoveFolder(const std::string& folder,
                                    Changes* changes) {
  const std::string below = folder + "/";
  auto erase = [&](std::map<std::string, int>::iterator at) {
    // Unless the watch has moved on with its folder.
    const auto owner = folder_of_watch_.find(at->second);
    if (owner != folder_of_watch_.end() && owner->second == at->first) {
      ForgetWatch(at->second);
    }
    return watch_of_folder_.erase(at);
  };
  if (const auto at = watch_of_folder_.find(folder);
      at != watch_of_folder_.end()) {
    erase(at);
  }
  for (auto at = watch_of_folder_.lower_bound(below);
       at != watch_of_folder_.end() && at->first.starts_with(below);) {
    at = erase(at);
  }
  for (auto at = changes->lower_bound(below);
       at != changes->end() && at->first.starts_with(below);) {
    at = changes->erase(at);
  }
  (*changes)[folder] = Change::kGone;
}

void DirectoryWatcher::LoseRoot(const std::string& reason, WatchBatch* batch) {
  lost_ = true;
  batch->outage = true;
  batch->outage_reason = reason;
  batch->rescan = false;
}

bool DirectoryWatcher::Handle(int watch, uint32_t mask, std::string_view name,
                              Changes* changes, WatchBatch* batch) {
  if (mask & IN_Q_OVERFLOW) {
    WatchAll();
    batch->rescan = true;
    batch->rescan_reason = absl::StrCat(
        "more changed than the system remembers "
        "(fs.inotify.max_queued_events is ",
        ReadLimit("max_queued_events"), ")");
    return false;
  }
  const auto owner = folder_of_watch_.find(watch);
  if (owner == folder_of_watch_.end()) return true;  // of a folder that went
  const std::string folder = owner->second;
  if (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
    if (folder.empty()) {
      LoseRoot(absl::StrCat("the catalogue ", root_.string(), " was ",
                            mask & IN_UNMOUNT       ? "unmounted"
                            : mask & IN_DELETE_SELF ? "deleted"
                                                    : "moved away",
                            "; nothing of it is taken for deleted until it is "
                            "back"),
               batch);
      return false;
    }
    if (mask & IN_UNMOUNT) {
      batch->rescan = true;
      batch->rescan_reason = absl::StrCat(EscapePath(folder), " was unmounted");
    }
    return true;  // the folder above tells of the rest
  }
  if (mask & IN_IGNORED) {
    const auto at = watch_of_folder_.find(folder);
    if (at != watch_of_folder_.end() && at->second == watch) {
      watch_of_folder_.erase(at);
    }
    folder_of_watch_.erase(watch);
    return true;
  }
  if (name.empty()) return true;  // the folder's own attributes
  const std::string path = Join(folder, name);
  if (RoleOfName(path) == NameRole::kIgnored) return true;
  if (mask & IN_ISDIR) {
    if (mask & (IN_DELETE | IN_MOVED_FROM)) RemoveFolder(path, changes);
    if (mask & IN_MOVED_TO) AddFolder(path, Change::kClosed, changes);
    // A folder whose attributes changed may have become readable.
    if (mask & (IN_CREATE | IN_ATTRIB)) {
      AddFolder(path, Change::kFound, changes);
    }
  } else if (mask & (IN_DELETE | IN_MOVED_FROM)) {
    (*changes)[path] = Change::kGone;
  } else if (mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) {
    (*changes)[path] = Change::kClosed;
  } else if ((mask & IN_ATTRIB) || AppearedWhole(root_ / path)) {
    Change& change = changes->try_emplace(path, Change::kFound).first->second;
    if (change == Change::kGone) change = Change::kFound;
  }
  return true;
}

void DirectoryWatcher::ReadEvents(WatchBatch* batch) {
  // Enough for one event at the least; see inotify(7) for the alignment.
  alignas(struct inotify_event) char buffer[64 << 10];
  // A batch ends at some point though events keep coming.
  constexpr size_t kMaxChanges = 100'000;
  Changes changes;
  bool valid = true;
  while (valid && changes.size() < kMaxChanges) {
    const ssize_t bytes = ::read(events_, buffer, sizeof(buffer));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) break;
    for (const char* at = buffer; valid && at < buffer + bytes;) {
      const auto* event = reinterpret_cast<const struct inotify_event*>(at);
      valid = Handle(
          event->wd, event->mask,
          event->len > 0 ? std::string_view(event->name) : std::string_view(),
          &changes, batch);
      at += sizeof(struct inotify_event) + event->len;
    }
  }
  // A scan tells all of it anew, and an outage makes it void.
  if (!valid) return;
  for (const auto& [path, change] : changes) {
    auto* list = change == Change::kFound    ? &batch->found
                 : change == Change::kClosed ? &batch->closed
                                             : &batch->gone;
    list->push_back(EscapePath(path));
  }
}

void DirectoryWatcher::CheckRootIdentity(WatchBatch* batch) {
  if (Clock::now() < next_root_check_) return;
  next_root_check_ = Clock::now() + kRootCheckInterval;
  const std::string identity = Identity(root_);
  if (lost_) {
    if (identity.empty()) return;
    lost_ = false;
    WatchAll();
    batch->rescan = true;
    batch->rescan_reason =
        absl::StrCat("the catalogue ", root_.string(), " is back");
  } else if (identity.empty()) {
    LoseRoot(absl::StrCat("the catalogue ", root_.string(),
                          " is gone; nothing of it is taken for deleted until "
                          "it is back"),
             batch);
  } else if (identity != root_identity_) {
    WatchAll();
    batch->rescan = true;
    batch->rescan_reason =
        absl::StrCat("another folder has taken the place of ", root_.string());
  }
}

int64_t DirectoryWatcher::RescanIntervalMs() const {
  return degraded_.empty() ? options_.rescan_interval_ms
                           : options_.degraded_rescan_interval_ms;
}

absl::StatusOr<WatchBatch> DirectoryWatcher::Next(int64_t timeout_ms) {
  const Clock::time_point start = Clock::now();
  if (rescanning_) {
    rescanning_ = false;
    next_rescan_ =
        start + std::max<Clock::duration>(milliseconds(RescanIntervalMs()),
                                          4 * (start - rescan_asked_));
  }
  WatchBatch batch;
  for (;;) {
    CheckRootIdentity(&batch);
    const Clock::time_point now = Clock::now();
    const bool periodic = RescanIntervalMs() > 0 && !lost_;
    if (periodic && now >= next_rescan_ && !batch.rescan) {
      batch.rescan = true;
      batch.rescan_reason = "it is time for one";
    }
    Clock::time_point until = next_root_check_;
    if (periodic) until = std::min(until, next_rescan_);
    if (timeout_ms >= 0)
      until = std::min(until, start + milliseconds(timeout_ms));
    if (!batch.empty() || !warning_.empty()) until = now;

    std::array<struct pollfd, 2> polled = {
        {{interrupt_, POLLIN, 0}, {lost_ ? -1 : events_, POLLIN, 0}}};
    const auto wait = std::chrono::ceil<milliseconds>(until - now);
    const int ready =
        ::poll(polled.data(), polled.size(),
               static_cast<int>(std::max<int64_t>(0, wait.count())));
    if (ready < 0 && errno != EINTR) return ErrnoStatus(errno, "cannot poll");
    if (ready > 0 && polled[0].revents != 0) {
      uint64_t count;
      batch.interrupted = ::read(interrupt_, &count, sizeof(count)) > 0;
    }
    if (ready > 0 && polled[1].revents != 0) ReadEvents(&batch);
    batch.warning = std::move(warning_);
    warning_.clear();
    const bool over =
        timeout_ms >= 0 && Clock::now() >= start + milliseconds(timeout_ms);
    if (!batch.empty() || over) break;
  }
  if (batch.rescan) {
    rescanning_ = true;
    rescan_asked_ = Clock::now();
  }
  return batch;
}

void DirectoryWatcher::Interrupt() {
  const uint64_t one = 1;
  // Fails only where the counter is full, and then Next wakes anyway.
  [[maybe_unused]] const ssize_t ignored =
      ::write(interrupt_, &one, sizeof(one));
}

}  // namespace vitrine
