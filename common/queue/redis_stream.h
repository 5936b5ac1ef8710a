// A Redis Stream of catalogue events: XADD on one side, a consumer group on the
// other (https://redis.io/docs/data-types/streams).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/queue/queue_address.h"

namespace vitrine {

// An entry that was handed to the group and is not acknowledged.
struct QueueEntry {
  std::string id;  // "1700000000000-0": milliseconds since 1970, and a number.
  // The bytes of a vitrine.v1.CatalogEvent; empty where it has no such field.
  std::string event;
  bool gone = false;   // It was deleted from the stream since.
  int deliveries = 1;  // How often it was handed out.
};

// A number that rises with the entries of a stream; 0 where `id` is none. Those
// of one millisecond differ up to a million of them.
uint64_t VersionOfEntry(std::string_view id);
// When the stream took it, in milliseconds since 1970; 0 where `id` is none.
int64_t UnixMsOfEntry(std::string_view id);

// What a group has still to do.
struct QueueBacklog {
  int64_t pending = 0;  // Entries that are handed out.
  int64_t waiting = 0;  // Those that are not yet; -1 where that is not known.
  std::string last_delivered;  // Empty where there is no group yet.
  std::string oldest_pending;  // Empty where nothing is pending.
};

// One connection. UNAVAILABLE where it is lost, after which every call fails:
// connect again. FAILED_PRECONDITION where the server refuses a command. Not
// thread-safe, but for Interrupt. A program that has connected ignores SIGPIPE.
class RedisStream {
 public:
  static absl::StatusOr<std::unique_ptr<RedisStream>> Connect(
      const QueueAddress& address, int64_t timeout_ms);
  virtual ~RedisStream() = default;

  // Appends an event and returns its id.
  virtual absl::StatusOr<std::string> Add(std::string_view event) = 0;

  // Makes the group, and the stream, where there is none; a new group begins
  // with the first entry there is.
  virtual absl::Status MakeGroup() = 0;
  // The group is read into one index: `index` is its name. FAILED_PRECONDITION
  // where another has it.
  virtual absl::Status Own(std::string_view index) = 0;
  // Entries after `after` ("0": all) that were handed out and not acknowledged.
  virtual absl::StatusOr<std::vector<QueueEntry>> ReadPending(
      std::string_view after, int64_t count) = 0;
  // New entries; waits for the first, at most `block_ms`.
  virtual absl::StatusOr<std::vector<QueueEntry>> ReadNew(int64_t count,
                                                          int64_t block_ms) = 0;
  // Notes the generation that holds all that is acknowledged from now on …
  virtual absl::Status NoteGeneration(uint64_t generation) = 0;
  // … and tells it; 0 where none was noted.
  virtual absl::StatusOr<uint64_t> NotedGeneration() = 0;
  // `remove`: from the stream too.
  virtual absl::Status Acknowledge(std::span<const std::string> ids,
                                   bool remove) = 0;
  // Appends the entry to the dead letters with the reason, and acknowledges it.
  // Reads the event anew where it is empty.
  virtual absl::Status Bury(const QueueEntry& entry, std::string_view reason,
                            bool remove) = 0;
  // All of the stream waits where there is no group.
  virtual absl::StatusOr<QueueBacklog> Backlog() = 0;
  // How many dead letters there are.
  virtual absl::StatusOr<int64_t> DeadLetters() = 0;

  // Makes the call that is waiting, and all later ones, fail. From any thread.
  virtual void Interrupt() = 0;
};

}  // namespace vitrine
