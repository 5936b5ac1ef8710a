// How the indexer publishes what it has read, and tells what became of it.
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "indexer/duplicates.h"
#include "indexer/indexer.h"
#include "indexer/receipt_recovery.h"

namespace vitrine {
namespace {

// What a repair has lost is read again before anything is published, so that no
// server has less in between; up to so many pictures, which memory holds.
constexpr size_t kRepairedRows = 50'000;

// While many pictures come in, changes that need no model wait at most so long.
constexpr int64_t kPromptMs = 500;
// … and so many times as long as a publication takes.
constexpr double kPromptShare = 5;

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

}  // namespace

void Indexer::WriteLostReceipts() {
  auto lost =
      LostReceipts(publisher()->paths(), publisher()->view(), *receipts_);
  if (!lost.ok()) {
    console_.Warn(
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

void Indexer::BeginBatch(IndexChanges changes) {
  const IndexView view = publisher()->view();
  draft_ = std::make_unique<GenerationDraft>(
      ChangeSet(view.snapshot, view.sources, std::move(changes)));
  batch_ = std::make_unique<PictureBatch>(
      "directory",
      [this](std::string_view product_id, std::string_view first_picture) {
        return catalog_->Describe(product_id, first_picture);
      },
      draft_.get());
  applier_ = std::make_unique<EventApplier>(
      draft_.get(), [this](std::string_view sha256, std::string_view bytes) {
        const absl::Status kept = refused_pictures_->Keep(sha256, bytes);
        if (!kept.ok()) console_.Warn(absl::StrCat(kept.message()));
      });
}

bool Indexer::PublicationDue() const {
  if (!publish_error_.ok()) return false;
  const size_t rows = draft_->changes.rows();
  if (repairing_) return rows >= kRepairedRows;
  const int64_t prompt_ms = std::max(
      kPromptMs, static_cast<int64_t>(kPromptShare * 1000 * last_publish_s_));
  const int64_t wait_ms = draft_->is_prompt
                              ? std::min(options_.publish_ms, prompt_ms)
                              : options_.publish_ms;
  return rows >= options_.publish_rows || (alone_ && events_.pictures() == 0) ||
         Clock::now() - last_publication_ >= std::chrono::milliseconds(wait_ms);
}

absl::Status Indexer::Publish() {
  last_publication_ = Clock::now();
  if (repairing_ && stopping_ &&
      queue_.size() + events_.pictures() + lost_products_.size() > 0) {
    return absl::AbortedError(
        "the repair was stopped before its end, and nothing has changed; run "
        "it again");
  }
  if (catalog_ != nullptr && !outage_) {
    draft_->changes.SetPosition(Position());
  }
  if (draft_->changes.empty()) {
    last_publish_error_ = absl::OkStatus();
    repairing_ = repairing_ && Waiting() > 0;
    TakeReceipts();
    if (!unwritten_.empty()) {
      const IndexView view = publisher()->view();
      AppendReceipts({view.snapshot->generation(),
                      view.snapshot->manifest().published_unix_ms()});
    }
    SettleEntries();
    return absl::OkStatus();
  }
  const Clock::time_point start = Clock::now();
  WarnOfDuplicates(
      publisher()->view(),
      [this](const std::string& path) { return removals_.contains(path); },
      draft_.get());
  const auto published = publisher()->Publish(draft_->changes.changes());
  const double publish_s = SecondsBetween(start, Clock::now());
  summary_.publish_s += publish_s;
  last_publish_s_ = publish_s;
  if (!published.ok()) {
    publish_error_ = last_publish_error_ = published.status();
    metrics_.CountFailedPublication();
    UpdateStatus();
    ForgetSuspect();
    retry_at_ = Clock::now() + std::chrono::milliseconds(options_.retry_ms);
    console_.Warn(absl::StrCat(
        "nothing could be published, and the index stays as it was: ",
        publish_error_.message(),
        follows_ && !stopping_
            ? absl::StrCat(
                  "; it is tried again every ",
                  FormatDuration(static_cast<double>(options_.retry_ms) / 1000))
            : ""));
    return publish_error_;
  }
  repairing_ = false;
  last_publish_error_ = absl::OkStatus();
  ++summary_.publications;
  recent_deletions_.Add(draft_->deleted_products, NowUnixMs());
  const PictureCounts counts = draft_->counts;
  TakeReceipts();
  const IngestStats stats = ingest_->stats();
  const PublishedBatch batch = {
      *published, counts, stats.decode_busy_s - published_stats_.decode_busy_s,
      stats.embed_busy_s - published_stats_.embed_busy_s, publish_s};
  published_stats_ = stats;
  AppendReceipts(*published);
  SettleEntries();
  BeginBatch();
  WakeMerger();
  if (filler_ != nullptr) filler_->Wake();
  metrics_.CountPublication(publish_s);
  UpdateStatus();
  TellPublication(batch);
  if (options_.on_published) options_.on_published(batch);
  return absl::OkStatus();
}

void Indexer::TakeReceipts() {
  summary_.counts += std::exchange(draft_->counts, {});
  for (v1::Receipt& receipt : draft_->receipts) {
    unwritten_.push_back(std::move(receipt));
  }
  draft_->receipts.clear();
}

void Indexer::AppendReceipts(const Publication& publication) {
  for (v1::Receipt& receipt : unwritten_) {
    if (receipt.generation() != 0) continue;
    receipt.set_generation(publication.generation);
    if (receipt.outcome() != v1::Receipt::OUTCOME_REFUSED) {
      *receipt.mutable_searchable_at() =
          google::protobuf::util::TimeUtil::MillisecondsToTimestamp(
              publication.published_unix_ms);
    }
    metrics_.Count(receipt);
  }
  const absl::Status status = receipts_->Append(unwritten_);
  if (status.ok()) {
    unwritten_.clear();
    publisher()->RemoveExpired();
  } else {
    console_.Warn(
        absl::StrCat("receipts wait to be written: ", status.message()));
  }
}

void Indexer::TellPublication(const PublishedBatch& batch) {
  // During bulk work, progress tells enough.
  if (bulk_done_ + Waiting() >= kBulkPictures) return;
  console_.Line(absl::StrFormat(
      "generation %d: %s; decoding took %.0f ms, embedding %.0f ms, "
      "publishing %.0f ms",
      batch.publication.generation, DescribeCounts(batch.counts),
      batch.decode_s * 1000, batch.embed_s * 1000, batch.publish_s * 1000));
}

void Indexer::UpdateStatus() {
  metrics_.Set({publisher()->view(), publisher()->write_totals(),
                Waiting() + static_cast<int64_t>(deferred_events_.size()),
                outage_, reader_ != nullptr && reader_->IsLost()});
  absl::Status readiness;
  if (!last_publish_error_.ok()) {
    readiness = last_publish_error_;
  } else if (outage_) {
    readiness = absl::UnavailableError("the catalogue is away");
  } else if (reader_ != nullptr && reader_->IsLost()) {
    readiness = absl::UnavailableError("the queue does not answer");
  } else if (!deferred_events_.empty()) {
    readiness =
        absl::UnavailableError("the folder in which events name files is away");
  } else if (!first_pass_over_ ||
             (options_.queue &&
              (reader_ == nullptr || !reader_->HasCaughtUp()))) {
    readiness = absl::UnavailableError(
        absl::StrCat("it is reading what came before it started; ",
                     WithThousands(Waiting()), " pictures and entries wait"));
  }
  std::lock_guard lock(readiness_mutex_);
  readiness_ = std::move(readiness);
}

absl::Status Indexer::Readiness() const {
  std::lock_guard lock(readiness_mutex_);
  return readiness_;
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
      "at the end %.1f s; each byte written %.1f times",
      WithThousands(ingest.embedded), embedded / summary_.wall_s,
      ingest.decode_busy_s, options_.decode_threads, ingest.embed_busy_s,
      embedded / static_cast<double>(ingest.batches), summary_.publish_s,
      summary_.publications, summary_.settle_s,
      publisher()->write_totals().Amplification()));
}

}  // namespace vitrine
