#include "indexer/indexer.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/catalog/catalog_folder.h"
#include "common/index/manifest.h"

namespace vitrine {
namespace {

constexpr std::chrono::milliseconds kLookInterval(100);
constexpr std::chrono::milliseconds kDrainLook(50);
constexpr std::chrono::milliseconds kFlushPatience(2000);
constexpr std::chrono::seconds kQueuePatience(60);
// A file that never stops growing is taken as it is.
constexpr std::chrono::seconds kSettlePatience(30);

// What the newest readable generation says of the catalogue; nothing of it is
// relied upon before the index is open.
storage::SourcePosition ReadPosition(const IndexPaths& paths) {
  const auto generations = ListGenerations(paths);
  if (!generations.ok()) return {};
  for (auto generation = generations->rbegin();
       generation != generations->rend(); ++generation) {
    const auto manifest = ReadManifest(paths, *generation);
    if (!manifest.ok()) continue;
    for (const storage::SourcePosition& source : manifest->sources()) {
      if (source.source() == "directory") return source;
    }
    return {};
  }
  return {};
}

}  // namespace

Indexer::Indexer(IndexerOptions options) : options_(std::move(options)) {}

Indexer::~Indexer() {
  interruptible_ = nullptr;
  wakeable_ = nullptr;
  // It was not what ended this run.
  ForgetSuspect();
  status_port_.reset();
  // The threads use what stands before them.
  filler_.reset();
  reader_.reset();
  merger_.reset();
  ingest_.reset();
}

int64_t Indexer::NowUnixMs() { return NowUnixNs() / 1'000'000; }

int64_t Indexer::NowUnixNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

absl::StatusOr<std::unique_ptr<Indexer>> Indexer::Create(
    IndexerOptions options) {
  const IndexPaths paths{options.index.root};
  const storage::SourcePosition known = ReadPosition(paths);
  const auto identity = known.settings().find("root_identity");
  if (identity != known.settings().end()) {
    options.catalog.root_identity = identity->second;
  }
  options.catalog.partition = options.index.partition;
  options.merge.keep_originals = options.index.repair;
  std::unique_ptr<Indexer> indexer(new Indexer(std::move(options)));
  VITRINE_RETURN_IF_ERROR(indexer->CheckLayout(known));
  VITRINE_RETURN_IF_ERROR(indexer->Open());
  return indexer;
}

absl::Status Indexer::Open() {
  if (!options_.status_listen.empty()) {
    VITRINE_ASSIGN_OR_RETURN(
        status_port_,
        StatusPort::Start({.listen = options_.status_listen,
                           .metrics = [this] { return metrics_.Text(); },
                           .readiness = [this] { return Readiness(); }}));
    console_.Line(absl::StrCat("status at http://", status_port_->address(),
                               "/metrics, /healthz and /readyz"));
  }
  std::error_code error;
  if (!options_.catalog.root.empty()) {
    if (std::filesystem::equivalent(options_.catalog.root, options_.index.root,
                                    error)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--index and --catalog are the same folder, ",
          options_.index.root.string(), "; give the index one of its own"));
    }
    VITRINE_ASSIGN_OR_RETURN(catalog_, Catalog::Open(options_.catalog));
  }
  VITRINE_ASSIGN_OR_RETURN(index_, OpenIndexForWriting(options_.index));
  VITRINE_ASSIGN_OR_RETURN(
      receipts_, ReceiptLog::Open(index_.publisher->paths().receipts()));
  refused_pictures_ =
      std::make_unique<RefusedPictures>(index_.publisher->paths().refused());

  const storage::VectorSet& set = publisher()->view().snapshot->set();
  std::vector<std::string> sources;
  if (catalog_ != nullptr) {
    sources.push_back(
        absl::StrCat("catalogue ", catalog_->root().string(), " (layout ",
                     std::string(LayoutName(catalog_->layout())), ")"));
  }
  if (options_.queue) {
    sources.push_back(absl::StrCat("queue ", options_.queue->Name()));
  }
  const Partition& partition = options_.index.partition;
  console_.Line(absl::StrCat(
      absl::StrJoin(sources, ", "),
      partition.is_whole() ? ""
                           : absl::StrCat(", partition ", partition.Name()),
      " → index ", options_.index.root.string(), " (model ",
      index_.embedder->card().name, " ", index_.embedder->card().version, ", ",
      std::string(MetricName(set.metric())), ")"));
  ingest_ = MakeIngest(std::move(index_.embedder));
  merger_ = std::make_unique<Merger>(
      publisher(), options_.merge, [this](const absl::Status& status) {
        metrics_.CountFailedMerge();
        console_.Warn(absl::StrCat("a merge failed and is tried again later: ",
                                   status.message()));
      });
  for (const std::string& note : index_.notes) console_.Line(note);
  for (const std::string& finding : index_.findings) {
    console_.Warn(absl::StrCat("damaged: ", finding));
  }
  repairing_ = options_.index.repair;
  lost_products_ = std::move(index_.lost_products);
  BeginBatch(std::move(index_.mend));
  UpdateStatus();
  if (!repairing_) WriteLostReceipts();
  StartFilling();
  return OpenQueueWhenDue();
}

std::unique_ptr<Ingest> Indexer::MakeIngest(
    std::unique_ptr<Embedder> embedder) {
  IngestOptions ingest;
  ingest.read = [root = options_.catalog.root, queue_files = QueueFiles()](
                    const PictureTask& task, uint64_t max_bytes) {
    return ReadBeneath(task.event_picture ? queue_files : root, task.path,
                       max_bytes);
  };
  ingest.find_known =
      [publisher = publisher()](
          std::string_view sha256) -> std::optional<KnownContent> {
    const IndexView view = publisher->view();
    const auto vector = view.content->FindVector(sha256);
    const std::string_view thumbnail = view.snapshot->FindThumbnail(sha256);
    if (vector.empty() || thumbnail.empty()) return std::nullopt;
    return KnownContent{{vector.begin(), vector.end()}, std::string(thumbnail)};
  };
  ingest.decode_threads = options_.decode_threads;
  ingest.batch =
      options_.batch > 0 ? options_.batch : embedder->preferred_batch();
  return std::make_unique<Ingest>(std::move(embedder), std::move(ingest));
}

void Indexer::WakeMerger() {
  std::lock_guard lock(merger_mutex_);
  if (merger_ != nullptr) merger_->Wake();
}

void Indexer::StopMerging() {
  std::unique_ptr<Merger> merger;
  {
    std::lock_guard lock(merger_mutex_);
    merger = std::move(merger_);
  }
}

void Indexer::Stop() {
  stopping_ = true;
  queue_.Pause();
  if (DirectoryWatcher* watcher = interruptible_) watcher->Interrupt();
  if (QueueReader* reader = wakeable_) reader->Wake();
}

absl::Status Indexer::RunOnce() {
  const Clock::time_point start = Clock::now();
  // What is merged before the last rows are in would be merged again with them.
  limits_after_bulk_ = BulkMergeLimits(options_.merge);
  if (catalog_ != nullptr) {
    VITRINE_RETURN_IF_ERROR(Scan());
  }
  ProcessWork();
  while (settled_.waiting() > 0 && !stopping_ && publish_error_.ok()) {
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::max<int64_t>(1, MillisecondsToWait())));
    TakeSettled(/*all=*/Clock::now() - start > kSettlePatience);
    ProcessWork();
  }
  VITRINE_RETURN_IF_ERROR(publish_error_);
  if (!stopping_) ApplyRemovals(/*all_in=*/true);
  VITRINE_RETURN_IF_ERROR(Publish());
  while (EventsWait() && !stopping_) {
    ProcessWork();
    VITRINE_RETURN_IF_ERROR(publish_error_);
    VITRINE_RETURN_IF_ERROR(Publish());
    VITRINE_RETURN_IF_ERROR(UnwrittenReceipts());
  }
  VITRINE_RETURN_IF_ERROR(OpenQueueWhenDue());
  VITRINE_RETURN_IF_ERROR(DrainQueue());
  summary_.ingest = ingest_->stats();
  absl::Status filled;
  if (filler_ != nullptr && !stopping_) {
    filled = filler_->Finish([this] { return stopping_.load(); });
  }
  StopMerging();
  const Clock::time_point settling = Clock::now();
  if (!stopping_) {
    // What a stop leaves undone the next run merges.
    const absl::Status settled =
        SettleMerges(publisher(), SettledMergeLimits(options_.merge),
                     AvailableCores(), [this] { return stopping_.load(); });
    if (!absl::IsCancelled(settled)) {
      VITRINE_RETURN_IF_ERROR(settled);
    }
    last_requests_ = {};
    LookAfterSets();
    if (filled.ok()) filled = SwitchWhenDue();
  }
  summary_.settle_s = SecondsBetween(settling, Clock::now());
  summary_.wall_s = SecondsBetween(start, Clock::now());
  TellSummary();
  VITRINE_RETURN_IF_ERROR(UnwrittenReceipts());
  // A part of a small catalogue may well be empty.
  if (!filled.ok() && !stopping_) return filled;
  if (catalog_ != nullptr && reader_ == nullptr &&
      options_.index.partition.is_whole() &&
      publisher()->view().sources->segments().empty() && !stopping_) {
    return absl::NotFoundError(absl::StrCat(
        "the catalogue ", catalog_->root().string(),
        " holds no picture; put some there, or name another with --catalog"));
  }
  return absl::OkStatus();
}

absl::Status Indexer::DrainQueue() {
  Clock::time_point answered = Clock::now();
  while (reader_ != nullptr && !reader_->Drained() && !stopping_) {
    if (!EventsWait()) reader_->Wait(kDrainLook.count());
    if (!reader_->IsLost()) answered = Clock::now();
    if (Clock::now() - answered > kQueuePatience) {
      return absl::UnavailableError(
          absl::StrCat(options_.queue->Name(),
                       " has not answered for a minute; what was read of it is "
                       "published, run again when it does"));
    }
    if (!deferred_events_.empty()) {
      return absl::UnavailableError(absl::StrCat(
          QueueFiles().string(),
          ", in which events name files, is away; run again when it is back"));
    }
    ProcessWork();
    VITRINE_RETURN_IF_ERROR(publish_error_);
    VITRINE_RETURN_IF_ERROR(Publish());
    VITRINE_RETURN_IF_ERROR(UnwrittenReceipts());
  }
  return absl::OkStatus();
}

absl::Status Indexer::UnwrittenReceipts() const {
  if (unwritten_.empty()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "what was read is published, but its last receipts could not be written; "
      "run it again when there is room for them");
}

absl::Status Indexer::Run() {
  const Clock::time_point start = Clock::now();
  follows_ = true;
  if (catalog_ != nullptr) {
    VITRINE_ASSIGN_OR_RETURN(
        watcher_, DirectoryWatcher::Create(catalog_->root(), options_.watch));
    interruptible_ = watcher_.get();
    VITRINE_RETURN_IF_ERROR(Scan());
  }
  while (!stopping_) {
    if (publish_error_.ok() || Clock::now() >= retry_at_) {
      publish_error_ = absl::OkStatus();
      LookAfterSets();
      if (const absl::Status sets = SwitchWhenDue(); !sets.ok()) {
        console_.Warn(
            absl::StrCat("the vector sets stay as they are: ", sets.message()));
      }
      if (stopping_) break;
      if (publish_error_.ok()) {
        queue_.Resume();
        ProcessWork();
      }
      ApplyRemovals(queue_.size() == 0);
      if (publish_error_.ok()) Publish().IgnoreError();
    }
    VITRINE_RETURN_IF_ERROR(OpenQueueWhenDue());
    // No events are taken while a scan is due.
    const bool idle =
        publish_error_.ok() && queue_.size() == 0 && events_.pictures() == 0;
    if (rescan_due_ && idle && !outage_ && !DeletionsGoOn()) {
      rescan_due_ = false;
      const absl::Status scanned = Scan();
      // The watcher asks again once the catalogue is back.
      if (!scanned.ok()) console_.Warn(std::string(scanned.message()));
      continue;
    }
    if (!first_pass_over_ && idle) {
      first_pass_over_ = true;
      UpdateStatus();
      summary_.wall_s = SecondsBetween(start, Clock::now());
      summary_.ingest = ingest_->stats();
      TellSummary();
      if (catalog_ != nullptr) {
        console_.Line(absl::StrCat("watching ", catalog_->root().string()));
      }
      if (reader_ != nullptr) {
        console_.Line(absl::StrCat("reading ", options_.queue->Name()));
      }
    }
    // Told during bulk work, which has taken the interruption.
    if (stopping_) break;
    VITRINE_RETURN_IF_ERROR(WaitForChanges());
  }
  interruptible_ = nullptr;
  VITRINE_RETURN_IF_ERROR(Publish());
  // What is not acknowledged in time comes again, and is known then.
  if (reader_ != nullptr) reader_->Flush(kFlushPatience.count());
  console_.Line("stopped; all that was read is published");
  return absl::OkStatus();
}

absl::Status Indexer::WaitForChanges() {
  if (watcher_ == nullptr && reader_ == nullptr) {
    // A repair that could not be published is tried again.
    std::this_thread::sleep_for(kDrainLook);
    return absl::OkStatus();
  }
  if (watcher_ == nullptr) {
    reader_->Wait(MillisecondsToWait(), /*for_entries=*/publish_error_.ok());
    return absl::OkStatus();
  }
  VITRINE_ASSIGN_OR_RETURN(const WatchBatch changes,
                           watcher_->Next(MillisecondsToWait()));
  Follow(changes);
  TakeSettled(/*all=*/false);
  return absl::OkStatus();
}

int64_t Indexer::Waiting() const {
  return static_cast<int64_t>(queue_.size() + events_.pictures() +
                              lost_products_.size()) +
         (reader_ == nullptr ? 0 : reader_->waiting());
}

void Indexer::ProcessWork() {
  TakeEvents();
  const int64_t waiting = Waiting();
  if (waiting == 0) return;
  const bool bulk = waiting >= kBulkPictures;
  bulk_done_ = bulk_refused_ = 0;
  last_publication_ = last_look_ = Clock::now();
  // A merge would publish what the repair has still to mend.
  if (bulk && !repairing_) merger_->SetLimits(BulkMergeLimits(options_.merge));
  bool events_first = false;
  ingest_->Process(
      [this, &events_first]() -> std::optional<PictureTask> {
        if (switching_) return events_.Take();
        if (queue_.paused()) return std::nullopt;
        // Neither source waits for the other.
        events_first = !events_first;
        auto task = events_first ? events_.Take() : queue_.Take();
        if (!task) task = events_first ? queue_.Take() : events_.Take();
        return task;
      },
      [this](PictureResult result) { Take(std::move(result)); });
  if (bulk) {
    console_.EndProgress();
    if (!repairing_) merger_->SetLimits(limits_after_bulk_);
  }
  bulk_done_ = 0;
}

void Indexer::Take(PictureResult result) {
  const size_t receipts = draft_->receipts.size();
  int64_t arrived_unix_ms = 0;
  if (result.task.event_picture) {
    if (auto event = events_.Finish(std::move(result))) {
      arrived_unix_ms = UnixMsOfEntry(event->entry);
      ApplyEvent(*std::move(event));
    }
  } else {
    const auto work = queue_.Finish(result.task);
    if (!work) return;
    arrived_unix_ms = work->arrived_unix_ms;
    batch_->Apply(work->picture, std::move(result), work->warnings,
                  NowUnixMs());
  }
  for (size_t i = receipts; i < draft_->receipts.size(); ++i) {
    v1::Receipt& receipt = draft_->receipts[i];
    if (arrived_unix_ms != 0) {
      *receipt.mutable_arrived_at() =
          google::protobuf::util::TimeUtil::MillisecondsToTimestamp(
              arrived_unix_ms);
    }
    if (receipt.outcome() != v1::Receipt::OUTCOME_REFUSED) continue;
    ++bulk_refused_;
    console_.Line(absl::StrCat(
        "refused ", receipt.path(),
        receipt.product_id().empty()
            ? ""
            : absl::StrCat(" of product '", receipt.product_id(), "'"),
        ": ", receipt.message()));
  }
  TakeEvents();
  ++bulk_done_;
  const int64_t total = bulk_done_ + Waiting();
  if (total >= kBulkPictures) {
    console_.Progress(bulk_done_, total, bulk_refused_);
  }
  if (Clock::now() - last_look_ > kLookInterval) {
    last_look_ = Clock::now();
    if (watcher_ != nullptr) {
      const auto changes = watcher_->Next(0);
      if (changes.ok()) Follow(*changes);
      TakeSettled(/*all=*/false);
      if (TableIsDue()) ScanForTable();
    }
    LookAfterSets();
    if (follows_ && SwitchIsDue()) switching_ = true;
  }
  if (PublicationDue()) {
    ApplyRemovals(/*all_in=*/false);
    if (!Publish().ok()) queue_.Pause();
  }
}

}  // namespace vitrine
