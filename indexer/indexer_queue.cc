// How the indexer follows a queue: events come in, and are acknowledged once
// the generation that holds them is durable.
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "indexer/indexer.h"

namespace vitrine {
namespace {

// What may be in hand at a time.
constexpr size_t kMaxEventPictures = 256;
constexpr uint64_t kMaxEventBytes = 64 << 20;

// An entry that was handed out more often than this may be what has ended
// earlier runs: it is taken alone, so that it takes no other with it …
constexpr int kTrustedDeliveries = 3;
// … and after so many times no more.
constexpr int kMaxDeliveries = 10;

std::string NewIndexName() {
  std::random_device random;
  return absl::StrFormat("%08x%08x", random(), random());
}

}  // namespace

std::filesystem::path Indexer::QueueFiles() const {
  return options_.queue_files.empty() ? options_.catalog.root
                                      : options_.queue_files;
}

absl::Status Indexer::OpenQueue() {
  if (!options_.queue) return absl::OkStatus();
  storage::SourcePosition position;
  position.set_source(options_.queue->Name());
  for (const storage::SourcePosition& known :
       publisher()->view().snapshot->manifest().sources()) {
    if (known.source() == position.source()) position = known;
  }
  std::string& index = (*position.mutable_settings())["index"];
  if (index.empty()) {
    // Durable before the queue knows it.
    index = NewIndexName();
    draft_->changes.SetPosition(position);
    if (!repairing_) {
      VITRINE_RETURN_IF_ERROR(Publish());
    }
  }
  QueueReaderOptions options;
  options.address = *options_.queue;
  options.index = index;
  options.remove = options_.queue_trim;
  options.wake = [this] {
    if (DirectoryWatcher* watcher = interruptible_) watcher->Interrupt();
  };
  options.report = [this](const std::string& line) { console_.Line(line); };
  VITRINE_ASSIGN_OR_RETURN(reader_, QueueReader::Create(std::move(options)));
  return absl::OkStatus();
}

bool Indexer::EventsWait() const {
  return next_entry_ || !lost_products_.empty() || events_.pictures() > 0 ||
         !settled_entries_.empty() ||
         (reader_ != nullptr && reader_->HasNext());
}

bool Indexer::HasRoomForEvents() const {
  return !stopping_ && publish_error_.ok() &&
         events_.pictures() < kMaxEventPictures &&
         events_.bytes() < kMaxEventBytes;
}

void Indexer::TakeEvents() {
  while (!lost_products_.empty() && HasRoomForEvents()) {
    const std::string id = std::move(lost_products_.back());
    lost_products_.pop_back();
    Restore(id);
  }
  while (reader_ != nullptr && !alone_ && HasRoomForEvents()) {
    if (!next_entry_) next_entry_ = reader_->Next();
    if (!next_entry_) return;
    if (next_entry_->deliveries > kTrustedDeliveries) {
      // After what is in hand is published.
      if (events_.pictures() > 0 || !settled_entries_.empty() ||
          !draft_->changes.empty()) {
        return;
      }
      alone_ = true;
    }
    TakeEvent(*std::exchange(next_entry_, std::nullopt));
  }
}

void Indexer::TakeEvent(QueueEntry entry) {
  if (entry.deliveries > kMaxDeliveries) {
    RefuseEvent(
        std::move(entry), {},
        MakeError(absl::StatusCode::kInvalidArgument,
                  v1::ERROR_REASON_INVALID_EVENT,
                  absl::StrCat("it was handed out ", kMaxDeliveries,
                               " times and never finished: it may be what has "
                               "ended the indexer")));
    return;
  }
  auto change = ReadCatalogEvent(entry.event, VersionOfEntry(entry.id),
                                 QueueFiles().string());
  if (!change.ok()) {
    RefuseEvent(std::move(entry), {}, change.status());
    return;
  }
  EventWork::Event event;
  event.entry = entry.id;
  event.change = *std::move(change);
  if (event.change.pictures.empty()) {
    ApplyEvent(std::move(event));
    return;
  }
  const auto news = applier_->IsNews(event.change);
  if (!news.ok()) {
    RefuseEvent(std::move(entry), event.change, news.status());
  } else if (!*news) {
    settled_entries_.push_back(std::move(event.entry));
  } else {
    events_.Put(std::move(event));
  }
}

void Indexer::Restore(const std::string& product_id) {
  const auto state = draft_->changes.FindQueuedProduct(product_id);
  if (!state) return;
  EventWork::Event event;
  ProductChange& change = event.change;
  change.source = state->source();
  change.version = state->pictures_version();
  change.product_id = product_id;
  change.fields = state->fields();
  change.restores = true;
  std::vector<bool> is_read;
  bool any_left = false;
  const IndexView view = publisher()->view();
  const std::string all = QueuedPictureKey(product_id, "");
  for (const std::string& source_key : draft_->changes.SourcesWithPrefix(all)) {
    const auto known = draft_->changes.FindSource(source_key);
    EventPicture picture;
    picture.key = source_key.substr(all.size());
    picture.path = known->path();
    PictureResult result;
    known->sha256().copy(reinterpret_cast<char*>(result.sha256.data()),
                         result.sha256.size());
    const bool is_lost =
        known->refused_reason() == v1::ERROR_REASON_INDEX_DAMAGED;
    const auto original =
        is_lost ? view.FindOriginal(known->sha256()) : std::nullopt;
    if (original) {
      picture.content = std::make_shared<const std::string>(*original);
      picture.is_kept = true;
    } else if (is_lost && picture.path.empty()) {
      result.status = MakeError(
          absl::StatusCode::kDataLoss, v1::ERROR_REASON_IMAGE_UNREADABLE,
          "its bytes were lost with a file of the index; send it again, with a "
          "higher version");
    } else if (!is_lost && known->refused_reason() != 0) {
      result.status =
          MakeError(absl::StatusCode::kInvalidArgument,
                    static_cast<v1::ErrorReason>(known->refused_reason()),
                    known->refused_message());
    }
    const bool reads = original || (is_lost && !picture.path.empty());
    any_left = any_left || reads;
    is_read.push_back(!reads);
    change.pictures.push_back(std::move(picture));
    event.results.push_back(std::move(result));
  }
  if (any_left) {
    events_.Put(std::move(event), is_read);
  } else {
    ApplyEvent(std::move(event));
  }
}

void Indexer::ApplyEvent(EventWork::Event event) {
  // Another may have come before it meanwhile.
  const auto news = applier_->IsNews(event.change);
  if (!news.ok() && event.change.restores) return;
  if (!news.ok()) {
    QueueEntry entry;
    entry.id = std::move(event.entry);
    RefuseEvent(std::move(entry), event.change, news.status());
    return;
  }
  if (*news) {
    applier_->Apply(event.change, std::move(event.results), NowUnixMs());
  }
  if (!event.change.restores) {
    settled_entries_.push_back(std::move(event.entry));
  }
}

void Indexer::RefuseEvent(QueueEntry entry, const ProductChange& change,
                          const absl::Status& status) {
  applier_->Refuse(change.source.empty() ? QueueSourceName("") : change.source,
                   entry.id, change.product_id, status, NowUnixMs());
  reader_->Bury(std::move(entry), std::string(status.message()));
}

void Indexer::SettleEntries() {
  alone_ = false;
  if (reader_ == nullptr || settled_entries_.empty()) return;
  reader_->Acknowledge(std::exchange(settled_entries_, {}));
}

}  // namespace vitrine
