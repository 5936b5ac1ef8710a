#include "indexer/set_filler.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/thread_priority.h"
#include "common/catalog/catalog_folder.h"
#include "common/index/manifest.h"
#include "indexer/console.h"
#include "indexer/generation_draft.h"
#include "indexer/vector_sets.h"

namespace vitrine {
namespace {

using Clock = std::chrono::steady_clock;

// Fresh pictures of the serving model go first.
constexpr int kPriority = 10;
constexpr std::chrono::seconds kAfterFailure(30);
constexpr std::chrono::seconds kTellEvery(10);
// A crash takes the work of so long.
constexpr std::chrono::seconds kMostUnpublished(2);
constexpr std::chrono::milliseconds kLookInterval(100);

std::string KeyOf(std::string_view product_id, std::string_view image_key,
                  std::string_view sha256) {
  std::string key = QueuedPictureKey(product_id, image_key);
  key.append(sha256);
  return key;
}

}  // namespace

SetFiller::SetFiller(Publisher* publisher, SetFillerOptions options)
    : publisher_(publisher),
      options_(std::move(options)),
      set_(publisher->view().other->set().id()),
      model_(publisher->view().other->set().model().substr(0, 12)) {
  thread_ = std::thread([this] { Run(); });
}

SetFiller::~SetFiller() {
  Stop();
  if (thread_.joinable()) thread_.join();
}

void SetFiller::Wake() {
  std::lock_guard lock(mutex_);
  due_ = true;
  changed_.notify_all();
}

void SetFiller::Stop() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

absl::Status SetFiller::Finish(const StopRequested& stop) {
  std::unique_lock lock(mutex_);
  due_ = urgent_ = true;
  changed_.notify_all();
  while (!changed_.wait_for(lock, kLookInterval,
                            [this] { return !due_ && !running_; })) {
    if (stop && stop()) return absl::CancelledError("filling was stopped");
  }
  return status_;
}

bool SetFiller::MustStop() const {
  return stopping_ || (options_.stop && options_.stop());
}

absl::Status SetFiller::Load() {
  VITRINE_ASSIGN_OR_RETURN(std::unique_ptr<Embedder> embedder, options_.load());
  model_ = absl::StrCat(embedder->card().name, " ", embedder->card().version);
  IngestOptions ingest;
  ingest.read = [this](const PictureTask& task, uint64_t max_bytes) {
    return Read(*(*reading_)[task.ticket], max_bytes);
  };
  ingest.decode_threads = options_.decode_threads;
  ingest.batch =
      options_.batch > 0 ? options_.batch : embedder->preferred_batch();
  ingest.priority = kPriority;
  ingest.thumbnails = false;
  ingest_ = std::make_unique<Ingest>(std::move(embedder), std::move(ingest));
  return absl::OkStatus();
}

void SetFiller::Run() {
  LowerThreadPriority(kPriority);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || due_; });
    if (stopping_) return;
    due_ = urgent_ = false;
    running_ = true;
    lock.unlock();
    const absl::Status status = FillAll();
    if (status.ok()) reported_.clear();
    // The same is said once.
    if (!status.ok() && !absl::IsCancelled(status) && options_.report &&
        std::exchange(reported_, std::string(status.message())) !=
            status.message()) {
      options_.report(absl::StrCat("the vectors of model ", model_,
                                   " are not complete: ", status.message(),
                                   "; it is tried again every ",
                                   kAfterFailure.count(),
                                   " s, and does not serve before; a picture "
                                   "that cannot be mended can be removed"));
    }
    lock.lock();
    running_ = false;
    status_ = status;
    changed_.notify_all();
    if (status.ok()) continue;
    changed_.wait_for(lock, kAfterFailure,
                      [this] { return stopping_ || urgent_; });
    due_ = true;
  }
}

absl::Status SetFiller::FillAll() {
  bool told_begin = false;
  failed_.clear();
  refused_.clear();
  begun_ = told_ = Clock::now();
  done_ = 0;
  while (!MustStop()) {
    const IndexView view = publisher_->view();
    if (view.other == nullptr || view.other->set().id() != set_) {
      return absl::OkStatus();  // It was given up, or serves.
    }
    const std::vector<Missing> missing = FindMissing(view);
    if (missing.empty()) {
      if (MustStop()) break;
      if (view.missing() > 0) {
        return absl::UnavailableError(
            absl::StrCat(view.missing(), " pictures lack: ",
                         failure_.empty() ? "they were not found" : failure_));
      }
      if (view.other->set().filled_unix_ms() == 0) {
        const absl::Status filled = publisher_->Fill(set_, {}).status();
        if (absl::IsNotFound(filled)) return absl::OkStatus();
        VITRINE_RETURN_IF_ERROR(filled);
        if (options_.on_published) options_.on_published();
        continue;
      }
      if (told_begin && options_.report) {
        options_.report(absl::StrCat(
            "the vectors of model ", model_, " are complete: ",
            WithThousands(static_cast<int64_t>(view.other->images())),
            " pictures",
            thumbnails_ == 0
                ? ""
                : absl::StrCat(", of which ", WithThousands(thumbnails_),
                               " were embedded from their thumbnails, as "
                               "their files are gone or refused now")));
      }
      if (options_.on_complete) options_.on_complete();
      return absl::OkStatus();
    }
    if (view.missing() > options_.rows && !std::exchange(told_begin, true) &&
        options_.report) {
      options_.report(absl::StrCat(
          "embedding with model ", model_, ", beside the one that serves: ",
          WithThousands(static_cast<int64_t>(view.missing())), " of ",
          WithThousands(static_cast<int64_t>(view.snapshot->images())),
          " pictures lack"));
    }
    VITRINE_RETURN_IF_ERROR(Fill(view, missing));
    if (Clock::now() - told_ > kTellEvery) TellProgress(publisher_->view());
  }
  return absl::CancelledError("filling was stopped");
}

std::vector<SetFiller::Missing> SetFiller::FindMissing(const IndexView& view) {
  std::vector<Missing> found;
  std::set<std::string> keys;
  // Those that have failed are looked for no further.
  const uint64_t lacking =
      view.missing() - std::min<uint64_t>(view.missing(), failed_.size());
  const size_t wanted = std::min<uint64_t>(options_.rows, lacking);
  auto look_at = [&](std::string_view product_id, std::string_view image_key,
                     std::string_view sha256) {
    if (HasRow(*view.other, product_id, image_key, sha256)) return;
    std::string key = KeyOf(product_id, image_key, sha256);
    if (failed_.contains(key)) return;
    const bool by_thumbnail = refused_.contains(key);
    if (!keys.insert(std::move(key)).second) return;
    found.push_back({std::string(product_id), std::string(image_key),
                     std::string(sha256), by_thumbnail});
  };
  // What is fresh stands in the newest shards that have no graph yet.
  const std::vector<LiveShard>& shards = view.snapshot->shards();
  for (auto live = shards.rbegin(); live != shards.rend(); ++live) {
    if (live->shard->graph() != nullptr) continue;
    for (uint32_t row = 0; row < live->shard->rows(); ++row) {
      if (found.size() >= wanted) return found;
      if (!live->IsLive(row)) continue;
      const RowKey key = live->shard->key(row);
      look_at(key.product_id, key.image_key, key.sha256);
    }
  }
  // All others by the ids of their products, on from where the last time ended;
  // a second pass finds what came behind it.
  for (int pass = 0; pass < 2 && found.size() < wanted; ++pass) {
    bool ended = true;
    view.snapshot->products().ForEach(cursor_, [&](std::string_view id,
                                                   std::string_view bytes) {
      storage::ProductRecord record;
      if (record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        for (const storage::ImageRecord& image : record.images()) {
          look_at(id, image.key(), image.sha256());
        }
      }
      if (found.size() < wanted && !MustStop()) return true;
      cursor_ = id;
      ended = false;
      return false;
    });
    if (ended) cursor_.clear();
  }
  return found;
}

absl::Status SetFiller::CheckFolder(const std::filesystem::path& folder,
                                    const std::string& identity) {
  if (folder.empty()) {
    return absl::FailedPreconditionError(
        "the index has pictures of a folder that this indexer was not given; "
        "start it with the --catalog or --queue-files of before");
  }
  VITRINE_RETURN_IF_ERROR(CheckRoot(folder));
  if (!identity.empty()) {
    if (RootIdentity(folder) == identity) return absl::OkStatus();
  } else {
    VITRINE_ASSIGN_OR_RETURN(const auto names, ListFolder(folder));
    if (!names.empty()) return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat(
      folder.string(),
      " is another folder than it was, or empty: its volume may be away"));
}

absl::Status SetFiller::CheckFolders() {
  if (not_found_in_catalog_.exchange(false)) {
    VITRINE_RETURN_IF_ERROR(
        CheckFolder(options_.catalog_root, options_.catalog_identity));
  }
  if (not_found_in_queue_files_.exchange(false)) {
    VITRINE_RETURN_IF_ERROR(CheckFolder(options_.queue_files, ""));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> SetFiller::ReadSource(const Missing& missing,
                                                  uint64_t max_bytes) {
  const auto queued = view_->sources->Find(
      QueuedPictureKey(missing.product_id, missing.image_key));
  storage::SourceFileRecord record;
  if (queued && !record.ParseFromArray(queued->data(),
                                       static_cast<int>(queued->size()))) {
    return absl::DataLossError("what is known of it does not parse");
  }
  if (queued && record.path().empty()) {
    const auto original = view_->FindOriginal(missing.sha256);
    if (!original) return absl::NotFoundError("its bytes are not kept");
    return std::string(*original);
  }
  const std::filesystem::path& root =
      queued ? options_.queue_files : options_.catalog_root;
  absl::StatusOr<std::string> bytes =
      absl::NotFoundError("its folder is not known");
  if (!root.empty()) {
    bytes = ReadBeneath(root, queued ? record.path() : missing.image_key,
                        max_bytes);
  }
  if (absl::IsNotFound(bytes.status())) {
    (queued ? not_found_in_queue_files_ : not_found_in_catalog_) = true;
  }
  return bytes;
}

absl::StatusOr<std::string> SetFiller::Read(const Missing& missing,
                                            uint64_t max_bytes) {
  absl::StatusOr<std::string> bytes = absl::NotFoundError("it was refused");
  if (!missing.by_thumbnail) bytes = ReadSource(missing, max_bytes);
  if (!bytes.ok() && !absl::IsNotFound(bytes.status())) return bytes;
  if (bytes.ok() && BytesOf(Sha256(*bytes)) == missing.sha256) return bytes;
  const std::string_view thumbnail =
      view_->snapshot->FindThumbnail(missing.sha256);
  if (thumbnail.empty()) {
    VITRINE_RETURN_IF_ERROR(bytes.status());
    return absl::NotFoundError("its file has changed");
  }
  ++from_thumbnails_;
  return std::string(thumbnail);
}

absl::Status SetFiller::Fill(const IndexView& view,
                             const std::vector<Missing>& missing) {
  std::vector<Row> rows;
  std::vector<const Missing*> unknown;
  auto add = [&rows](const Missing& of, std::vector<uint16_t> vector) {
    Row& row = rows.emplace_back();
    row.product_id = of.product_id;
    row.image_key = of.image_key;
    of.sha256.copy(reinterpret_cast<char*>(row.sha256.data()),
                   row.sha256.size());
    row.vector = std::move(vector);
  };
  // Where only the metric differs, nothing is embedded again.
  const bool same_model =
      view.other->set().model() == view.snapshot->set().model();
  for (const Missing& picture : missing) {
    auto known = view.other_content->FindVector(picture.sha256);
    if (known.empty() && same_model) {
      known = view.content->FindVector(picture.sha256);
    }
    if (known.empty()) {
      unknown.push_back(&picture);
    } else {
      add(picture, {known.begin(), known.end()});
    }
  }
  if (!unknown.empty()) {
    VITRINE_RETURN_IF_ERROR(Embed(view, unknown, add));
  }
  if (rows.empty()) return absl::OkStatus();
  const absl::Status published = publisher_->Fill(set_, rows).status();
  // It was given up meanwhile.
  if (absl::IsNotFound(published)) return absl::OkStatus();
  VITRINE_RETURN_IF_ERROR(published);
  done_ += static_cast<int64_t>(rows.size());
  if (options_.on_published) options_.on_published();
  return absl::OkStatus();
}

absl::Status SetFiller::Embed(const IndexView& view,
                              const std::vector<const Missing*>& pictures,
                              const AddFn& add) {
  if (ingest_ == nullptr) {
    VITRINE_RETURN_IF_ERROR(Load());
  }
  view_ = &view;
  reading_ = &pictures;
  size_t next = 0;
  const Clock::time_point begun = Clock::now();
  ingest_->Process(
      [&]() -> std::optional<PictureTask> {
        if (MustStop() || next == pictures.size() ||
            Clock::now() - begun > kMostUnpublished) {
          return std::nullopt;
        }
        PictureTask task;
        task.ticket = next;
        task.path = pictures[next++]->image_key;
        return task;
      },
      [&](PictureResult result) {
        const Missing& of = *pictures[result.task.ticket];
        if (result.status.ok()) {
          add(of, std::move(result.vector));
          return;
        }
        std::string key = KeyOf(of.product_id, of.image_key, of.sha256);
        // It was indexed, when limits were others perhaps: its thumbnail will
        // do. What cannot be read now can be read later.
        const bool refused = absl::IsInvalidArgument(result.status) &&
                             ErrorOf(result.status).reason() !=
                                 v1::ERROR_REASON_IMAGE_UNREADABLE;
        std::string why =
            absl::StrCat(of.image_key, " of product '", of.product_id,
                         "': ", result.status.message());
        if (refused && !of.by_thumbnail) {
          refused_[key] = std::move(why);
          return;
        }
        // It has no thumbnail.
        if (of.by_thumbnail && absl::IsNotFound(result.status)) {
          why = refused_[key];
        }
        failed_.insert(std::move(key));
        failure_ = std::move(why);
      });
  // Files of a volume that is away look as if they were gone: what was made of
  // thumbnails then is not kept.
  const int64_t from_thumbnails = from_thumbnails_.exchange(0);
  VITRINE_RETURN_IF_ERROR(CheckFolders());
  thumbnails_ += from_thumbnails;
  return absl::OkStatus();
}

void SetFiller::TellProgress(const IndexView& view) {
  told_ = Clock::now();
  if (!options_.report || view.other == nullptr) return;
  const double seconds =
      std::chrono::duration<double>(Clock::now() - begun_).count();
  options_.report(
      absl::StrCat("model ", model_, ": ",
                   FormatProgress(static_cast<int64_t>(view.other->images()),
                                  static_cast<int64_t>(view.snapshot->images()),
                                  static_cast<int64_t>(failed_.size()),
                                  static_cast<double>(done_) / seconds)));
}

}  // namespace vitrine
