// Reads a queue of catalogue events beside the indexer, and answers it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/queue/redis_stream.h"

namespace vitrine {

struct QueueReaderOptions {
  QueueAddress address;
  // Names the index that the group is read into.
  std::string index;
  // Removes entries from the stream once they are acknowledged.
  bool remove = false;
  // Entries that wait in memory, and their bytes: reading stops above either.
  size_t max_entries = 256;
  uint64_t max_bytes = 64 << 20;
  int64_t timeout_ms = 5000;
  int64_t retry_ms = 1000;
  // The queue need not answer at first: it is told of, and tried again.
  bool may_be_away = false;
  // Called from another thread when there is something for Next, and when the
  // queue was found empty.
  std::function<void()> wake;
  // Receives lines for people, from other threads.
  std::function<void(const std::string&)> report;
};

// A lost connection is told of and made again; nothing is lost with it, and
// nothing that the caller still has is given out twice. Thread-safe.
class QueueReader {
 public:
  // Connects, makes the group and takes it for the index. Errors as those of
  // RedisStream, but for a queue that `may_be_away`.
  static absl::StatusOr<std::unique_ptr<QueueReader>> Create(
      QueueReaderOptions options);
  ~QueueReader();
  QueueReader(const QueueReader&) = delete;
  QueueReader& operator=(const QueueReader&) = delete;

  // The next entry, oldest first, and what was handed out before a crash before
  // all others; nothing where none waits.
  std::optional<QueueEntry> Next();
  // Whether Next has something.
  bool HasNext() const;
  // About how many entries wait, here and in the stream.
  int64_t waiting() const;
  // All that these entries ask for is durable, in this generation.
  void Acknowledge(std::vector<std::string> ids, uint64_t generation);
  // The entry cannot be used, for this reason.
  void Bury(QueueEntry entry, std::string reason);

  // Waits at most `timeout_ms` (for ever where negative), until Wake, and where
  // `for_entries` until Next has something.
  void Wait(int64_t timeout_ms, bool for_entries = true);
  // Makes the Wait that is waiting, or else the next one, return.
  void Wake();
  // Whether the queue was empty when it was last asked, nothing waits for Next,
  // and all answers have been given.
  bool Drained() const;
  // Whether the queue was found empty, or all read that it held, once.
  bool HasCaughtUp() const;
  // Whether the queue does not answer.
  bool IsLost() const;
  // Waits until all answers have been given; false after `timeout_ms`.
  bool Flush(int64_t timeout_ms);

 private:
  explicit QueueReader(QueueReaderOptions options);
  absl::StatusOr<std::unique_ptr<RedisStream>> Connect() const;
  void ReadLoop();
  void AnswerLoop();
  // Both until the connection fails, or the reader stops.
  absl::Status ReadAll(RedisStream* stream);
  // `answered` is set when anything was.
  absl::Status AnswerAll(RedisStream* stream, bool* answered);
  // Takes entries that are not held already; returns how many.
  size_t Keep(std::vector<QueueEntry> entries);
  // Tells of a loss, once for each kind, and waits before the next try. False
  // where the reader stops.
  bool Retry(const absl::Status& status, bool* lost);
  // Tells, once, that a loss is over.
  void Regain(bool* lost);
  void Report(const std::string& line);

  const QueueReaderOptions options_;

  mutable std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::deque<QueueEntry> entries_;
  uint64_t bytes_ = 0;          // Of entries_.
  std::set<std::string> held_;  // Ids from when they came until answered.
  // Ids that were answered while the reply that is awaited may name them.
  std::set<std::string> answered_;
  std::deque<std::string> acknowledged_;
  uint64_t generation_ = 0;  // Of the newest of them.
  std::deque<std::pair<QueueEntry, std::string>> buried_;
  bool empty_ = false;  // The queue was, when it was last asked.
  bool woken_ = false;
  int64_t waiting_ = 0;        // Entries of the stream that were not read yet.
  bool reading_lost_ = false;  // The loss of the connection was told.
  bool answering_lost_ = false;
  absl::StatusCode told_loss_ = absl::StatusCode::kOk;  // Of either.
  bool caught_up_ = false;
  bool stopping_ = false;
  RedisStream* reading_ = nullptr;  // For the destructor to interrupt.
  RedisStream* answering_ = nullptr;

  std::thread threads_[2];
};

}  // namespace vitrine
