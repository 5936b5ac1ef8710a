// Events of a queue whose pictures are being read.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "indexer/catalog_event.h"
#include "indexer/ingest.h"

namespace vitrine {

// Thread-safe.
class EventWork {
 public:
  struct Event {
    std::string entry;  // Its place in the queue.
    ProductChange change;
    std::vector<PictureResult> results;  // Of each picture.
  };

  // Adds an event that has pictures. Those with a mark in `is_read` have their
  // results already; not all of them.
  void Put(Event event, const std::vector<bool>& is_read = {});
  // The next picture to be read; nothing where none waits.
  std::optional<PictureTask> Take();
  // A picture was read. The event, once that was its last one.
  std::optional<Event> Finish(PictureResult result);

  // Pictures that wait or are being read, and their bytes.
  size_t pictures() const;
  uint64_t bytes() const;

 private:
  struct Pending {
    Event event;
    size_t left = 0;  // Pictures that are not read yet.
    uint64_t bytes = 0;
  };

  mutable std::mutex mutex_;  // Guards what follows.
  std::map<uint64_t, Pending> pending_;
  std::deque<std::pair<uint64_t, size_t>> waiting_;  // Event and picture.
  uint64_t next_ticket_ = 1;
  size_t pictures_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace vitrine
