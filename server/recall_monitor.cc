#include "server/recall_monitor.h"

#include <time.h>

#include <random>
#include <utility>

#include "common/base/thread_priority.h"
#include "common/index/recall.h"

namespace vitrine {
namespace {

// After a comparison none is begun for so many times as long, however large the
// index: an exact scan takes as long as thousands of walks.
constexpr int kRest = 200;

// Of the calling thread. On the wall a comparison may take far longer: others
// go first.
std::chrono::nanoseconds ThreadCpuTime() {
  timespec now;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) +
         std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

RecallMonitor::RecallMonitor(double share) : share_(share) {
  if (share_ > 0) thread_ = std::thread([this] { Run(); });
}

RecallMonitor::~RecallMonitor() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void RecallMonitor::Offer(const std::shared_ptr<const Snapshot>& snapshot,
                          const Query& query, const SearchResult& result) {
  // Scans find everything.
  if (share_ <= 0 ||
      result.recall_basis == SearchResult::RecallBasis::kScanned) {
    return;
  }
  thread_local std::minstd_rand random{std::random_device{}()};
  if (share_ < 1 && std::uniform_real_distribution<>()(random) >= share_)
    return;
  std::lock_guard lock(mutex_);
  if (busy_ || waiting_ || std::chrono::steady_clock::now() < rests_until_)
    return;
  Comparison& comparison = waiting_.emplace();
  comparison.snapshot = snapshot;
  comparison.vector = query.vector;
  comparison.rows = query.rows;
  comparison.params = query.params;
  for (std::string_view product : query.params.excluded_products)
    comparison.excluded_products.emplace_back(product);
  comparison.params.excluded_products.clear();
  if (query.params.first != nullptr) comparison.first = *query.params.first;
  comparison.params.first = nullptr;
  comparison.params.stop = nullptr;
  comparison.result = result;
  changed_.notify_all();
}

std::vector<RecallMonitor::Found> RecallMonitor::found() const {
  std::lock_guard lock(mutex_);
  std::vector<Found> found;
  for (size_t i = 0; i < kUpTo.size(); ++i) {
    if (queries_[i] == 0) continue;
    found.push_back({i + 1 < kUpTo.size() ? kUpTo[i + 1] : 0, kUpTo[i],
                     queries_[i],
                     recalls_[i] / static_cast<double>(queries_[i])});
  }
  return found;
}

void RecallMonitor::WaitUntilIdle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !busy_ && !waiting_; });
}

void RecallMonitor::Run() {
  LowerThreadPriority(19);  // Callers go first.
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || waiting_; });
    if (stopping_) return;
    const std::chrono::nanoseconds begin = ThreadCpuTime();
    // Gone, with the snapshot that it keeps, before the next one is taken.
    {
      const Comparison comparison = *std::exchange(waiting_, std::nullopt);
      busy_ = true;
      lock.unlock();
      Compare(comparison);
    }
    const std::chrono::nanoseconds took = ThreadCpuTime() - begin;
    lock.lock();
    busy_ = false;
    if (share_ < 1)
      rests_until_ = std::chrono::steady_clock::now() + kRest * took;
    changed_.notify_all();
  }
}

void RecallMonitor::Compare(const Comparison& comparison) {
  SearchParams params = comparison.params;
  for (const std::string& product : comparison.excluded_products)
    params.excluded_products.insert(product);
  if (comparison.first) params.first = &*comparison.first;
  params.exact = true;
  params.ef = 0;
  params.min_recall = 0;
  const auto exact = Search(*comparison.snapshot, comparison.vector, params);
  // What is read of a damaged file may be zeros.
  if (!exact.ok() || !comparison.snapshot->CheckFiles().ok()) return;
  const double recall = RecallOf(*exact, comparison.result, params.k);
  const double passing =
      static_cast<double>(exact->rows_matching) /
      static_cast<double>(std::max<uint64_t>(comparison.snapshot->images(), 1));
  size_t place = 0;
  while (place + 1 < kUpTo.size() && passing <= kUpTo[place + 1]) ++place;
  std::lock_guard lock(mutex_);
  ++queries_[place];
  recalls_[place] += recall;
}

}  // namespace vitrine
