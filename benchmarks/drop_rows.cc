// Products that come one by one, each in a generation of its own, to an index
// that is large already: what searches take meanwhile and after, against one
// index of them all.
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "benchmarks/answers.h"
#include "benchmarks/changing_index.h"
#include "benchmarks/curve.h"
#include "benchmarks/load_generator.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_index.h"
#include "benchmarks/served_index.h"
#include "benchmarks/synthetic_rows.h"
#include "common/base/status.h"
#include "common/index/search.h"

namespace vitrine {
namespace {

constexpr size_t kDropsOneOf = 10;  // Of the rows that are there before.
constexpr int kK = 10;
constexpr int kRounds = 5;

double Microseconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

using Answers = std::vector<std::vector<std::string>>;  // Product ids.

// Asks every query once, adds what each took, and tells the answers where they
// are asked for.
absl::Status Ask(const Snapshot& snapshot,
                 const std::vector<std::vector<float>>& queries,
                 std::vector<double>* microseconds, bool exact = false,
                 Answers* answers = nullptr) {
  SearchParams params;
  params.k = kK;
  params.exact = exact;
  if (answers != nullptr) answers->clear();
  for (const std::vector<float>& query : queries) {
    const auto begin = std::chrono::steady_clock::now();
    VITRINE_ASSIGN_OR_RETURN(const SearchResult result,
                             Search(snapshot, query, params));
    microseconds->push_back(
        Microseconds(std::chrono::steady_clock::now() - begin));
    if (answers != nullptr) answers->push_back(ProductIdsOf(result));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> EfOf(const Snapshot& snapshot,
                         const std::vector<float>& query) {
  VITRINE_ASSIGN_OR_RETURN(const SearchResult result,
                           Search(snapshot, query, {.k = kK}));
  return result.ef;
}

// "100000, 9000 and 20 flat rows".
std::string ShardsOf(const Snapshot& snapshot) {
  std::vector<std::string> graphs;
  uint32_t flat = 0;
  for (const LiveShard& live : snapshot.shards()) {
    if (live.shard->graph() == nullptr) {
      flat += live.shard->rows();
    } else {
      graphs.push_back(absl::StrCat(live.shard->rows()));
    }
  }
  return absl::StrCat(absl::StrJoin(graphs, ", "), " and ", flat, " flat rows");
}

// Asks the newest generation, over and over, on one core.
class Asker {
 public:
  Asker(const ChangingIndex& index,
        const std::vector<std::vector<float>>& queries, int core)
      : thread_([this, &index, &queries, core] {
          const PinnedToOneCore pinned(core);
          while (!done_ && status_.ok()) {
            status_ = Ask(*index.snapshot(), queries, &microseconds_);
          }
        }) {}
  ~Asker() { Stop().IgnoreError(); }

  absl::Status Stop() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
    return status_;
  }
  // After Stop.
  const std::vector<double>& microseconds() const { return microseconds_; }

 private:
  std::atomic<bool> done_ = false;
  absl::Status status_;  // Of the thread, until it is joined; likewise, …
  std::vector<double> microseconds_;
  std::thread thread_;
};

}  // namespace

absl::Status RunDropRows(const BenchOptions& options, Report* report) {
  const size_t drops = options.rows / kDropsOneOf;
  VITRINE_ASSIGN_OR_RETURN(const CorePair cores, TwoCores());
  VITRINE_ASSIGN_OR_RETURN(const SyntheticRows drawn,
                           DrawSyntheticRows(options.index, options.split_file,
                                             options.rows + drops));
  VITRINE_ASSIGN_OR_RETURN(
      const auto index,
      ChangingIndex::Make({options.index}, drawn, options.rows));
  ScratchIndex merged_index;
  VITRINE_ASSIGN_OR_RETURN(
      const auto merged,
      merged_index.Build(*drawn.source, RowsOf(drawn), ProductsOf(drawn),
                         GraphRecall::kMeasured));

  std::vector<double> publications;
  std::optional<Asker> asker(std::in_place, *index, drawn.queries, cores.asker);
  {
    const PinnedToOneCore pinned(cores.server);
    for (size_t i = 0; i < drops; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      VITRINE_RETURN_IF_ERROR(index->Publish(options.rows + i, 1, {}));
      publications.push_back(
          Microseconds(std::chrono::steady_clock::now() - begin) / 1000);
    }
  }
  VITRINE_RETURN_IF_ERROR(asker->Stop());
  const double settle_s = TimeSeconds([&] { index->Settle().IgnoreError(); });
  VITRINE_RETURN_IF_ERROR(index->Settle());
  const auto settled = index->snapshot();

  std::vector<double> settled_us, merged_us, exact_us;
  Answers right, of_settled, of_merged;
  {
    const PinnedToOneCore pinned(cores.asker);
    VITRINE_RETURN_IF_ERROR(
        Ask(*settled, drawn.queries, &exact_us, /*exact=*/true, &right));
    for (int round = 0; round < kRounds; ++round) {
      VITRINE_RETURN_IF_ERROR(
          Ask(*settled, drawn.queries, &settled_us, false, &of_settled));
      VITRINE_RETURN_IF_ERROR(
          Ask(*merged, drawn.queries, &merged_us, false, &of_merged));
    }
  }
  // Chosen by what was measured when each graph was built: in steps, so that it
  // may differ from one run to the next.
  VITRINE_ASSIGN_OR_RETURN(const int settled_ef,
                           EfOf(*settled, drawn.queries.front()));
  VITRINE_ASSIGN_OR_RETURN(const int merged_ef,
                           EfOf(*merged, drawn.queries.front()));
  const double alone = Median(merged_us);
  const std::string against =
      absl::StrCat("one index of the same ", options.rows + drops,
                   " products, nothing else going on");
  report->Add({.name = "drops_search_meanwhile",
               .value = Median(asker->microseconds()),
               .unit = "µs (p50)",
               .against = against,
               .ratio = Median(asker->microseconds()) / alone});
  report->Add(
      {.name = "drops_search_settled",
       .value = Median(settled_us),
       .unit = absl::StrCat("µs (p50), ef ", settled_ef, ", shards of ",
                            ShardsOf(*settled)),
       .against = absl::StrFormat("%s, ef %d, recall %.4f", against, merged_ef,
                                  RecallOf<std::string>(right, of_merged)),
       .ratio = Median(settled_us) / alone,
       .recall = RecallOf<std::string>(right, of_settled)});
  report->Add({.name = "drops_publication",
               .value = Quantile(publications, 0.5),
               .unit = "ms (p50)"});
  report->Add({.name = "drops_publication_p99",
               .value = Quantile(publications, 0.99),
               .unit = "ms"});
  report->Add({.name = "drops_settle", .value = settle_s, .unit = "s"});
  report->Add({.name = "drops_write_amplification",
               .value = index->write_totals().Amplification(),
               .unit = absl::StrCat(
                   "bytes written, manifests too, a byte of the files of ",
                   drops, " products"),
               .against = "the limit of 12",
               .ratio = index->write_totals().Amplification() / 12});
  return absl::OkStatus();
}

}  // namespace vitrine
