// Waits for a file to change, wherever it lies.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace vitrine {

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
  // made): longer, shorter, written to, gone or another one. False once
  // stopped.
  bool Wait();
  // Ends a Wait, and all later ones.
  void Stop();

 private:
  struct State {
    uint64_t inode = 0;
    int64_t bytes = 0;
    int64_t modified_ns = 0;
    bool operator==(const State&) const = default;
  };
  std::optional<State> Look() const;

  const std::filesystem::path path_;
  const int poll_ms_;
  std::optional<State> seen_;
  std::atomic<bool> stopped_ = false;
  int inotify_fd_ = -1;
  int stop_fd_ = -1;
};

}  // namespace vitrine
