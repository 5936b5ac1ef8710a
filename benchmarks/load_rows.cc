// How long single searches take under a steady load, while nothing is published
// and while a generation is published each second. The server has a core, those
// who ask another.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/load_generator.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_folder.h"
#include "benchmarks/served_index.h"
#include "benchmarks/stored_queries.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/thread_priority.h"
#include "indexer/index_changes.h"
#include "indexer/merger.h"
#include "indexer/publisher.h"

namespace vitrine {
namespace {

constexpr size_t kQueries = 512;
constexpr size_t kCallsInFlight = 16;
constexpr size_t kCalls = 20000;
constexpr double kWindowSeconds = 20;
constexpr double kWindowSecondsQuickly = 4;
constexpr int kWindows = 5;
constexpr int kWindowsQuickly = 3;

// Publishes a generation each second, with one more product, as an indexer
// would that has embedded a picture already; and merges as an indexer does.
class PublishingEachSecond {
 public:
  explicit PublishingEachSecond(Publisher* publisher)
      : publisher_(publisher),
        merger_(publisher, MergeLimits(), [](const absl::Status&) {}),
        thread_([this] { Run(); }) {}
  ~PublishingEachSecond() { Stop().IgnoreError(); }

  // What went wrong, if anything.
  absl::Status Stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
    return status_;
  }
  int published() const { return published_; }

 private:
  void Run() {
    // Where it shares a core with those who ask, they go first.
    LowerThreadPriority(19);
    auto next = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    while (status_.ok()) {
      next += std::chrono::seconds(1);
      if (wake_.wait_until(lock, next, [this] { return stopping_; })) return;
      lock.unlock();
      status_ = PublishOne();
      merger_.Wake();
      lock.lock();
    }
  }

  absl::Status PublishOne() {
    const IndexView view = publisher_->view();
    const std::string name =
        absl::StrCat("bench-", view.snapshot->generation());
    const LiveShard& live = view.snapshot->shards().front();
    Row row;
    row.product_id = name;
    row.image_key = absl::StrCat(name, ".jpg");
    row.sha256 = Sha256(name);
    const uint16_t* vector = live.shard->vector(0);
    row.vector.assign(vector, vector + view.snapshot->dim());
    ChangeSet changes(view.snapshot, view.sources);
    changes.PutImage(std::move(row), "");
    storage::ProductRecord product;
    product.set_title(name);
    product.set_category("bench");
    changes.Describe(name, product);
    VITRINE_RETURN_IF_ERROR(publisher_->Publish(changes.changes()).status());
    ++published_;
    return absl::OkStatus();
  }

  Publisher* const publisher_;
  Merger merger_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  int published_ = 0;
  absl::Status status_;  // Of the thread, until it is joined.
  std::thread thread_;
};

// Of one window, in milliseconds.
struct Latencies {
  double p50 = 0, p95 = 0, p99 = 0;
};

}  // namespace

absl::Status RunLoadRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(const CorePair cores, TwoCores());
  const PinnedToOneCore pinned(cores.asker);
  VITRINE_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Make());
  const IndexPaths paths{scratch.path() / "index"};
  std::error_code error;
  std::filesystem::copy(options.index, paths.root,
                        std::filesystem::copy_options::recursive, error);
  if (error) {
    return absl::InternalError(absl::StrCat("copying ", options.index.string(),
                                            ": ", error.message()));
  }
  VITRINE_ASSIGN_OR_RETURN(const auto publisher,
                           Publisher::Open(paths, PublisherOptions()));
  const auto snapshot = publisher->view().snapshot;
  const StoredQueries queries = QueriesOf(*snapshot, kQueries);
  if (queries.requests.empty()) {
    return absl::FailedPreconditionError("the index has no picture");
  }
  VITRINE_ASSIGN_OR_RETURN(const auto server,
                           ServedIndex::Start(paths.root, cores.server));
  std::vector<double> capacities;
  for (int run = 0; run < 4; ++run) {
    VITRINE_ASSIGN_OR_RETURN(
        const double capacity,
        UnaryRate(server->stub(), queries.requests, kCalls, kCallsInFlight));
    if (run > 0) capacities.push_back(capacity);
  }
  const double rate = Median(capacities) / 2;
  const auto measure = [&]() -> absl::StatusOr<Latencies> {
    VITRINE_ASSIGN_OR_RETURN(
        const std::vector<double> all,
        OpenLoopLatencies(
            server->stub(), queries.requests, rate,
            options.quick ? kWindowSecondsQuickly : kWindowSeconds));
    return Latencies{Quantile(all, 0.5), Quantile(all, 0.95),
                     Quantile(all, 0.99)};
  };
  std::vector<double> p50, p95, p99, publishing_p99;
  int published = 0;
  const int windows = options.quick ? kWindowsQuickly : kWindows;
  for (int window = 0; window < windows; ++window) {
    VITRINE_ASSIGN_OR_RETURN(const Latencies quiet, measure());
    p50.push_back(quiet.p50);
    p95.push_back(quiet.p95);
    p99.push_back(quiet.p99);
    PublishingEachSecond publishing(publisher.get());
    VITRINE_ASSIGN_OR_RETURN(const Latencies busy, measure());
    VITRINE_RETURN_IF_ERROR(publishing.Stop());
    published += publishing.published();
    publishing_p99.push_back(busy.p99);
  }
  const std::string load =
      absl::StrCat("ms at ", static_cast<int>(rate), " queries/s");
  report->Add({.name = "p50", .value = Median(p50), .unit = load});
  report->Add({.name = "p95", .value = Median(p95), .unit = load});
  report->Add({.name = "p99", .value = Median(p99), .unit = load});
  report->Add(
      {.name = "reload_p99_ratio",
       .value = Median(publishing_p99),
       .unit = load,
       .against = absl::StrCat("p99 while nothing is published; ", published,
                               " generations, ", windows, " windows each"),
       .ratio = Median(publishing_p99) / Median(p99)});
  return absl::OkStatus();
}

}  // namespace vitrine
