#include "indexer/sources/queue_reader.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

// At most so many entries in a reply. An entry may hold a picture or a hundred:
// as many are asked for as fit the bound if they are as large as the largest so
// far.
constexpr uint64_t kEntriesAtOnce = 32;
constexpr int64_t kBlockMs = 1000;
constexpr size_t kAnswersAtOnce = 500;
constexpr std::chrono::seconds kCountInterval(1);

using Clock = std::chrono::steady_clock;

}  // namespace

QueueReader::QueueReader(QueueReaderOptions options)
    : options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<QueueReader>> QueueReader::Create(
    QueueReaderOptions options) {
  std::unique_ptr<QueueReader> reader(new QueueReader(std::move(options)));
  const absl::Status connected = reader->Connect().status();
  if (!reader->options_.may_be_away || !absl::IsUnavailable(connected)) {
    VITRINE_RETURN_IF_ERROR(connected);
  }
  reader->threads_[0] = std::thread([r = reader.get()] { r->ReadLoop(); });
  reader->threads_[1] = std::thread([r = reader.get()] { r->AnswerLoop(); });
  return reader;
}

QueueReader::~QueueReader() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (reading_ != nullptr) reading_->Interrupt();
    if (answering_ != nullptr) answering_->Interrupt();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

absl::StatusOr<std::unique_ptr<RedisStream>> QueueReader::Connect() const {
  VITRINE_ASSIGN_OR_RETURN(
      auto stream, RedisStream::Connect(options_.address, options_.timeout_ms));
  VITRINE_RETURN_IF_ERROR(stream->MakeGroup());
  VITRINE_RETURN_IF_ERROR(stream->Own(options_.index));
  return stream;
}

std::optional<QueueEntry> QueueReader::Next() {
  std::lock_guard lock(mutex_);
  if (entries_.empty()) return std::nullopt;
  QueueEntry entry = std::move(entries_.front());
  entries_.pop_front();
  bytes_ -= entry.event.size();
  changed_.notify_all();
  return entry;
}

bool QueueReader::HasNext() const {
  std::lock_guard lock(mutex_);
  return !entries_.empty();
}

int64_t QueueReader::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_ + static_cast<int64_t>(entries_.size());
}

void QueueReader::Acknowledge(std::vector<std::string> ids,
                              uint64_t generation) {
  std::lock_guard lock(mutex_);
  generation_ = generation;
  for (std::string& id : ids) acknowledged_.push_back(std::move(id));
  changed_.notify_all();
}

void QueueReader::Bury(QueueEntry entry, std::string reason) {
  std::lock_guard lock(mutex_);
  buried_.emplace_back(std::move(entry), std::move(reason));
  changed_.notify_all();
}

void QueueReader::Wait(int64_t timeout_ms, bool for_entries) {
  std::unique_lock lock(mutex_);
  const auto ready = [this, for_entries] {
    return woken_ || (for_entries && !entries_.empty());
  };
  if (timeout_ms < 0) {
    changed_.wait(lock, ready);
  } else {
    changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), ready);
  }
  woken_ = false;
}

void QueueReader::Wake() {
  std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

bool QueueReader::Drained() const {
  std::lock_guard lock(mutex_);
  return empty_ && held_.empty();
}

bool QueueReader::HasCaughtUp() const {
  std::lock_guard lock(mutex_);
  return caught_up_;
}

bool QueueReader::IsLost() const {
  std::lock_guard lock(mutex_);
  return reading_lost_ || answering_lost_;
}

bool QueueReader::Flush(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] {
    return acknowledged_.empty() && buried_.empty();
  });
}

void QueueReader::Report(const std::string& line) {
  if (options_.report) options_.report(line);
}

bool QueueReader::Retry(const absl::Status& status, bool* lost) {
  std::unique_lock lock(mutex_);
  if (stopping_) return false;
  // A server that is there again may refuse what it is asked.
  const bool is_news = !*lost || told_loss_ != status.code();
  *lost = true;
  told_loss_ = status.code();
  if (is_news) {
    lock.unlock();
    Report(absl::StrCat("the queue cannot be read, and is tried again every ",
                        options_.retry_ms, " ms: ", status.message()));
    lock.lock();
  }
  empty_ = false;
  changed_.wait_for(lock, std::chrono::milliseconds(options_.retry_ms),
                    [this] { return stopping_; });
  return !stopping_;
}

void QueueReader::Regain(bool* lost) {
  {
    std::lock_guard lock(mutex_);
    if (!std::exchange(*lost, false)) return;
  }
  Report("the queue answers again");
}

void QueueReader::ReadLoop() {
  while (true) {
    auto stream = Connect();
    absl::Status status = stream.status();
    if (status.ok()) {
      {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        reading_ = stream->get();
      }
      status = ReadAll(stream->get());
      std::lock_guard lock(mutex_);
      reading_ = nullptr;
    }
    if (!Retry(status, &reading_lost_)) return;
  }
}

absl::Status QueueReader::ReadAll(RedisStream* stream) {
  // What the group was handed and nobody has acknowledged comes first: an
  // indexer that had it is dead, since the index's lock is ours.
  std::string pending = "0";
  Clock::time_point counted;
  // Only a queue that was found empty is waited for, so that it is soon known
  // to be.
  bool is_empty = false;
  uint64_t largest = options_.max_bytes;
  while (true) {
    const auto count = static_cast<int64_t>(
        std::clamp<uint64_t>(options_.max_bytes / largest, 1, kEntriesAtOnce));
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] {
        return stopping_ || (entries_.size() < options_.max_entries &&
                             bytes_ < options_.max_bytes);
      });
      if (stopping_) return absl::OkStatus();
      answered_.clear();
    }
    const bool old = !pending.empty();
    VITRINE_ASSIGN_OR_RETURN(
        std::vector<QueueEntry> entries,
        old ? stream->ReadPending(pending, count)
            : stream->ReadNew(count, is_empty ? kBlockMs : 0));
    Regain(&reading_lost_);
    if (!entries.empty() && largest == options_.max_bytes) largest = 1;
    for (const QueueEntry& entry : entries) {
      largest = std::max<uint64_t>(largest, entry.event.size());
    }
    if (old) pending = entries.empty() ? "" : entries.back().id;
    is_empty = !old && entries.empty();
    if (is_empty || Clock::now() - counted >= kCountInterval) {
      VITRINE_ASSIGN_OR_RETURN(const QueueBacklog backlog, stream->Backlog());
      counted = Clock::now();
      std::lock_guard lock(mutex_);
      waiting_ = std::max<int64_t>(0, backlog.waiting);
    }
    bool news = Keep(std::move(entries)) > 0;
    {
      std::lock_guard lock(mutex_);
      news = std::exchange(empty_, is_empty) != is_empty || news;
      caught_up_ = caught_up_ || is_empty;
    }
    if (news && options_.wake) options_.wake();
  }
}

size_t QueueReader::Keep(std::vector<QueueEntry> entries) {
  std::lock_guard lock(mutex_);
  size_t kept = 0;
  for (QueueEntry& entry : entries) {
    if (answered_.contains(entry.id)) continue;
    if (!held_.insert(entry.id).second) continue;
    if (entry.gone) {
      // Somebody has taken it back.
      acknowledged_.push_back(entry.id);
      continue;
    }
    bytes_ += entry.event.size();
    entries_.push_back(std::move(entry));
    ++kept;
  }
  changed_.notify_all();
  return kept;
}

void QueueReader::AnswerLoop() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] {
        return stopping_ || !acknowledged_.empty() || !buried_.empty();
      });
      if (stopping_) return;
    }
    auto stream = Connect();
    absl::Status status = stream.status();
    if (status.ok()) {
      {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        answering_ = stream->get();
      }
      bool answered = false;
      status = AnswerAll(stream->get(), &answered);
      std::lock_guard lock(mutex_);
      answering_ = nullptr;
      // The server may have closed what was idle for long.
      if (absl::IsUnavailable(status) && answered && !stopping_) continue;
    }
    if (!Retry(status, &answering_lost_)) return;
  }
}

absl::Status QueueReader::AnswerAll(RedisStream* stream, bool* answered) {
  uint64_t noted = 0;
  while (true) {
    uint64_t generation = 0;
    std::vector<std::string> ids;
    std::optional<std::pair<QueueEntry, std::string>> dead;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] {
        return stopping_ || !acknowledged_.empty() || !buried_.empty();
      });
      if (stopping_) return absl::OkStatus();
      const size_t n = std::min(acknowledged_.size(), kAnswersAtOnce);
      ids.assign(acknowledged_.begin(),
                 acknowledged_.begin() + static_cast<ptrdiff_t>(n));
      generation = generation_;
      if (!buried_.empty()) dead = buried_.front();
    }
    // Who hears that they are taken finds where.
    if (generation != noted) {
      VITRINE_RETURN_IF_ERROR(stream->NoteGeneration(generation));
      noted = generation;
    }
    // What fails stays, and is said again over the next connection.
    VITRINE_RETURN_IF_ERROR(stream->Acknowledge(ids, options_.remove));
    {
      std::lock_guard lock(mutex_);
      acknowledged_.erase(
          acknowledged_.begin(),
          acknowledged_.begin() + static_cast<ptrdiff_t>(ids.size()));
      for (const std::string& id : ids) held_.erase(id);
      answered_.insert(ids.begin(), ids.end());
    }
    changed_.notify_all();
    *answered = true;
    if (dead) {
      VITRINE_RETURN_IF_ERROR(
          stream->Bury(dead->first, dead->second, options_.remove));
      std::lock_guard lock(mutex_);
      buried_.pop_front();
      held_.erase(dead->first.id);
      answered_.insert(dead->first.id);
      changed_.notify_all();
    }
    Regain(&answering_lost_);
  }
}

}  // namespace vitrine
