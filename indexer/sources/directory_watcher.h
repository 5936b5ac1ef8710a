// Tells what changes in a catalogue directory, as it happens: inotify(7) for
// the root and every folder below it, and rescans for what inotify misses.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"

namespace vitrine {

struct WatchOptions {
  // A rescan is asked for this often though nothing was heard; 0: never.
  int64_t rescan_interval_ms = 60'000;
  // The same where not everything can be watched. Longer where rescans take
  // long, so that they never fill more than a fifth of the time.
  int64_t degraded_rescan_interval_ms = 5'000;
  // At most this many folders are watched.
  size_t max_watches = SIZE_MAX;
};

// What has changed since the last batch. Paths are those of a Catalog: relative
// to the root, see EscapePath. Each path is in one list alone, in byte order.
// Apply `gone` first: a folder may have gone and come again.
struct WatchBatch {
  // Files that were written and closed, or moved here: ready to be read.
  std::vector<std::string> closed;
  // Files that appeared without being closed, or whose attributes changed: see
  // SettledFiles.
  std::vector<std::string> found;
  // Files that are gone, and folders that are gone with all below them.
  std::vector<std::string> gone;
  // The whole catalogue must be scanned, for the reason given.
  bool rescan = false;
  std::string rescan_reason;
  // The root is gone or is another folder: nothing is known to be deleted. Once
  // it is back, a batch asks for a rescan.
  bool outage = false;
  std::string outage_reason;
  // Interrupt was called.
  bool interrupted = false;
  // For the log, once: why not everything can be watched, and the remedy.
  std::string warning;

  bool empty() const {
    return closed.empty() && found.empty() && gone.empty() && !rescan &&
           !outage && !interrupted && warning.empty();
  }
};

// A file that is being written is told of when it is closed. New folders are
// watched as they come, what they hold by then is told of; folders that are
// ignored (see IgnoredFolder), linked or hold an index are not watched. Links
// count as files.
//
// One thread calls Next; Interrupt may be called from any, and from a signal
// handler.
class DirectoryWatcher {
 public:
  // Watches from here on: scan the catalogue after this, and nothing is missed.
  // Where the system allows no watching at all, rescans take its place. Errors
  // as CheckRoot.
  static absl::StatusOr<std::unique_ptr<DirectoryWatcher>> Create(
      const std::filesystem::path& root, const WatchOptions& options = {});
  ~DirectoryWatcher();
  DirectoryWatcher(const DirectoryWatcher&) = delete;
  DirectoryWatcher& operator=(const DirectoryWatcher&) = delete;

  // Waits until there is something to tell, at most `timeout_ms` (for ever
  // where negative), and returns all that has queued up; an empty batch where
  // the time is over.
  absl::StatusOr<WatchBatch> Next(int64_t timeout_ms);

  // Makes the Next that is waiting, or else the following one, return at once.
  void Interrupt();

  // Why not everything is watched; "" where all is.
  const std::string& degraded() const { return degraded_; }
  size_t watched_folders() const { return folder_of_watch_.size(); }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Change { kFound, kClosed, kGone };
  using Changes = std::map<std::string, Change>;

  DirectoryWatcher(std::filesystem::path root, const WatchOptions& options);
  absl::Status OpenEvents();
  void WatchAll();
  void Degrade(const std::string& why);
  // Watches `folder` and all below it. What it holds is noted as `change`,
  // unless `changes` is null.
  void AddFolder(const std::string& folder, Change change, Changes* changes);
  int AddWatch(const std::string& folder);
  void RemoveFolder(const std::string& folder, Changes* changes);
  void ForgetWatch(int watch);

  void ReadEvents(WatchBatch* batch);
  // Returns false where the rest of the events is void.
  bool Handle(int watch, uint32_t mask, std::string_view name, Changes* changes,
              WatchBatch* batch);
  void LoseRoot(const std::string& reason, WatchBatch* batch);
  void CheckRootIdentity(WatchBatch* batch);
  int64_t RescanIntervalMs() const;

  const std::filesystem::path root_;
  const WatchOptions options_;
  int events_ = -1;     // inotify; -1 where there is none
  int interrupt_ = -1;  // eventfd
  std::map<std::string, int> watch_of_folder_;
  std::unordered_map<int, std::string> folder_of_watch_;
  std::string degraded_;
  std::string warning_;  // not yet told
  std::string root_identity_;
  bool lost_ = false;  // the root is
  Clock::time_point next_root_check_;
  Clock::time_point next_rescan_;
  // When a rescan was asked for that the caller may be at; the waiting for the
  // next one starts when it comes back.
  bool rescanning_ = false;
  Clock::time_point rescan_asked_;
};

}  // namespace vitrine
