// Pictures that wait to be read, fresh ones before those of a bulk.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/catalog/catalog.h"
#include "indexer/ingest.h"

namespace vitrine {

// Thread-safe.
class WorkQueue {
 public:
  struct Work {
    CatalogPicture picture;
    std::vector<std::string> warnings;  // For its receipt.
    std::string known_sha256;           // See PictureTask.
    int64_t arrived_unix_ms = 0;        // When the file was first seen.
  };

  // Adds a picture. Takes the place of an earlier version of the same file;
  // what is being read of that is void then. The same version twice is one.
  void Put(Work work, bool fresh);
  // The file is gone, or the folder with all below it.
  void Drop(std::string_view path);
  // These products are deleted.
  void DropProducts(const std::set<std::string, std::less<>>& products);

  // The next picture to be read; nothing where none waits or the queue is
  // paused.
  std::optional<PictureTask> Take();
  // The picture of a task that was read; nothing where that has become void.
  std::optional<Work> Finish(const PictureTask& task);

  // Makes Take give nothing until resumed.
  void Pause() { paused_ = true; }
  void Resume() { paused_ = false; }
  bool paused() const { return paused_; }

  // Pictures that wait or are being read.
  size_t size() const;

 private:
  struct Entry {
    Work work;
    uint64_t ticket = 0;
    bool taken = false;
    bool fresh = false;
  };

  mutable std::mutex mutex_;                        // Guards what follows.
  std::unordered_map<std::string, Entry> entries_;  // By path.
  std::deque<std::pair<std::string, uint64_t>> fresh_;
  std::deque<std::pair<std::string, uint64_t>> bulk_;
  uint64_t next_ticket_ = 1;

  std::atomic<bool> paused_{false};
};

}  // namespace vitrine
