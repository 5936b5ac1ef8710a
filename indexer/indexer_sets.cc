// How the indexer goes over to another model: the set of that is filled beside
// the serving one, and takes its place in one generation.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "indexer/indexer.h"

namespace vitrine {
namespace {

// A set that lacks no more is brought up to date while fresh pictures wait.
constexpr uint64_t kFewMissing = 64;
constexpr std::chrono::seconds kAfterFailure(30);

}  // namespace

void Indexer::StartFilling() {
  filler_.reset();
  const IndexView view = publisher()->view();
  if (view.other == nullptr) return;
  SetFillerOptions options;
  options.load = [this, set = view.other->set()] {
    return LoadModelOf(set, publisher()->paths(), options_.index);
  };
  options.catalog_root = options_.catalog.root;
  if (catalog_ != nullptr) {
    options.catalog_identity = catalog_->root_identity();
  }
  options.queue_files = QueueFiles();
  options.decode_threads = options_.decode_threads;
  options.batch = options_.batch;
  options.report = [this](const std::string& line) { console_.Line(line); };
  options.on_published = [this] { WakeMerger(); };
  options.on_complete = [this] {
    if (DirectoryWatcher* watcher = interruptible_) watcher->Interrupt();
    if (QueueReader* reader = wakeable_) reader->Wake();
  };
  options.stop = [this] { return stopping_.load(); };
  filler_ = std::make_unique<SetFiller>(publisher(), std::move(options));
}

bool Indexer::SwitchIsDue() {
  const IndexView view = publisher()->view();
  if (view.other == nullptr || filler_ == nullptr || repairing_ || stopping_ ||
      view.missing() > kFewMissing || Clock::now() < switch_after_) {
    return false;
  }
  // Without its graph, it would scan where the one that serves walks.
  uint64_t flat_rows = 0;
  for (const LiveShard& live : view.other->shards()) {
    if (live.shard->graph() != nullptr) continue;
    flat_rows += live.shard->rows() - live.dead.Count();
  }
  const bool has_graphs = flat_rows < options_.merge.graph_rows;
  const storage::VectorSet& set = view.other->set();
  if (set.state() == storage::VectorSet::STATE_BUILDING &&
      !set.promote_manually() && has_graphs) {
    return true;
  }
  for (const ControlRequest& request : requests_) {
    if (request.kind == ControlRequest::kServe && request.set == set.id()) {
      return true;
    }
  }
  return false;
}

absl::Status Indexer::SwitchWhenDue() {
  if (!switching_ && !SwitchIsDue()) return absl::OkStatus();
  // What is half read is read to its end with the model that it began with.
  switching_ = events_.pictures() > 0;
  if (switching_) return absl::OkStatus();
  absl::Status switched = SwitchSets();
  if (!switched.ok()) switch_after_ = Clock::now() + kAfterFailure;
  return switched;
}

absl::Status Indexer::SwitchSets() {
  VITRINE_RETURN_IF_ERROR(Publish());
  const IndexView before = publisher()->view();
  if (before.other == nullptr || filler_ == nullptr) return absl::OkStatus();
  absl::Status filled = filler_->Finish([this] { return stopping_.load(); });
  if (absl::IsCancelled(filled)) return absl::OkStatus();
  if (!filled.ok()) {
    AnswerRequests(ControlRequest::kServe, before.other->set().id(), filled);
    return filled;
  }
  // A model of its own, as that of the filler is of low priority.
  VITRINE_ASSIGN_OR_RETURN(
      std::unique_ptr<Embedder> embedder,
      LoadModelOf(before.other->set(), publisher()->paths(), options_.index));
  const bool keep = options_.keep_previous_ms > 0;
  const storage::VectorSet& then = before.snapshot->set();
  // Sets are numbered in the order of their begin. Noted before the switch, so
  // that no crash brings back what was rolled back.
  const bool rolls_back = before.other->set().id() < then.id();
  absl::Status noted;
  if (rolls_back) noted = DeclineModel(publisher()->paths(), then.model());
  const absl::StatusOr<Publication> published = publisher()->SwitchSets(keep);
  if (!published.ok()) {
    if (rolls_back)
      noted.Update(AcceptModel(publisher()->paths(), then.model()));
    if (!noted.ok()) TellUnnoted(noted);
    return published.status();
  }
  filler_.reset();
  const ModelCard card = embedder->card();
  ingest_ = MakeIngest(std::move(embedder));
  published_stats_ = {};
  BeginBatch();
  if (keep) StartFilling();
  WakeMerger();
  const storage::VectorSet& now = publisher()->view().snapshot->set();
  noted.Update(AcceptModel(publisher()->paths(), now.model()));
  if (!noted.ok()) TellUnnoted(noted);
  console_.Line(absl::StrCat(
      "generation ", published->generation, " serves model ", card.name, " ",
      card.version, " (", now.model().substr(0, 12), "); ",
      keep ? absl::StrCat("model ", then.model().substr(0, 12),
                          " is kept up to date for ",
                          options_.keep_previous_ms / 3'600'000,
                          " h: `vitrine ", rolls_back ? "promote" : "rollback",
                          " --index=", options_.index.root.string(),
                          "` returns to it")
           : "the one before is not kept"));
  AnswerRequests(ControlRequest::kServe, now.id(), absl::OkStatus());
  return absl::OkStatus();
}

void Indexer::TellUnnoted(const absl::Status& status) {
  console_.Warn(absl::StrCat(
      "which model was rolled back could not be noted: take it out of --model, "
      "or a restart may build it again: ",
      status.message()));
}

void Indexer::GiveUpOtherSet() {
  const IndexView view = publisher()->view();
  const absl::Status status = publisher()->DropOtherSet().status();
  if (status.ok()) {
    filler_.reset();
    console_.Line(absl::StrCat("the vectors of model ",
                               view.other->set().model(), " are given up"));
  } else {
    switch_after_ = Clock::now() + kAfterFailure;
    console_.Warn(absl::StrCat(
        "the vectors of model ", view.other->set().model(),
        " could not be given up, which is tried again: ", status.message()));
  }
  AnswerRequests(ControlRequest::kGiveUp, view.other->set().id(), status);
}

void Indexer::Answer(const ControlRequest& request,
                     const absl::Status& status) {
  const ControlAnswer answer = {status,
                                publisher()->view().snapshot->generation()};
  const absl::Status answered =
      AnswerRequest(publisher()->paths(), request, answer);
  if (answered.ok()) return;
  console_.Warn(
      absl::StrCat("a request was carried out, and its answer could "
                   "not be written, which is tried again: ",
                   answered.message()));
  unanswered_[request.name] = answer;
}

void Indexer::AnswerRequests(ControlRequest::Kind kind, uint64_t set,
                             const absl::Status& status) {
  std::erase_if(requests_, [&](const ControlRequest& request) {
    if (request.kind != kind || request.set != set) return false;
    Answer(request, status);
    return true;
  });
}

void Indexer::LookAfterSets() {
  const Clock::time_point now = Clock::now();
  if (now - last_requests_ < kRequestInterval) return;
  last_requests_ = now;
  UpdateStatus();
  // Filling and merging bring no receipts that would let generations go.
  if (unwritten_.empty()) publisher()->RemoveExpired();
  requests_ = TakeRequests(publisher()->paths());
  std::erase_if(requests_, [this](const ControlRequest& request) {
    const auto done = unanswered_.find(request.name);
    if (done == unanswered_.end()) return false;
    if (AnswerRequest(publisher()->paths(), request, done->second).ok()) {
      unanswered_.erase(done);
    }
    return true;
  });
  bool asked_for = false;
  for (const ControlRequest& request : std::vector(requests_)) {
    const IndexView view = publisher()->view();
    const bool serves = request.set == view.snapshot->set().id();
    const bool is_other =
        view.other != nullptr && request.set == view.other->set().id();
    if (request.kind == ControlRequest::kServe && is_other) {
      asked_for = true;
    } else if (is_other) {
      const absl::Status noted =
          DeclineModel(publisher()->paths(), view.other->set().model());
      if (!noted.ok()) TellUnnoted(noted);
      GiveUpOtherSet();
    } else {
      // It is gone, or serves already.
      const bool done = serves == (request.kind == ControlRequest::kServe);
      AnswerRequests(request.kind, request.set,
                     done ? absl::OkStatus()
                          : absl::FailedPreconditionError(
                                absl::StrCat("vector set ", request.set,
                                             serves ? " serves" : " is gone",
                                             "; see `vitrine describe`")));
    }
  }
  const IndexView view = publisher()->view();
  if (view.other != nullptr && !asked_for && now >= switch_after_ &&
      view.other->set().state() == storage::VectorSet::STATE_RETAINED &&
      publisher()->NowUnixMs() - view.other->set().state_since_unix_ms() >=
          options_.keep_previous_ms) {
    GiveUpOtherSet();
  }
}

}  // namespace vitrine
