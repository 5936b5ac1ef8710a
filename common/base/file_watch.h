// Waits for a file to change, wherever it lies.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace vitrine {

// What tells that a file is not what it was: it is longer, shorter, written to,
// another one, or another's.
struct FileState {
  uint64_t inode = 0;
  int64_t bytes = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;  // Its owner or mode, too.
  bool operator==(const FileState&) const = default;
};
// None where there is no such file.
std::optional<FileState> FileStateOf(const std::filesystem::path& path);

// Told by inotify on the file's folder, and by a look at the file every
// `poll_ms` where the file system tells nothing, as NFS does. The file and its
// folder may come later. One thread waits; Stop may come from any.
class FileWatch {
 public:
  FileWatch(std::filesystem::path path, int poll_ms);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // Waits until the file is not as it was at the last call (or when this was
  // made): longer, shorter, written to, gone, another one, or another's. False
  // once stopped.
  bool Wait();
  // Ends a Wait, and all later ones.
  void Stop();

 private:
  const std::filesystem::path path_;
  const int poll_ms_;
  std::optional<FileState> seen_;
  std::atomic<bool> stopped_ = false;
  int inotify_fd_ = -1;
  int stop_fd_ = -1;
};

}  // namespace vitrine
