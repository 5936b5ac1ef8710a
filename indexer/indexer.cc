#include "indexer/indexer.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/catalog/catalog_folder.h"
#include "common/index/manifest.h"
#include "indexer/receipt_recovery.h"

namespace vitrine {
namespace {

constexpr int64_t kBulkPictures = 32;
// What a repair has lost is read again before anything is published, so that no
// server has less in between; up to so many pictures, which memory holds.
constexpr size_t kRepairedRows = 50'000;
constexpr std::chrono::milliseconds kLookInterval(100);
// A file that never stops growing is taken as it is.
constexpr std::chrono::seconds kSettlePatience(30);

double SecondsBetween(std::chrono::steady_clock::time_point from,
                      std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::string DescribeCounts(const PictureCounts& counts) {
  std::string text;
  auto add = [&text](int64_t n, const char* what) {
    if (n == 0) return;
    absl::StrAppend(&text, text.empty() ? "" : ", ", WithThousands(n), " ",
                    what);
  };
  add(counts.accepted, "accepted");
  add(counts.changed, "changed");
  add(counts.removed, "removed");
  add(counts.refused, "refused");
  add(counts.unchanged, "unchanged");
  return text.empty() ? "no change of pictures" : text;
}

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
  // The threads use what stands before them.
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
  std::unique_ptr<Indexer> indexer(new Indexer(std::move(options)));
  VITRINE_RETURN_IF_ERROR(indexer->CheckLayout(known));
  VITRINE_RETURN_IF_ERROR(indexer->Open());
  return indexer;
}

absl::Status Indexer::Open() {
  std::error_code error;
  if (std::filesystem::equivalent(options_.catalog.root, options_.index.root,
                                  error)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--index and --catalog are the same folder, ",
        options_.index.root.string(), "; give the index one of its own"));
  }
  VITRINE_ASSIGN_OR_RETURN(catalog_, Catalog::Open(options_.catalog));
  VITRINE_ASSIGN_OR_RETURN(index_, OpenIndexForWriting(options_.index));
  VITRINE_ASSIGN_OR_RETURN(
      receipts_, ReceiptLog::Open(index_.publisher->paths().receipts()));

  const storage::VectorSet& set = publisher()->view().snapshot->serving();
  console_.Line(absl::StrCat(
      "catalogue ", catalog_->root().string(), " (layout ",
      std::string(LayoutName(catalog_->layout())), ") → index ",
      options_.index.root.string(), " (model ", index_.embedder->card().name,
      " ", index_.embedder->card().version, ", ",
      std::string(MetricName(set.metric())), ")"));
  IngestOptions ingest;
  ingest.read = [root = catalog_->root()](const std::string& path,
                                          uint64_t max_bytes) {
    return ReadBeneath(root, path, max_bytes);
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
      options_.batch > 0 ? options_.batch : index_.embedder->preferred_batch();
  ingest_ =
      std::make_unique<Ingest>(std::move(index_.embedder), std::move(ingest));
  merger_ = std::make_unique<Merger>(
      publisher(), options_.merge, [this](const absl::Status& status) {
        console_.Line(absl::StrCat("a merge failed and is tried again later: ",
                                   status.message()));
      });
  for (const std::string& finding : index_.findings) {
    console_.Line(absl::StrCat("damaged: ", finding));
  }
  repairing_ = options_.index.repair;
  BeginBatch(std::move(index_.mend));
  if (!repairing_) WriteLostReceipts();
  return absl::OkStatus();
}

void Indexer::WriteLostReceipts() {
  auto lost = LostReceipts(publisher()->paths(), publisher()->view(),
                           *receipts_, "directory");
  if (!lost.ok()) {
    console_.Line(
        absl::StrCat("whether an earlier run owes receipts cannot be "
                     "told: ",
                     lost.status().message()));
    return;
  }
  if (lost->empty()) return;
  unwritten_ = *std::move(lost);
  console_.Line(
      absl::StrCat("an earlier run ended before it could write ",
                   WithThousands(static_cast<int64_t>(unwritten_.size())),
                   " receipts of what it had published; they are written now"));
  AppendReceipts({});
}

void Indexer::Stop() {
  stopping_ = true;
  queue_.Pause();
  if (DirectoryWatcher* watcher = interruptible_) watcher->Interrupt();
}

absl::Status Indexer::RunOnce() {
  const Clock::time_point start = Clock::now();
  // What is merged before the last rows are in would be merged again with them.
  limits_after_bulk_ = BulkMergeLimits();
  VITRINE_RETURN_IF_ERROR(Scan());
  ProcessQueue();
  while (settled_.waiting() > 0 && !stopping_ && publish_error_.ok()) {
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::max<int64_t>(1, MillisecondsToWait())));
    TakeSettled(/*all=*/Clock::now() - start > kSettlePatience);
    ProcessQueue();
  }
  VITRINE_RETURN_IF_ERROR(publish_error_);
  if (!stopping_) ApplyRemovals(/*all_in=*/true);
  VITRINE_RETURN_IF_ERROR(Publish());
  merger_.reset();
  const Clock::time_point settling = Clock::now();
  if (!stopping_) {
    // What a stop leaves undone the next run merges.
    const absl::Status settled =
        SettleMerges(publisher(), SettledMergeLimits(options_.merge),
                     AvailableCores(), [this] { return stopping_.load(); });
    if (!absl::IsCancelled(settled)) {
      VITRINE_RETURN_IF_ERROR(settled);
    }
  }
  summary_.settle_s = SecondsBetween(settling, Clock::now());
  summary_.wall_s = SecondsBetween(start, Clock::now());
  summary_.ingest = ingest_->stats();
  TellSummary();
  if (!unwritten_.empty()) {
    return absl::ResourceExhaustedError(
        "the index is complete, but its last receipts could not be written");
  }
  if (publisher()->view().sources->segments().empty() && !stopping_) {
    return absl::NotFoundError(absl::StrCat(
        "the catalogue ", catalog_->root().string(),
        " holds no picture; put some there, or name another with --catalog"));
  }
  return absl::OkStatus();
}

absl::Status Indexer::Run() {
  VITRINE_ASSIGN_OR_RETURN(
      watcher_, DirectoryWatcher::Create(catalog_->root(), options_.watch));
  interruptible_ = watcher_.get();
  const Clock::time_point start = Clock::now();
  VITRINE_RETURN_IF_ERROR(Scan());
  bool first = true;
  while (!stopping_) {
    if (publish_error_.ok() || Clock::now() >= retry_at_) {
      publish_error_ = absl::OkStatus();
      queue_.Resume();
      if (stopping_) break;
      ProcessQueue();
      ApplyRemovals(queue_.size() == 0);
      if (publish_error_.ok()) Publish().IgnoreError();
    }
    const bool idle = publish_error_.ok() && queue_.size() == 0;
    if (rescan_due_ && idle && !outage_ && !DeletionsGoOn()) {
      rescan_due_ = false;
      const absl::Status scanned = Scan();
      // The watcher asks again once the catalogue is back.
      if (!scanned.ok()) console_.Line(std::string(scanned.message()));
      continue;
    }
    if (std::exchange(first, false) && idle) {
      summary_.wall_s = SecondsBetween(start, Clock::now());
      summary_.ingest = ingest_->stats();
      TellSummary();
      console_.Line(absl::StrCat("watching ", catalog_->root().string()));
    }
    // Told during bulk work, which has taken the interruption.
    if (stopping_) break;
    VITRINE_ASSIGN_OR_RETURN(const WatchBatch changes,
                             watcher_->Next(MillisecondsToWait()));
    Follow(changes);
    TakeSettled(/*all=*/false);
  }
  interruptible_ = nullptr;
  VITRINE_RETURN_IF_ERROR(Publish());
  console_.Line("stopped; all that was read is published");
  return absl::OkStatus();
}

void Indexer::BeginBatch(IndexChanges changes) {
  batch_ = std::make_unique<PictureBatch>(
      publisher()->view(), "directory",
      [this](std::string_view product_id, std::string_view first_picture) {
        return catalog_->Describe(product_id, first_picture);
      },
      std::move(changes));
}

void Indexer::ProcessQueue() {
  const auto waiting = static_cast<int64_t>(queue_.size());
  if (waiting == 0) return;
  const bool bulk = waiting >= kBulkPictures;
  bulk_done_ = bulk_refused_ = 0;
  last_publication_ = last_look_ = Clock::now();
  // A merge would publish what the repair has still to mend.
  if (bulk && !repairing_) merger_->SetLimits(BulkMergeLimits());
  ingest_->Process([this] { return queue_.Take(); },
                   [this](PictureResult result) { Take(std::move(result)); });
  if (bulk) {
    console_.EndProgress();
    if (!repairing_) merger_->SetLimits(limits_after_bulk_);
  }
  bulk_done_ = 0;
}

void Indexer::Take(PictureResult result) {
  const auto work = queue_.Finish(result.task);
  if (!work) return;
  const int64_t refused = batch_->counts().refused;
  const absl::Status status = result.status;
  batch_->Apply(work->picture, std::move(result), work->warnings, NowUnixMs());
  if (batch_->counts().refused > refused) {
    ++bulk_refused_;
    console_.Line(
        absl::StrCat("refused ", work->picture.path, ": ", status.message()));
  }
  ++bulk_done_;
  const int64_t total = bulk_done_ + static_cast<int64_t>(queue_.size());
  if (total >= kBulkPictures) {
    console_.Progress(bulk_done_, total, bulk_refused_);
  }
  if (watcher_ != nullptr && Clock::now() - last_look_ > kLookInterval) {
    last_look_ = Clock::now();
    if (const auto changes = watcher_->Next(0); changes.ok()) Follow(*changes);
    TakeSettled(/*all=*/false);
  }
  if (PublicationDue()) {
    ApplyRemovals(/*all_in=*/false);
    if (!Publish().ok()) queue_.Pause();
  }
}

bool Indexer::PublicationDue() const {
  if (!publish_error_.ok()) return false;
  if (repairing_) return batch_->rows() >= kRepairedRows;
  return batch_->rows() >= options_.publish_rows ||
         Clock::now() - last_publication_ >=
             std::chrono::milliseconds(options_.publish_ms);
}

absl::Status Indexer::Publish() {
  last_publication_ = Clock::now();
  if (repairing_ && stopping_ && queue_.size() > 0) {
    return absl::AbortedError(
        "the repair was stopped before its end, and nothing has changed; run "
        "it again");
  }
  if (!outage_) batch_->SetPosition(Position());
  if (batch_->empty()) {
    if (!unwritten_.empty()) AppendReceipts({});
    return absl::OkStatus();
  }
  const Clock::time_point start = Clock::now();
  const auto published = publisher()->Publish(batch_->changes());
  const double publish_s = SecondsBetween(start, Clock::now());
  summary_.publish_s += publish_s;
  if (!published.ok()) {
    publish_error_ = published.status();
    retry_at_ = Clock::now() + std::chrono::milliseconds(options_.retry_ms);
    console_.Line(absl::StrCat(
        "nothing could be published, and the index stays as it was: ",
        publish_error_.message()));
    return publish_error_;
  }
  repairing_ = false;
  ++summary_.publications;
  summary_.counts += batch_->counts();
  recent_deletions_.Add(batch_->deleted_products(), NowUnixMs());
  unwritten_.insert(unwritten_.end(), batch_->receipts().begin(),
                    batch_->receipts().end());
  const IngestStats stats = ingest_->stats();
  const PublishedBatch batch = {
      *published, batch_->counts(),
      stats.decode_busy_s - published_stats_.decode_busy_s,
      stats.embed_busy_s - published_stats_.embed_busy_s, publish_s};
  published_stats_ = stats;
  AppendReceipts(*published);
  BeginBatch();
  merger_->Wake();
  TellPublication(batch);
  if (options_.on_published) options_.on_published(batch);
  return absl::OkStatus();
}

void Indexer::AppendReceipts(const Publication& publication) {
  for (v1::Receipt& receipt : unwritten_) {
    if (receipt.generation() != 0) continue;
    receipt.set_generation(publication.generation);
    if (receipt.outcome() == v1::Receipt::OUTCOME_REFUSED) continue;
    receipt.mutable_searchable_at()->set_seconds(publication.published_unix_ms /
                                                 1000);
    receipt.mutable_searchable_at()->set_nanos(
        static_cast<int32_t>(publication.published_unix_ms % 1000 * 1'000'000));
  }
  const absl::Status status = receipts_->Append(unwritten_);
  if (status.ok()) {
    unwritten_.clear();
  } else {
    console_.Line(
        absl::StrCat("receipts wait to be written: ", status.message()));
  }
}

void Indexer::TellPublication(const PublishedBatch& batch) {
  // During bulk work, progress tells enough.
  if (bulk_done_ + static_cast<int64_t>(queue_.size()) >= kBulkPictures) return;
  console_.Line(absl::StrFormat(
      "generation %d: %s; decoding took %.0f ms, embedding %.0f ms, "
      "publishing %.0f ms",
      batch.publication.generation, DescribeCounts(batch.counts),
      batch.decode_s * 1000, batch.embed_s * 1000, batch.publish_s * 1000));
}

void Indexer::TellSummary() {
  const PictureCounts& counts = summary_.counts;
  const IndexView view = publisher()->view();
  console_.Line(absl::StrFormat(
      "%s in %.1f s; %s pictures searchable in generation %d",
      DescribeCounts(counts), summary_.wall_s,
      WithThousands(static_cast<int64_t>(view.snapshot->images())),
      view.snapshot->generation()));
  const IngestStats& ingest = summary_.ingest;
  if (ingest.embedded == 0) return;
  const auto embedded = static_cast<double>(ingest.embedded);
  console_.Line(absl::StrFormat(
      "%s embedded, %.1f/s; busy: decoding %.1f s on %d threads, embedding "
      "%.1f s (batches of %.1f), publishing %.2f s in %d generations, merging "
      "at the end %.1f s",
      WithThousands(ingest.embedded), embedded / summary_.wall_s,
      ingest.decode_busy_s, options_.decode_threads, ingest.embed_busy_s,
      embedded / static_cast<double>(ingest.batches), summary_.publish_s,
      summary_.publications, summary_.settle_s));
}

}  // namespace vitrine
