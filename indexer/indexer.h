// The indexer's life: it reconciles an index with a catalogue directory, and
// then follows what changes there and what a queue tells.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/catalog/catalog.h"
#include "common/http/status_port.h"
#include "common/index/control.h"
#include "common/queue/queue_address.h"
#include "indexer/console.h"
#include "indexer/event_applier.h"
#include "indexer/event_work.h"
#include "indexer/generation_draft.h"
#include "indexer/index_opener.h"
#include "indexer/indexer_metrics.h"
#include "indexer/ingest.h"
#include "indexer/merger.h"
#include "indexer/picture_batch.h"
#include "indexer/receipts.h"
#include "indexer/recent_deletions.h"
#include "indexer/reconcile.h"
#include "indexer/refused_pictures.h"
#include "indexer/set_filler.h"
#include "indexer/sources/directory_watcher.h"
#include "indexer/sources/queue_reader.h"
#include "indexer/sources/settled_files.h"
#include "indexer/work_queue.h"

namespace vitrine {

// What one publication by the indexer held, and what it took.
struct PublishedBatch {
  Publication publication;
  PictureCounts counts;
  double decode_s = 0;  // Since the publication before, summed over threads.
  double embed_s = 0;   // Likewise.
  double publish_s = 0;
};

struct IndexerOptions {
  // No root: there is a queue alone. Its partition is the index's.
  CatalogOptions catalog;
  std::optional<QueueAddress> queue;
  // What events name by path lies below it; empty: the catalogue's root.
  std::filesystem::path queue_files;
  // Acknowledged entries are removed from the stream.
  bool queue_trim = false;
  IndexOptions index;
  WatchOptions watch;
  MergeLimits merge;
  // For so long what served before is kept up to date, to be returned to; 0
  // keeps nothing.
  int64_t keep_previous_ms = 72ll * 60 * 60 * 1000;
  bool keep_deleted = false;
  bool allow_mass_delete = false;
  int decode_threads = 2;
  int batch = 0;  // Pictures at a time through the model; 0: what it prefers.
  // While many pictures come in, a generation is published after so many rows
  // or milliseconds, whichever is first.
  size_t publish_rows = 512;
  int64_t publish_ms = 2000;
  // A file that was found by looking is read when it has been still so long.
  int64_t settle_ms = 300;
  // A publication that failed is tried again after so long.
  int64_t retry_ms = 5000;
  // HOST:PORT, where /metrics, /healthz and /readyz are; empty: nowhere.
  std::string status_listen;
  // As a Console's.
  Log* log = nullptr;
  // Called after each publication, in the thread that runs the indexer.
  std::function<void(const PublishedBatch&)> on_published;
};

// What a run has done.
struct IndexerSummary {
  PictureCounts counts;
  IngestStats ingest;
  double wall_s = 0;
  double publish_s = 0;
  double settle_s = 0;
  int64_t publications = 0;
};

// One thread runs it; Stop may be called from any.
class Indexer {
 public:
  // Opens catalogue, index and model. The error says what to do about it.
  static absl::StatusOr<std::unique_ptr<Indexer>> Create(
      IndexerOptions options);
  ~Indexer();
  Indexer(const Indexer&) = delete;
  Indexer& operator=(const Indexer&) = delete;

  // Reconciles once, takes what waits in the queue, and settles all merges. An
  // error where something could not be published, or the catalogue holds no
  // picture.
  absl::Status RunOnce();
  // Reconciles, then follows catalogue and queue until stopped. What fails for
  // a while is told and tried again.
  absl::Status Run();
  // What is being read is finished and published, then the run returns.
  void Stop();

  const IndexerSummary& summary() const { return summary_; }
  Publisher* publisher() { return index_.publisher.get(); }
  // HOST:PORT of the status port; empty without one.
  std::string status_address() const {
    return status_port_ == nullptr ? "" : status_port_->address();
  }

 private:
  using Clock = std::chrono::steady_clock;
  // How often the index is looked through for requests.
  static constexpr std::chrono::milliseconds kRequestInterval{500};
  // So many pictures at a time are bulk work.
  static constexpr int64_t kBulkPictures = 32;
  static double SecondsBetween(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }

  explicit Indexer(IndexerOptions options);
  absl::Status Open();
  static int64_t NowUnixMs();
  static int64_t NowUnixNs();

  // Life cycle, in indexer.cc.
  std::unique_ptr<Ingest> MakeIngest(std::unique_ptr<Embedder> embedder);
  void WakeMerger();
  void StopMerging();
  void ProcessWork();
  // Pictures and entries that wait or are being read.
  int64_t Waiting() const;
  void Take(PictureResult result);
  // Takes all that waits in the queue.
  absl::Status DrainQueue();
  // OK where there are none.
  absl::Status UnwrittenReceipts() const;
  // Waits for something to happen, and takes note of it.
  absl::Status WaitForChanges();

  // Publication, in indexer_publish.cc.
  void BeginBatch(IndexChanges changes = {});
  // What a crash has kept an earlier run from.
  void WriteLostReceipts();
  // Publishes the batch. After an error it is kept, and tried again later.
  absl::Status Publish();
  // Counts and receipts of the draft, which are published.
  void TakeReceipts();
  void AppendReceipts(const Publication& publication);
  bool PublicationDue() const;
  void TellPublication(const PublishedBatch& batch);
  // Brings gauges and readiness up to date.
  void UpdateStatus();
  absl::Status Readiness() const;
  void TellSummary();

  // The queue, in indexer_queue.cc.
  absl::Status OpenQueue();
  // Once a repair has published, what is new may come in.
  absl::Status OpenQueueWhenDue();
  // The folder that events name files of; empty where there is none.
  std::filesystem::path QueueFiles() const;
  // Whether an event could not be read since that folder is away.
  bool LacksFiles(const EventWork::Event& event) const;
  // Takes what has come, as much as may be in hand at a time.
  void TakeEvents();
  void TakeEvent(QueueEntry entry);
  // Brings back pictures of a queue's product that a repair has found lost.
  void Restore(const std::string& product_id);
  bool HasRoomForEvents() const;
  // A scan waits for what is in hand; the queue waits for the scan.
  bool ScanIsDue() const { return rescan_due_ && !outage_; }
  void ApplyEvent(EventWork::Event event);
  // What the settled entries ask for is durable.
  void SettleEntries();
  void RefuseEvent(QueueEntry entry, const ProductChange& change,
                   const absl::Status& status);
  // Whether ProcessWork has something of the queue to do.
  bool EventsWait() const;
  // How often an entry was taken alone and ended the run, this time included;
  // noted in the index until ForgetSuspect.
  int CountSuspect(const std::string& entry);
  void ForgetSuspect();

  // Vector sets, in indexer_sets.cc.
  // Begins to fill the set beside the serving one, where there is one.
  void StartFilling();
  // Now and then: looks for requests, carries out those that need no switch,
  // and lets go what has expired. Also while pictures are being read.
  void LookAfterSets();
  // Whether the other set is to serve, and lacks little.
  bool SwitchIsDue();
  // Lets the other set serve where that is due and nothing is half read. Where
  // something is, no more is taken, until it is called again.
  absl::Status SwitchWhenDue();
  // Publishes what is in hand, and lets the other set serve.
  absl::Status SwitchSets();
  void GiveUpOtherSet();
  void AnswerRequests(ControlRequest::Kind kind, uint64_t set,
                      const absl::Status& status);
  // Answers one; it is not carried out again, should that fail.
  void Answer(const ControlRequest& request, const absl::Status& status);
  void TellUnnoted(const absl::Status& status);

  // The catalogue, in indexer_catalog.cc.
  absl::Status Scan();
  // Whether a table or side-car is whole.
  Catalog::SettledFn TableIsSettled();
  // Applies a table that has changed in fields alone; false where a scan must.
  bool FollowFields();
  // Whether a table has changed and may be read while pictures are.
  bool TableIsDue() const;
  // Applies a table while pictures are being read. Another scan follows once
  // they are in.
  void ScanForTable();
  void Enqueue(const CatalogPicture& picture, std::vector<std::string> warnings,
               bool fresh);
  // The table may say something else of all products, or of one.
  void DescribeAll();
  void DescribeOne(const std::string& product);
  void TellProblems(const CatalogProblems& problems);
  storage::SourcePosition Position() const;
  absl::Status CheckLayout(const storage::SourcePosition& known) const;
  // Whether files are going at this moment: what a scan saw now would be a part
  // of it.
  bool DeletionsGoOn() const;
  // Products, published or not yet.
  uint64_t RecentlyDeleted();
  // Removes what is gone. `all_in`: nothing that came with it waits any more.
  void ApplyRemovals(bool all_in);

  // From here on nothing is known to be gone.
  void BeginOutage();
  void Follow(const WatchBatch& changes);
  void FollowFile(const std::string& path, bool closed);
  // `arrivals`: files that came at the same time.
  void FollowGone(const std::vector<std::string>& gone, size_t arrivals);
  // Reads the files that have settled, or all that wait to.
  void TakeSettled(bool all);
  int64_t MillisecondsToWait() const;

  const IndexerOptions options_;
  Console console_{options_.log};
  std::unique_ptr<Catalog> catalog_;     // Null without one.
  std::unique_ptr<QueueReader> reader_;  // Null without a queue.
  OpenIndex index_;
  std::unique_ptr<ReceiptLog> receipts_;
  std::vector<v1::Receipt> unwritten_;  // Receipts of what is published.
  std::unique_ptr<Ingest> ingest_;
  std::mutex merger_mutex_;  // Guards the pointer.
  std::unique_ptr<Merger> merger_;
  std::unique_ptr<SetFiller> filler_;  // Null where there is one set.
  std::vector<ControlRequest> requests_;
  std::map<std::string, ControlAnswer> unanswered_;  // By request.
  Clock::time_point last_requests_;  // When they were looked for.
  Clock::time_point switch_after_;   // A switch that failed is tried again.
  MergeLimits limits_after_bulk_ = options_.merge;
  std::unique_ptr<DirectoryWatcher> watcher_;

  WorkQueue queue_;
  SettledFiles settled_{options_.settle_ms};
  // Tables that have been written to their end since the last scan.
  std::set<std::string> written_tables_;
  // The next generation, and what adds to it.
  std::unique_ptr<GenerationDraft> draft_;
  std::unique_ptr<PictureBatch> batch_;
  std::unique_ptr<EventApplier> applier_;
  std::unique_ptr<RefusedPictures> refused_pictures_;

  EventWork events_;
  std::optional<QueueEntry> next_entry_;  // Taken from the reader.
  // Entries to be acknowledged with the next generation.
  std::vector<std::string> settled_entries_;
  std::vector<std::string> lost_products_;  // To be restored.
  bool follows_ = false;  // Runs until stopped: what fails is tried again.
  // Nothing more is taken until the sets are switched.
  std::atomic<bool> switching_ = false;
  // An entry that may be what ended earlier runs is in hand, and no other.
  bool alone_ = false;
  // Events whose files cannot be read now, as their folder is away.
  std::vector<EventWork::Event> deferred_events_;
  Clock::time_point deferred_until_;
  // Files that are gone: they go after what came with them, so that a moved
  // picture is never away, and those of the watcher when no more go, so that
  // they are judged together.
  struct Removal {
    Clock::time_point since;
    bool judged = false;  // It is no part of a mass deletion.
    bool moved = false;   // Its picture is there under another name.
  };
  std::map<std::string, Removal> removals_;
  Clock::time_point last_gone_;
  RecentDeletions recent_deletions_;
  bool rescan_due_ = false;
  bool table_due_ = false;         // The scan is for a table that has changed.
  Clock::time_point table_after_;  // Bulk work has its share until then.
  bool outage_ = false;
  // Until the first publication of a repair.
  bool repairing_ = false;
  std::optional<uint64_t> described_version_;  // Of the metadata.
  std::string told_held_;
  std::vector<std::string> told_problems_;

  absl::Status publish_error_;       // Until it is tried again.
  absl::Status last_publish_error_;  // Until one was OK.
  Clock::time_point retry_at_;
  Clock::time_point last_publication_;
  double last_publish_s_ = 0;    // What it took.
  Clock::time_point last_look_;  // At the watcher, during bulk work.
  int64_t bulk_done_ = 0;
  int64_t bulk_refused_ = 0;
  IndexerSummary summary_;
  IngestStats published_stats_;  // As of the last publication.

  bool first_pass_over_ = false;
  IndexerMetrics metrics_;
  mutable std::mutex readiness_mutex_;  // Guards what follows.
  absl::Status readiness_ = absl::UnavailableError("it is starting");
  std::unique_ptr<StatusPort> status_port_;  // Uses what stands before it.

  std::atomic<bool> stopping_{false};
  // For Stop and the queue's thread.
  std::atomic<DirectoryWatcher*> interruptible_{nullptr};
  std::atomic<QueueReader*> wakeable_{nullptr};
};

}  // namespace vitrine
