// How the indexer follows a queue: events come in, and are acknowledged once
// the generation that holds them is durable.
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/catalog/catalog_folder.h"
#include "common/index/index_files.h"
#include "indexer/indexer.h"

namespace vitrine {
namespace {

// What may be in hand at a time.
constexpr size_t kMaxEventPictures = 256;
constexpr uint64_t kMaxEventBytes = 64 << 20;
// Entries without pictures that are taken before they are published.
constexpr size_t kMaxSettled = 4096;
// Events whose folder is away are tried again after so long.
constexpr std::chrono::seconds kDeferred(2);

// An entry that was handed out more often than this may be what has ended
// earlier runs: it is taken alone, so that it takes no other with it …
constexpr int kTrustedDeliveries = 3;
// … and where it has ended so many runs by itself, no more.
constexpr int kMostEndedRuns = 3;

std::string NewIndexName() {
  std::random_device random;
  return absl::StrFormat("%08x%08x", random(), random());
}

}  // namespace

std::filesystem::path Indexer::QueueFiles() const {
  return options_.queue_files.empty() ? options_.catalog.root
                                      : options_.queue_files;
}

absl::Status Indexer::OpenQueueWhenDue() {
  if (!options_.queue || reader_ != nullptr || repairing_) {
    return absl::OkStatus();
  }
  return OpenQueue();
}

absl::Status Indexer::OpenQueue() {
  if (!options_.queue_files.empty()) {
    VITRINE_RETURN_IF_ERROR(CheckRoot(options_.queue_files));
  }
  storage::SourcePosition position;
  position.set_source(options_.queue->Name());
  // The index has one name, under whatever address it reads its queue.
  std::string index;
  for (const storage::SourcePosition& known :
       publisher()->view().snapshot->manifest().sources()) {
    const auto name = known.settings().find("index");
    if (name != known.settings().end()) index = name->second;
  }
  // The copy of an index is another one, which takes nothing from its stream.
  const std::filesystem::path mark = publisher()->paths().root / kBackupMark;
  std::error_code error;
  const bool is_copy = std::filesystem::exists(mark, error);
  if (index.empty() || is_copy) {
    // Durable before the queue knows it.
    index = NewIndexName();
    for (storage::SourcePosition known :
         publisher()->view().snapshot->manifest().sources()) {
      if (!known.settings().contains("index")) continue;
      (*known.mutable_settings())["index"] = index;
      draft_->changes.SetPosition(known);
      if (known.source() == position.source()) position = known;
    }
    (*position.mutable_settings())["index"] = index;
    draft_->changes.SetPosition(position);
    VITRINE_RETURN_IF_ERROR(Publish());
    if (is_copy) {
      VITRINE_RETURN_IF_ERROR(RemoveFile(mark));
    }
  }
  QueueReaderOptions options;
  options.address = *options_.queue;
  options.index = index;
  options.remove = options_.queue_trim;
  // The catalogue is followed all the same.
  options.may_be_away = catalog_ != nullptr;
  options.wake = [this] {
    if (DirectoryWatcher* watcher = interruptible_) watcher->Interrupt();
  };
  options.report = [this](const std::string& line) { console_.Line(line); };
  VITRINE_ASSIGN_OR_RETURN(reader_, QueueReader::Create(std::move(options)));
  wakeable_ = reader_.get();
  return absl::OkStatus();
}

bool Indexer::EventsWait() const {
  return next_entry_ || !lost_products_.empty() || events_.pictures() > 0 ||
         !settled_entries_.empty() ||
         (reader_ != nullptr && reader_->HasNext());
}

bool Indexer::HasRoomForEvents() const {
  // A scan that waits for the folder's pictures holds no event up; one that
  // does not shall not wait for a queue that never ends.
  const bool scan_waits_for_events = ScanIsDue() && queue_.size() == 0;
  return !stopping_ && publish_error_.ok() && !scan_waits_for_events &&
         !switching_ && settled_entries_.size() < kMaxSettled &&
         deferred_events_.size() < kMaxSettled &&
         events_.pictures() < kMaxEventPictures &&
         events_.bytes() < kMaxEventBytes;
}

void Indexer::TakeEvents() {
  if (!deferred_events_.empty() && Clock::now() >= deferred_until_) {
    // Read anew; what is away still comes back here.
    for (EventWork::Event& event : std::exchange(deferred_events_, {})) {
      event.results.clear();
      events_.Put(std::move(event));
    }
  }
  while (!lost_products_.empty() && HasRoomForEvents()) {
    const std::string id = std::move(lost_products_.back());
    lost_products_.pop_back();
    Restore(id);
  }
  while (reader_ != nullptr && !repairing_ && !alone_ && HasRoomForEvents()) {
    if (!next_entry_) next_entry_ = reader_->Next();
    if (!next_entry_) return;
    if (next_entry_->deliveries > kTrustedDeliveries) {
      // After what is in hand is published.
      if (events_.pictures() > 0 || !settled_entries_.empty() ||
          !draft_->changes.empty()) {
        return;
      }
      alone_ = true;
      if (CountSuspect(next_entry_->id) > kMostEndedRuns) {
        RefuseEvent(*std::exchange(next_entry_, std::nullopt), {},
                    MakeError(absl::StatusCode::kInvalidArgument,
                              v1::ERROR_REASON_INVALID_EVENT,
                              absl::StrCat("it was taken ", kMostEndedRuns,
                                           " times, alone, and the indexer "
                                           "ended each time")));
        ForgetSuspect();
        alone_ = false;
        continue;
      }
    }
    TakeEvent(*std::exchange(next_entry_, std::nullopt));
  }
}

int Indexer::CountSuspect(const std::string& entry) {
  const std::filesystem::path path = publisher()->paths().suspect();
  int runs = 0;
  if (const auto noted = ReadFile(path, 1000); noted.ok()) {
    const std::pair<std::string, std::string> known =
        absl::StrSplit(*noted, absl::MaxSplits(' ', 1));
    if (known.first == entry && !absl::SimpleAtoi(known.second, &runs)) {
      runs = 0;
    }
  }
  RemoveFile(path).IgnoreError();
  // Where it cannot be noted, the entry is tried once more.
  PublishFile(path, absl::StrCat(entry, " ", ++runs)).IgnoreError();
  return runs;
}

void Indexer::ForgetSuspect() {
  if (!alone_) return;
  RemoveFile(publisher()->paths().suspect()).IgnoreError();
}

bool Indexer::LacksFiles(const EventWork::Event& event) const {
  for (size_t i = 0; i < event.change.pictures.size(); ++i) {
    if (event.change.pictures[i].content != nullptr ||
        event.results[i].status.ok()) {
      continue;
    }
    if (!CheckRoot(QueueFiles()).ok()) return true;
  }
  return false;
}

void Indexer::TakeEvent(QueueEntry entry) {
  auto change = ReadCatalogEvent(entry.event, VersionOfEntry(entry.id),
                                 QueueFiles().string());
  if (!change.ok()) {
    RefuseEvent(std::move(entry), {}, change.status());
    return;
  }
  if (!options_.index.partition.Has(change->product_id)) {
    const Partition right = {
        PartitionOf(change->product_id, options_.index.partition.of),
        options_.index.partition.of};
    RefuseEvent(
        std::move(entry), *change,
        MakeError(
            absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_EVENT,
            absl::StrCat("product '", change->product_id, "' is of partition ",
                         right.Name(), ", and this is the stream of ",
                         options_.index.partition.Name(),
                         "; send it to the stream of its own"),
            "product_id"));
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
    auto original = is_lost ? view.FindOriginal(known->sha256()) : std::nullopt;
    if (original && Sha256(*original) != result.sha256) original.reset();
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
  if (*news && !event.change.restores && LacksFiles(event)) {
    if (deferred_events_.empty()) {
      console_.Line(absl::StrCat(
          QueueFiles().string(),
          ", in which events name files, is away: they wait until it is back"));
    }
    deferred_events_.push_back(std::move(event));
    deferred_until_ = Clock::now() + kDeferred;
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
  if (alone_ && events_.pictures() == 0) {
    ForgetSuspect();
    alone_ = false;
  }
  if (reader_ == nullptr || settled_entries_.empty()) return;
  // Whoever hears that an entry is taken finds its receipts.
  if (!unwritten_.empty()) return;
  reader_->Acknowledge(std::exchange(settled_entries_, {}),
                       publisher()->view().snapshot->generation());
}

}  // namespace vitrine
