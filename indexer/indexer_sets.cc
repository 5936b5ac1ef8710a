// How the indexer goes over to another model: the set of that is filled beside
// the serving one, and takes its place in one generation.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/catalog/catalog_folder.h"
#include "indexer/indexer.h"

namespace vitrine {
namespace {

// A set that lacks no more is brought up to date while fresh pictures wait.
constexpr uint64_t kFewMissing = 64;
constexpr std::chrono::seconds kAfterFailure(30);

}  // namespace

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

void Indexer::StartFilling(std::unique_ptr<Embedder> embedder) {
  filler_.reset();
  if (embedder == nullptr || publisher()->view().other == nullptr) return;
  SetFillerOptions options;
  options.catalog_root = options_.catalog.root;
  options.queue_files = QueueFiles();
  options.decode_threads = options_.decode_threads;
  options.batch = options_.batch;
  options.report = [this](const std::string& line) { console_.Line(line); };
  options.on_complete = [this] {
    if (DirectoryWatcher* watcher = interruptible_) watcher->Interrupt();
    if (QueueReader* reader = wakeable_) reader->Wake();
  };
  filler_ = std::make_unique<SetFiller>(publisher(), std::move(embedder),
                                        std::move(options));
}

bool Indexer::SwitchIsDue() {
  const IndexView view = publisher()->view();
  if (view.other == nullptr || filler_ == nullptr || repairing_ || stopping_ ||
      view.missing() > kFewMissing || Clock::now() < switch_after_) {
    return false;
  }
  const storage::VectorSet& set = view.other->set();
  if (set.state() == storage::VectorSet::STATE_BUILDING &&
      !set.promote_manually()) {
    return true;
  }
  for (const ControlRequest& request : requests_) {
    if (request.kind == ControlRequest::kServe && request.set == set.id()) {
      return true;
    }
  }
  return false;
}

absl::Status Indexer::SwitchSets() {
  VITRINE_RETURN_IF_ERROR(Publish());
  VITRINE_RETURN_IF_ERROR(filler_->Finish([this] { return stopping_.load(); }));
  const std::string before = publisher()->view().snapshot->set().model();
  const bool keep = options_.keep_previous_ms > 0;
  VITRINE_ASSIGN_OR_RETURN(const Publication published,
                           publisher()->SwitchSets(keep));
  std::unique_ptr<Embedder> embedder = std::move(*filler_).TakeEmbedder();
  filler_.reset();
  const ModelCard card = embedder->card();
  std::unique_ptr<Embedder> previous = std::move(*ingest_).TakeEmbedder();
  ingest_ = MakeIngest(std::move(embedder));
  published_stats_ = {};
  BeginBatch();
  if (keep) StartFilling(std::move(previous));
  merger_->Wake();
  const storage::VectorSet& set = publisher()->view().snapshot->set();
  console_.Line(absl::StrCat(
      "generation ", published.generation, " serves model ", card.name, " ",
      card.version, " (", set.model().substr(0, 12), "); ",
      keep ? absl::StrCat(
                 "model ", before.substr(0, 12), " is kept up to date for ",
                 options_.keep_previous_ms / 3'600'000,
                 " h: `vitrine rollback --index=", options_.index.root.string(),
                 "` returns to it")
           : "the one before is not kept"));
  AnswerRequests(ControlRequest::kServe, set.id(), absl::OkStatus());
  return absl::OkStatus();
}

void Indexer::GiveUpOtherSet() {
  const IndexView view = publisher()->view();
  filler_.reset();
  const absl::Status status = publisher()->DropOtherSet().status();
  console_.Line(status.ok()
                    ? absl::StrCat("the vectors of model ",
                                   view.other->set().model(), " are given up")
                    : std::string(status.message()));
  AnswerRequests(ControlRequest::kGiveUp, view.other->set().id(), status);
}

void Indexer::AnswerRequests(ControlRequest::Kind kind, uint64_t set,
                             const absl::Status& status) {
  std::erase_if(requests_, [&](const ControlRequest& request) {
    if (request.kind != kind || request.set != set) return false;
    const absl::Status answered =
        AnswerRequest(publisher()->paths(), request,
                      {status, publisher()->view().snapshot->generation()});
    if (!answered.ok()) console_.Line(std::string(answered.message()));
    return true;
  });
}

absl::Status Indexer::CareForSets() {
  const Clock::time_point now = Clock::now();
  if (now - last_requests_ >= kRequestInterval) {
    last_requests_ = now;
    requests_ = TakeRequests(publisher()->paths());
    // Filling and merging bring no receipts that would let generations go.
    if (unwritten_.empty()) publisher()->RemoveExpired();
  }
  IndexView view = publisher()->view();
  // Of sets that are gone, or serve already.
  for (const ControlRequest& request : std::vector(requests_)) {
    const bool serves = request.set == view.snapshot->set().id();
    const bool is_other =
        view.other != nullptr && request.set == view.other->set().id();
    if (request.kind == ControlRequest::kGiveUp && is_other) {
      GiveUpOtherSet();
      view = publisher()->view();
    } else if (!is_other) {
      const bool done = serves == (request.kind == ControlRequest::kServe);
      AnswerRequests(request.kind, request.set,
                     done ? absl::OkStatus()
                          : absl::FailedPreconditionError(
                                absl::StrCat("vector set ", request.set,
                                             serves ? " serves" : " is gone",
                                             "; see `vitrine describe`")));
    }
  }
  if (SwitchIsDue()) {
    const absl::Status switched = SwitchSets();
    if (!switched.ok()) switch_after_ = Clock::now() + kAfterFailure;
    return switched;
  }
  if (view.other != nullptr &&
      view.other->set().state() == storage::VectorSet::STATE_RETAINED &&
      publisher()->NowUnixMs() - view.other->set().state_since_unix_ms() >=
          options_.keep_previous_ms) {
    GiveUpOtherSet();
  }
  return absl::OkStatus();
}

absl::Status Indexer::FinishSets() {
  if (stopping_) return absl::OkStatus();
  if (filler_ != nullptr) {
    const absl::Status filled =
        filler_->Finish([this] { return stopping_.load(); });
    if (absl::IsCancelled(filled)) return absl::OkStatus();
    VITRINE_RETURN_IF_ERROR(filled);
  }
  last_requests_ = {};
  return CareForSets();
}

}  // namespace vitrine
