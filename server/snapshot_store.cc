#include "server/snapshot_store.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/index/index_files.h"
#include "common/index/manifest.h"
#include "common/model/stored_trial.h"
#include "server/call.h"

namespace vitrine {
namespace {

// A generation that did not open is tried again after this, since a network
// file system may have shown a part of it only.
constexpr std::chrono::seconds kRetryAfter(2);
// So does a set that does not serve.
constexpr std::chrono::seconds kRetryOther(10);
// And after so many times the time that it took: a large file that is damaged
// is read to its end each time.
constexpr int kRestOfRetries = 10;

bool SameBlocks(const std::vector<Block>& a, const std::vector<Block>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Block& x, const Block& y) {
                      return x.name == y.name && x.dim == y.dim &&
                             x.weight == y.weight;
                    });
}

std::string Describe(const std::vector<Block>& blocks) {
  std::string text;
  for (const Block& block : blocks) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", block.name, " ", block.dim,
                    " at ", block.weight);
  }
  return text;
}

// The set that a generation serves.
absl::StatusOr<storage::VectorSet> SetOf(const IndexPaths& paths,
                                         uint64_t generation) {
  VITRINE_ASSIGN_OR_RETURN(const storage::Manifest manifest,
                           ReadManifest(paths, generation));
  VITRINE_ASSIGN_OR_RETURN(const storage::VectorSet* const set,
                           ServingSet(manifest));
  return *set;
}

}  // namespace

SnapshotStore::SnapshotStore(SnapshotStoreOptions options)
    : options_(std::move(options)),
      paths_(options_.cache != nullptr ? options_.cache->paths()
                                       : options_.paths),
      scrubber_(options_.log) {
  // Without inotify (a full table of watches) the poll still finds everything.
  inotify_fd_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  stop_fd_ = ::eventfd(0, EFD_CLOEXEC);
}

void SnapshotStore::Start() {
  if (options_.cache == nullptr ||
      (options_.await_cache && options_.cache->IsEmpty())) {
    Refresh();
  } else {
    OpenNew();  // What is here is served before anything is copied.
  }
  thread_ = std::thread([this] { Watch(); });
}

SnapshotStore::~SnapshotStore() {
  stopping_ = true;
  const uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(stop_fd_, &one, sizeof(one));
  if (thread_.joinable()) thread_.join();
  ::close(stop_fd_);
  if (inotify_fd_ >= 0) ::close(inotify_fd_);
}

absl::StatusOr<std::shared_ptr<const Serving>> SnapshotStore::Take() const {
  std::lock_guard lock(mutex_);
  if (serving_ != nullptr) return serving_;
  return MakeError(absl::StatusCode::kUnavailable,
                   v1::ERROR_REASON_INDEX_NOT_READY,
                   absl::StrCat("no index is open yet: ", shown_.message()), {},
                   std::nullopt, /*retry_after_ms=*/1000);
}

std::string SnapshotStore::degraded() const {
  std::lock_guard lock(mutex_);
  if (serving_ == nullptr) return "";
  return std::string(
      (shown_.ok() ? serving_->snapshot().CheckFiles() : shown_).message());
}

void SnapshotStore::Watch() {
  while (true) {
    if (inotify_fd_ >= 0) {
      // Watching again what is watched changes nothing, and a folder that has
      // come or was replaced is found.
      ::inotify_add_watch(inotify_fd_, options_.paths.manifests().c_str(),
                          IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE);
    }
    Refresh();
    pollfd fds[] = {{stop_fd_, POLLIN, 0}, {inotify_fd_, POLLIN, 0}};
    ::poll(fds, inotify_fd_ >= 0 ? 2 : 1, options_.poll_ms);
    if (fds[0].revents != 0) return;
    if (fds[1].revents != 0) {
      alignas(inotify_event) char events[4096];
      while (::read(inotify_fd_, events, sizeof(events)) > 0) {
      }
    }
  }
}

void SnapshotStore::Refresh() {
  if (options_.cache != nullptr) Fetch();
  OpenNew();
}

void SnapshotStore::Fetch() {
  const storage::Manifest* const served =
      serving_ == nullptr ? nullptr : &serving_->snapshot().manifest();
  const bool doubtful =
      std::chrono::steady_clock::now() >= retry_at_ &&
      (absl::IsDataLoss(trouble_) ||
       (serving_ != nullptr && !serving_->snapshot().CheckFiles().ok()));
  absl::Status lag = options_.cache->Update(
      served, doubtful, [this] { return stopping_.load(); });
  if (lag == lag_ || stopping_) return;
  lag_ = std::move(lag);
  Settle(trouble_);
}

absl::Status SnapshotStore::NothingYet() const {
  if (options_.cache == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("no generation has been published in ",
                     options_.paths.manifests().string()));
  }
  if (!lag_.ok()) return lag_;
  return absl::UnavailableError(
      absl::StrCat("the index ", options_.paths.root.string(),
                   " is being copied to ", paths_.root.string()));
}

void SnapshotStore::OpenNew() {
  auto generations = ListGenerations(paths_);
  if (!generations.ok()) {
    tried_ = 0;
    Settle(generations.status());
    return;
  }
  if (generations->empty()) {
    tried_ = 0;
    Settle(NothingYet());
    return;
  }
  const uint64_t newest = generations->back();
  const auto file = FileStateOf(paths_.manifest(newest));
  const auto now = std::chrono::steady_clock::now();
  AttachOther();
  const absl::Status damage = serving_ == nullptr
                                  ? absl::OkStatus()
                                  : serving_->snapshot().CheckFiles();
  if (newest == tried_ && file == tried_file_ &&
      (trouble_.ok() ? damage.ok() : now < retry_at_)) {
    return;
  }
  tried_ = newest;
  tried_file_ = file;
  std::shared_ptr<const Serving> next;
  const absl::Status trouble = OpenNewest(newest, damage, &next);
  Settle(trouble, next, MillisecondsSince(now));
  if (next != nullptr && options_.cache != nullptr) {
    const absl::Status kept = options_.cache->Keep(next->snapshot().manifest());
    if (!kept.ok() && options_.log) options_.log(absl::StrCat(kept.message()));
  }
  if (options_.on_reload && (next != nullptr || !trouble.ok())) {
    options_.on_reload(
        {trouble, next != nullptr, MillisecondsSince(now) / 1000});
  }
  const auto ended = std::chrono::steady_clock::now();
  retry_at_ = ended + std::max<std::chrono::steady_clock::duration>(
                          kRetryAfter, kRestOfRetries * (ended - now));
}

absl::Status SnapshotStore::OpenNewest(uint64_t newest,
                                       const absl::Status& damage,
                                       std::shared_ptr<const Serving>* next) {
  const std::shared_ptr<const Serving> previous = serving_;
  // At the start the model takes longer than all else, and goes on beside it.
  if (previous == nullptr) {
    if (const auto set = SetOf(paths_, newest); set.ok()) {
      StartLoading(*set);
    }
  }
  // What a scrub found once must not be served again until the next scrub.
  const bool doubtful = !damage.ok() || absl::IsDataLoss(trouble_);
  std::string degraded;
  std::vector<const Snapshot*> open;
  for (auto* one = previous.get(); one != nullptr; one = one->other().get()) {
    open.push_back(&one->snapshot());
  }
  VITRINE_ASSIGN_OR_RETURN(
      std::shared_ptr<const Snapshot> snapshot,
      Snapshot::OpenNewest(paths_, open, &degraded,
                           doubtful ? VerifyMode::kAlways : options_.verify));
  absl::Status trouble =
      degraded.empty() ? absl::OkStatus() : absl::DataLossError(degraded);
  // What is damaged makes way for anything that is sound.
  if (previous != nullptr && damage.ok()) {
    const storage::Manifest& served = previous->snapshot().manifest();
    // In the place of a newest that does not open comes only what follows what
    // is served: of another index an earlier one may be all but empty.
    const bool follows = snapshot->generation() >= served.generation() &&
                         snapshot->manifest().index_id() == served.index_id();
    if ((snapshot->generation() < newest && !follows) ||
        snapshot->manifest().SerializeAsString() ==
            previous->snapshot().manifest().SerializeAsString()) {
      return trouble;
    }
  }
  VITRINE_ASSIGN_OR_RETURN(std::shared_ptr<EmbedBatcher> embedder,
                           EmbedderOf(*snapshot, previous.get()));
  std::shared_ptr<const Serving> other = OtherOf(*snapshot, previous.get());
  *next = std::make_shared<const Serving>(
      std::move(snapshot), std::move(embedder), *options_.slots,
      options_.recall_monitor, std::move(other));
  return trouble;
}

absl::StatusOr<std::shared_ptr<EmbedBatcher>> SnapshotStore::EmbedderOf(
    const Snapshot& snapshot, const Serving* previous) {
  const std::string& model = snapshot.set().model();
  if (auto open = OpenEmbedder(model, previous)) return open;
  absl::StatusOr<std::unique_ptr<Embedder>> loaded =
      absl::NotFoundError("no model was loaded");
  // One at a time, be it that of a generation that does not open.
  if (loading_.valid()) loaded = loading_.get();
  if (!loaded.ok() || loading_model_ != model) {
    loaded = LoadModelOf(snapshot.set());
  }
  VITRINE_RETURN_IF_ERROR(loaded.status());
  return EmbedderFor(snapshot, *std::move(loaded));
}

std::shared_ptr<EmbedBatcher> SnapshotStore::OpenEmbedder(
    const std::string& model, const Serving* previous) {
  for (; previous != nullptr; previous = previous->other().get()) {
    if (previous->snapshot().set().model() == model) {
      return previous->shared_embedder();
    }
  }
  return nullptr;
}

std::shared_ptr<const Serving> SnapshotStore::OtherOf(const Snapshot& snapshot,
                                                      const Serving* previous) {
  const storage::VectorSet* const set = OtherSet(snapshot.manifest());
  if (set == nullptr) return nullptr;
  if (std::chrono::steady_clock::now() < other_retry_at_) return nullptr;
  auto fail = [&](const absl::Status& status) {
    other_retry_at_ = std::chrono::steady_clock::now() + kRetryOther;
    const std::string trouble = absl::StrCat(
        "model ", set->model(), " cannot be asked for: ", status.message());
    if (options_.log && trouble != other_trouble_) options_.log(trouble);
    other_trouble_ = trouble;
    return nullptr;
  };
  std::shared_ptr<EmbedBatcher> embedder = OpenEmbedder(set->model(), previous);
  const bool is_loaded =
      loading_.valid() && loading_model_ == set->model() &&
      loading_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  if (embedder == nullptr && !is_loaded) {
    StartLoading(*set);
    return nullptr;
  }
  std::vector<const Snapshot*> open = {&snapshot};
  for (auto* one = previous; one != nullptr; one = one->other().get()) {
    open.push_back(&one->snapshot());
  }
  auto opened = Snapshot::Open(paths_, snapshot.manifest(), open,
                               options_.verify, set->id());
  if (!opened.ok()) return fail(opened.status());
  if (embedder == nullptr) {
    auto loaded = loading_.get();
    if (!loaded.ok()) return fail(loaded.status());
    auto fitting = EmbedderFor(**opened, *std::move(loaded));
    if (!fitting.ok()) return fail(fitting.status());
    embedder = *std::move(fitting);
  }
  return std::make_shared<const Serving>(*std::move(opened),
                                         std::move(embedder), *options_.slots);
}

void SnapshotStore::StartLoading(const storage::VectorSet& set) {
  const bool is_stale =
      loading_.valid() && loading_model_ != set.model() &&
      loading_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  if (is_stale) loading_ = {};
  if (loading_.valid()) return;
  loading_model_ = set.model();
  loading_ =
      std::async(std::launch::async, [this, set] { return LoadModelOf(set); });
}

void SnapshotStore::AttachOther() {
  const std::shared_ptr<const Serving> now = serving_;
  if (now == nullptr || now->other() != nullptr ||
      OtherSet(now->snapshot().manifest()) == nullptr) {
    return;
  }
  auto other = OtherOf(now->snapshot(), now.get());
  if (other == nullptr) return;
  const auto next = std::make_shared<const Serving>(
      now->shared_snapshot(), now->shared_embedder(), *options_.slots,
      options_.recall_monitor, std::move(other));
  std::lock_guard lock(mutex_);
  serving_ = next;
}

absl::StatusOr<std::unique_ptr<Embedder>> SnapshotStore::LoadModelOf(
    const storage::VectorSet& set) const {
  const std::filesystem::path path = paths_.model(set.model());
  // A bundle is code: nothing of it is run before its digest is right.
  VITRINE_RETURN_IF_ERROR(WithRemedy(VerifyModel(path, set.model()), paths_));
  return options_.load_model(path, TrialOf(set));
}

absl::StatusOr<std::shared_ptr<EmbedBatcher>> SnapshotStore::EmbedderFor(
    const Snapshot& snapshot, std::unique_ptr<Embedder> embedder) const {
  const storage::VectorSet& set = snapshot.set();
  const std::filesystem::path path = paths_.model(set.model());
  const ModelCard& card = embedder->card();
  if (!SameBlocks(card.blocks, snapshot.blocks())) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_WRONG_MODEL,
        absl::StrCat("the bundle ", path.string(), " has the blocks ",
                     Describe(card.blocks), "; the index was made with ",
                     Describe(snapshot.blocks())));
  }
  if (card.precision != set.precision()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_WRONG_MODEL,
        absl::StrCat("the bundle ", path.string(), " runs in ", card.precision,
                     "; the index was made in ", set.precision()));
  }
  return std::make_shared<EmbedBatcher>(std::move(embedder), /*max_batch=*/0,
                                        EmbedBatcher::kMaxWaiting,
                                        options_.on_batch);
}

void SnapshotStore::Touch(const Serving& serving) const {
  const auto begin = std::chrono::steady_clock::now();
  // More would push out what was read before.
  const uint64_t most = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) / 4 *
                        3 * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const uint64_t bytes =
      serving.snapshot().Touch(most, [this] { return stopping_.load(); });
  if (!options_.log) return;
  options_.log(absl::StrFormat("read %.1f MB of shards in %.0f ms",
                               static_cast<double>(bytes) / 1e6,
                               MillisecondsSince(begin)));
}

void SnapshotStore::Settle(const absl::Status& trouble,
                           const std::shared_ptr<const Serving>& next,
                           double opened_ms) {
  bool is_new = false;
  bool was_ready = false;
  bool ready = false;
  trouble_ = trouble;
  absl::Status shown = trouble.ok() ? lag_ : trouble;
  if (serving_ == nullptr && next == nullptr && absl::IsNotFound(shown) &&
      (options_.cache == nullptr || options_.cache->IsEmpty())) {
    shown = absl::NotFoundError(absl::StrCat(
        shown.message(), "; start vitrine-indexer --index=",
        options_.paths.root.string(), ", or name the folder that one writes"));
  }
  {
    std::lock_guard lock(mutex_);
    was_ready = serving_ != nullptr;
    if (next != nullptr) serving_ = next;
    ready = serving_ != nullptr;
    is_new = shown != shown_;
    shown_ = shown;
  }
  if (ready && !was_ready) {
    if (next != nullptr && !next->snapshot().verified()) Touch(*next);
    if (options_.on_ready) options_.on_ready();
  }
  if (next != nullptr) scrubber_.Scrub(next->shared_snapshot());
  if (!options_.log) return;
  if (next != nullptr) {
    options_.log(
        absl::StrCat("serving generation ", next->snapshot().generation(), ": ",
                     next->snapshot().images(), " pictures in ",
                     next->snapshot().shards().size(), " shards, opened in ",
                     static_cast<int>(opened_ms), " ms"));
  }
  if (!is_new) return;
  if (!shown.ok()) {
    (options_.warn ? options_.warn : options_.log)(
        absl::StrCat(ready ? "degraded: " : "not ready: ", shown.message()));
  } else if (said_degraded_) {
    options_.log("no longer degraded");
  }
  said_degraded_ = ready && !shown.ok();
}

}  // namespace vitrine
