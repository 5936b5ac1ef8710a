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
constexpr std::chrono::milliseconds kLookInterval(100);

std::string KeyOf(std::string_view product_id, std::string_view image_key,
                  std::string_view sha256) {
  std::string key = QueuedPictureKey(product_id, image_key);
  key.append(sha256);
  return key;
}

absl::Status CheckFolder(const std::filesystem::path& folder) {
  if (folder.empty()) return absl::OkStatus();
  VITRINE_RETURN_IF_ERROR(CheckRoot(folder));
  VITRINE_ASSIGN_OR_RETURN(const auto names, ListFolder(folder));
  if (!names.empty()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(folder.string(), " is empty: its volume may be away"));
}

}  // namespace

SetFiller::SetFiller(Publisher* publisher, std::unique_ptr<Embedder> embedder,
                     SetFillerOptions options)
    : publisher_(publisher),
      options_(std::move(options)),
      set_(publisher->view().other->set().id()),
      model_(
          absl::StrCat(embedder->card().name, " ", embedder->card().version)) {
  IngestOptions ingest;
  ingest.decode_threads = options_.decode_threads;
  ingest.batch =
      options_.batch > 0 ? options_.batch : embedder->preferred_batch();
  ingest.priority = kPriority;
  ingest.thumbnails = false;
  ingest_ = std::make_unique<Ingest>(std::move(embedder), std::move(ingest));
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
  due_ = true;
  changed_.notify_all();
  while (!changed_.wait_for(lock, kLookInterval,
                            [this] { return !due_ && !running_; })) {
    if (stop && stop()) return absl::CancelledError("filling was stopped");
  }
  return status_;
}

std::unique_ptr<Embedder> SetFiller::TakeEmbedder() && {
  Stop();
  thread_.join();
  return std::move(*ingest_).TakeEmbedder();
}

void SetFiller::Run() {
  LowerThreadPriority(kPriority);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || due_; });
    if (stopping_) return;
    due_ = false;
    running_ = true;
    lock.unlock();
    const absl::Status status = FillAll();
    if (!status.ok() && !absl::IsCancelled(status) && options_.report) {
      options_.report(absl::StrCat("the vectors of model ", model_,
                                   " are not complete: ", status.message()));
    }
    lock.lock();
    running_ = false;
    status_ = status;
    changed_.notify_all();
    if (status.ok()) continue;
    changed_.wait_for(lock, kAfterFailure,
                      [this] { return stopping_ || due_; });
    due_ = true;
  }
}

absl::Status SetFiller::FillAll() {
  bool told_begin = false;
  failed_.clear();
  begun_ = told_ = Clock::now();
  done_ = 0;
  while (!stopping_) {
    const IndexView view = publisher_->view();
    if (view.other == nullptr || view.other->set().id() != set_) {
      return absl::OkStatus();  // It was given up, or serves.
    }
    const std::vector<Missing> missing = FindMissing(view);
    if (missing.empty()) {
      if (view.missing() > 0) {
        return absl::UnavailableError(
            absl::StrCat(view.missing(), " pictures lack: ",
                         failure_.empty() ? "they were not found" : failure_));
      }
      if (view.other->set().filled_unix_ms() == 0) {
        VITRINE_RETURN_IF_ERROR(publisher_->Fill(set_, {}).status());
        continue;
      }
      if (told_begin && options_.report) {
        options_.report(absl::StrCat(
            "the vectors of model ", model_, " are complete: ",
            WithThousands(static_cast<int64_t>(view.other->images())),
            " pictures",
            from_thumbnails_ == 0
                ? ""
                : absl::StrCat(", of which ",
                               WithThousands(from_thumbnails_.load()),
                               " were embedded from their thumbnails, as "
                               "their files are gone")));
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
  const size_t wanted = std::min<uint64_t>(options_.rows, view.missing());
  auto look_at = [&](std::string_view product_id, std::string_view image_key,
                     std::string_view sha256) {
    if (HasRow(*view.other, product_id, image_key, sha256)) return;
    std::string key = KeyOf(product_id, image_key, sha256);
    if (failed_.contains(key) || !keys.insert(std::move(key)).second) return;
    found.push_back(
        {std::string(product_id), std::string(image_key), std::string(sha256)});
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
      if (found.size() < wanted && !stopping_) return true;
      // The same product again, which may have more pictures.
      cursor_ = id;
      ended = false;
      return false;
    });
    if (ended) cursor_.clear();
  }
  return found;
}

absl::Status SetFiller::CheckSources() const {
  VITRINE_RETURN_IF_ERROR(CheckFolder(options_.catalog_root));
  return CheckFolder(options_.queue_files);
}

absl::StatusOr<std::string> SetFiller::ReadSource(const IndexView& view,
                                                  const Missing& missing,
                                                  uint64_t max_bytes) const {
  const auto queued = view.sources->Find(
      QueuedPictureKey(missing.product_id, missing.image_key));
  if (!queued) {
    return ReadBeneath(options_.catalog_root, missing.image_key, max_bytes);
  }
  storage::SourceFileRecord record;
  if (record.ParseFromArray(queued->data(), static_cast<int>(queued->size())) &&
      !record.path().empty()) {
    return ReadBeneath(options_.queue_files, record.path(), max_bytes);
  }
  const auto original = view.FindOriginal(missing.sha256);
  if (!original) return absl::NotFoundError("its bytes are not kept");
  return std::string(*original);
}

absl::StatusOr<std::string> SetFiller::Read(const IndexView& view,
                                            const Missing& missing,
                                            uint64_t max_bytes) {
  auto bytes = ReadSource(view, missing, max_bytes);
  if (bytes.ok() && BytesOf(Sha256(*bytes)) == missing.sha256) return bytes;
  const std::string_view thumbnail =
      view.snapshot->FindThumbnail(missing.sha256);
  if (!thumbnail.empty()) {
    ++from_thumbnails_;
    return std::string(thumbnail);
  }
  VITRINE_RETURN_IF_ERROR(bytes.status());
  return absl::NotFoundError("its file has changed");
}

absl::Status SetFiller::Fill(const IndexView& view,
                             const std::vector<Missing>& missing) {
  VITRINE_RETURN_IF_ERROR(CheckSources());
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
  size_t next = 0;
  ingest_->Process(
      [&]() -> std::optional<PictureTask> {
        if (stopping_ || next == unknown.size()) return std::nullopt;
        PictureTask task;
        task.ticket = next;
        task.path = unknown[next++]->image_key;
        task.read = [this, &view,
                     &of = *unknown[task.ticket]](uint64_t max_bytes) {
          return Read(view, of, max_bytes);
        };
        return task;
      },
      [&](PictureResult result) {
        const Missing& of = *unknown[result.task.ticket];
        if (result.status.ok()) {
          add(of, std::move(result.vector));
          return;
        }
        failed_.insert(KeyOf(of.product_id, of.image_key, of.sha256));
        failure_ = absl::StrCat(of.image_key, " of product '", of.product_id,
                                "': ", result.status.message());
      });
  // A volume that went meanwhile looks like files that are gone.
  VITRINE_RETURN_IF_ERROR(CheckSources());
  if (rows.empty()) return absl::OkStatus();
  done_ += static_cast<int64_t>(rows.size());
  const auto published = publisher_->Fill(set_, rows);
  // It was given up meanwhile.
  return absl::IsNotFound(published.status()) ? absl::OkStatus()
                                              : published.status();
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
