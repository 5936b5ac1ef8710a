#include "indexer/signal_waiter.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/base/termination.h"
#include "indexer/partition_supervisor.h"

namespace vitrine {
namespace {

constexpr std::chrono::seconds kSameSignal{2};

}  // namespace

SignalWaiter::SignalWaiter(Log* log) : log_(log) {
  CatchTermination();
  std::thread([this] { Wait(); }).detach();
}

void SignalWaiter::SetTarget(Indexer* indexer) {
  std::lock_guard lock(mutex_);
  target_ = indexer;
  if (target_ != nullptr && signalled_) target_->Stop();
}

void SignalWaiter::Wait() {
  log_->Info(absl::StrCat(strsignal(AwaitTermination()),
                          ": finishing what is being read; a second signal "
                          "ends it at once"));
  {
    std::lock_guard lock(mutex_);
    signalled_ = true;
    if (target_ != nullptr) target_->Stop();
  }
  const auto first = std::chrono::steady_clock::now();
  int signal = AwaitTermination();
  // Whoever signals all processes of a unit signals its supervisor, too, which
  // hands that on: it is one.
  while (std::getenv(kSupervised) != nullptr &&
         std::chrono::steady_clock::now() - first < kSameSignal) {
    signal = AwaitTermination();
  }
  ::_exit(128 + signal);
}

}  // namespace vitrine
