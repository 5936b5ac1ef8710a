// How an indexer is asked to end.
#pragma once

#include <mutex>

#include "common/log/log.h"
#include "indexer/indexer.h"

namespace vitrine {

// Waits for signals in a thread of its own: the first asks the indexer to end,
// the second ends the process. It is never destroyed, as its thread may outlive
// main.
class SignalWaiter {
 public:
  // `log` must live as long.
  explicit SignalWaiter(Log* log);
  ~SignalWaiter() = delete;

  // Null where there is nothing to end any more.
  void SetTarget(Indexer* indexer);

 private:
  [[noreturn]] void Wait();

  Log* const log_;
  std::mutex mutex_;  // Guards what follows.
  Indexer* target_ = nullptr;
  bool signalled_ = false;
};

}  // namespace vitrine
