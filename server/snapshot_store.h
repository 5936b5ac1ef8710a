// Follows an index directory: opens each new generation beside the one that is
// served and then takes its place.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "common/base/file_watch.h"
#include "common/index/index_paths.h"
#include "common/model/embedder.h"
#include "server/index_cache.h"
#include "server/scrubber.h"
#include "server/serving.h"
#include "server/slots.h"

namespace vitrine {

// What became of a try to take up a generation.
struct ReloadOutcome {
  absl::Status status;     // Why the newest was not taken up.
  bool is_served = false;  // Another generation is served since.
  double seconds = 0;      // It took so long.
};

struct SnapshotStoreOptions {
  IndexPaths paths;
  // Where the index is copied to, and then opened there, not in `paths`; may
  // be null. It must outlive the store, and be used by it alone.
  IndexCache* cache = nullptr;
  // Whether Start waits for what goes into an empty cache.
  bool await_cache = false;
  // Loads the bundle of a path, of which the indexer has found `trial`; called
  // from one thread at a time.
  std::function<absl::StatusOr<std::unique_ptr<Embedder>>(
      const std::filesystem::path& bundle, const EmbedTrial& trial)>
      load_model;
  const SlotTable* slots = nullptr;         // Must outlive the store, …
  RecallMonitor* recall_monitor = nullptr;  // … as this must; may be null.
  // How often the folder is listed where inotify tells nothing, as on network
  // file systems.
  int poll_ms = 100;
  // What of a new generation is verified before it is served; the rest follows
  // in the background. While the index is known to be damaged it is all.
  VerifyMode verify = VerifyMode::kAuto;
  // One line for people, without its end; called from the store's threads.
  std::function<void(std::string_view line)> log;
  // As `log`, of what somebody should see to; `log` gets it where this is
  // empty.
  std::function<void(std::string_view line)> warn;
  // Called once, when the first generation is served.
  std::function<void()> on_ready;
  // For whoever counts; both may be empty, and are called from the store's and
  // the models' threads.
  std::function<void(const ReloadOutcome& outcome)> on_reload;
  std::function<void(size_t pictures)> on_batch;
};

// Thread-safe.
class SnapshotStore {
 public:
  // Does nothing until it is started.
  explicit SnapshotStore(SnapshotStoreOptions options);
  ~SnapshotStore();
  SnapshotStore(const SnapshotStore&) = delete;
  SnapshotStore& operator=(const SnapshotStore&) = delete;

  // Tries to open the index, and goes on following it in a thread of its own,
  // whether or not that worked. Once.
  void Start();

  // What is served now. UNAVAILABLE, saying why, while there is none.
  absl::StatusOr<std::shared_ptr<const Serving>> Take() const;
  // Why the newest generation is not the served one, or that a file of the
  // served one is damaged; empty where neither is so.
  std::string degraded() const;

 private:
  void Watch();
  // Brings the cache, where there is one, up to date, and opens what is new.
  void Refresh();
  void Fetch();
  void OpenNew();
  // Why there is nothing to open.
  absl::Status NothingYet() const;
  // Sets `next` where there is something newer to serve. An error, with or
  // without it, is what the operator must know.
  // `damage` is that of what is served.
  absl::Status OpenNewest(uint64_t newest, const absl::Status& damage,
                          std::shared_ptr<const Serving>* next);
  // That of the snapshot's set, from what `previous`, which may be null, has
  // or what is being loaded.
  absl::StatusOr<std::shared_ptr<EmbedBatcher>> EmbedderOf(
      const Snapshot& snapshot, const Serving* previous);
  // Null where neither `previous` nor its other serving has the model.
  static std::shared_ptr<EmbedBatcher> OpenEmbedder(const std::string& model,
                                                    const Serving* previous);
  // The generation with its other set; null where it has none, or the model of
  // that is not loaded yet, which is begun then.
  std::shared_ptr<const Serving> OtherOf(const Snapshot& snapshot,
                                         const Serving* previous);
  // Unless a model is being loaded already.
  void StartLoading(const storage::VectorSet& set);
  // Adds the other set to what is served once its model is loaded.
  void AttachOther();
  absl::StatusOr<std::unique_ptr<Embedder>> LoadModelOf(
      const storage::VectorSet& set) const;
  // Takes the embedder where it fits the snapshot.
  absl::StatusOr<std::shared_ptr<EmbedBatcher>> EmbedderFor(
      const Snapshot& snapshot, std::unique_ptr<Embedder> embedder) const;
  // Brings what opening has not read into memory, before anybody is told that
  // the server is ready.
  void Touch(const Serving& serving) const;
  // Takes up `next`, where it is not null, and `trouble` in one step, so that
  // nobody sees the one without the other.
  void Settle(const absl::Status& trouble,
              const std::shared_ptr<const Serving>& next = nullptr,
              double opened_ms = 0);

  const SnapshotStoreOptions options_;
  const IndexPaths paths_;  // Of what is opened.

  mutable std::mutex mutex_;
  std::shared_ptr<const Serving> serving_;
  // What the operator must know: `trouble_`, or else `lag_`.
  absl::Status shown_ = absl::UnavailableError("it is being opened");

  // Of the thread that refreshes.
  absl::Status trouble_ = absl::UnavailableError("it is being opened");
  absl::Status lag_;  // Why the cache does not have the newest generation.
  // The newest generation at the last try, and its manifest, which another
  // index has under the same number.
  uint64_t tried_ = 0;
  std::optional<FileState> tried_file_;
  std::chrono::steady_clock::time_point retry_at_;
  bool said_degraded_ = false;
  // A model that none of what is served has yet.
  std::string loading_model_;
  // The other set could not be opened, and why.
  std::chrono::steady_clock::time_point other_retry_at_;
  std::string other_trouble_;
  std::future<absl::StatusOr<std::unique_ptr<Embedder>>> loading_;

  Scrubber scrubber_;
  std::atomic<bool> stopping_ = false;
  int inotify_fd_ = -1;
  int stop_fd_ = -1;
  std::thread thread_;
};

}  // namespace vitrine
