// The whole search against hnswlib's, each over a graph of the same rows, at
// equal recall.
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/native_hnswlib.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_index.h"
#include "benchmarks/synthetic_rows.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/index/search.h"
#include "common/vector/half.h"

namespace vitrine {
namespace {

constexpr int kK = 10;
constexpr int kEfConstruction = 200;
constexpr double kRecall = 0.99;
constexpr int kLadder[] = {10,  16,  24,  32,  48,  64, 96,
                           128, 192, 256, 384, 512, 768};

using Answer = std::vector<uint32_t>;

// A side of the comparison: answers query i at an ef.
struct Side {
  std::string name;
  std::function<void(size_t query, int ef, Answer* answer)> ask;
  std::vector<double> recalls;             // One for each ef of the ladder,
  std::vector<std::vector<double>> rates;  // and so many rates, one a run.

  // Queries a second at the recall that is asked for, between two steps of the
  // ladder. Nothing where no step reaches it, or the first does already.
  std::optional<double> RateAt(double recall) const {
    for (size_t i = 1; i < recalls.size() && recalls[0] < recall; ++i) {
      if (recalls[i] < recall) continue;
      const double here = Median(rates[i]);
      const double share =
          (recall - recalls[i - 1]) / (recalls[i] - recalls[i - 1]);
      return std::exp((1 - share) * std::log(Median(rates[i - 1])) +
                      share * std::log(here));
    }
    return std::nullopt;
  }
};

double RecallOf(const std::vector<Answer>& truth,
                const std::vector<Answer>& answers) {
  size_t found = 0;
  for (size_t q = 0; q < truth.size(); ++q) {
    for (uint32_t row : truth[q]) {
      found += static_cast<size_t>(
          std::count(answers[q].begin(), answers[q].end(), row));
    }
  }
  return static_cast<double>(found) / static_cast<double>(truth.size() * kK);
}

// Runs all sides at all steps once.
void RunOnce(std::vector<Side>& sides, const std::vector<Answer>& truth) {
  std::vector<Answer> answers(truth.size());
  for (size_t step = 0; step < std::size(kLadder); ++step) {
    for (Side& side : sides) {
      const double seconds = TimeSeconds([&] {
        for (size_t q = 0; q < truth.size(); ++q) {
          side.ask(q, kLadder[step], &answers[q]);
        }
      });
      side.recalls.resize(std::size(kLadder));
      side.rates.resize(std::size(kLadder));
      side.recalls[step] = RecallOf(truth, answers);
      side.rates[step].push_back(static_cast<double>(truth.size()) / seconds);
    }
  }
}

void AddSizes(const Snapshot& snapshot, const NativeHnswlib& hnswlib,
              Report* report) {
  const Shard& shard = *snapshot.shards().front().shard;
  const auto touched =
      static_cast<double>(shard.dim()) + shard.graph()->level0_bytes_a_row();
  report->Add({.name = "touched_bytes_vs_hnswlib",
               .value = touched,
               .unit = "bytes a row walked",
               .against = "vector and links of hnswlib 0.6.2, M 16",
               .ratio = touched / static_cast<double>(hnswlib.RowBytes())});
  const auto bytes =
      static_cast<double>(snapshot.serving().shards(0).file().bytes());
  report->Add({.name = "file_bytes_vs_hnswlib",
               .value = bytes,
               .unit = "bytes",
               .against = "the file of hnswlib 0.6.2, M 16, which has no keys",
               .ratio = bytes / static_cast<double>(hnswlib.FileBytes())});
}

}  // namespace

absl::Status RunSearchRows(const BenchOptions& options, Report* report) {
  std::string degraded;
  VITRINE_ASSIGN_OR_RETURN(
      auto stored, Snapshot::OpenNewest({options.index}, nullptr, &degraded));
  VITRINE_ASSIGN_OR_RETURN(
      const SyntheticRows drawn,
      DrawSyntheticRows(*stored, options.split_file, options.rows));
  for (const auto& [name, rows] :
       {std::pair<std::string, std::span<const uint16_t>>{"real", drawn.real},
        {"drawn", drawn.rows}}) {
    const Neighbourhood found = NeighbourhoodOf(rows, drawn.dim, drawn.queries);
    report->Add({.name = absl::StrCat(name, "_tenth_distance"),
                 .value = found.tenth,
                 .unit = "1 - cosine"});
    report->Add({.name = absl::StrCat(name, "_intrinsic_dim"),
                 .value = found.intrinsic_dim,
                 .unit = ""});
  }

  ScratchIndex index;
  std::shared_ptr<const Snapshot> snapshot;
  absl::Status status;
  const double our_seconds = TimeSeconds([&] {
    auto built = index.Build(*stored, RowsOf(drawn));
    status = built.status();
    if (built.ok()) snapshot = *built;
  });
  VITRINE_RETURN_IF_ERROR(status);

  std::vector<float> floats(drawn.rows.size());
  FloatsFromHalves(drawn.rows.data(), drawn.rows.size(), floats.data());
  std::vector<std::unique_ptr<NativeHnswlib>> opponents;
  std::vector<Side> sides;
  sides.push_back({"vitrine",
                   [&](size_t q, int ef, Answer* answer) {
                     SearchParams params;
                     params.k = kK;
                     params.ef = ef;
                     const auto result =
                         Search(*snapshot, drawn.queries[q], params);
                     answer->clear();
                     if (!result.ok()) return;
                     for (const SearchHit& hit : result->hits) {
                       answer->push_back(hit.row);
                     }
                   },
                   {},
                   {}});
  double their_seconds = 0;
  for (const int m : {16, 32}) {
    const double seconds = TimeSeconds([&] {
      opponents.push_back(std::make_unique<NativeHnswlib>(
          floats, drawn.dim, m, kEfConstruction, AvailableCores()));
    });
    if (m == 16) their_seconds = seconds;
    NativeHnswlib* opponent = opponents.back().get();
    sides.push_back({absl::StrCat("hnswlib 0.6.2, M ", m),
                     [opponent, &drawn](size_t q, int ef, Answer* answer) {
                       opponent->SetEf(ef);
                       opponent->Search(drawn.queries[q].data(), kK, answer);
                     },
                     {},
                     {}});
  }
  report->Add({.name = "build_vs_hnswlib",
               .value = static_cast<double>(options.rows) / our_seconds,
               .unit = "rows/s",
               .against = "building hnswlib's, M 16, in memory",
               .ratio = their_seconds / our_seconds});
  AddSizes(*snapshot, *opponents.front(), report);

  std::vector<Answer> truth(drawn.queries.size());
  for (size_t q = 0; q < truth.size(); ++q) {
    SearchParams params;
    params.k = kK;
    params.exact = true;
    VITRINE_ASSIGN_OR_RETURN(const SearchResult result,
                             Search(*snapshot, drawn.queries[q], params));
    for (const SearchHit& hit : result.hits) truth[q].push_back(hit.row);
  }
  {
    const PinnedToOneCore pinned;
    for (int i = 0; i < options.repetitions; ++i) RunOnce(sides, truth);
  }
  const std::optional<double> ours = sides[0].RateAt(kRecall);
  for (size_t s = 1; s < sides.size(); ++s) {
    const std::optional<double> theirs = sides[s].RateAt(kRecall);
    if (!ours || !theirs) {
      return absl::InternalError(
          absl::StrCat(!ours ? sides[0].name : sides[s].name,
                       " crosses no recall of ", kRecall, " between ef ",
                       kLadder[0], " and ", kLadder[std::size(kLadder) - 1]));
    }
    report->Add({.name = "search_vs_hnswlib",
                 .value = *ours,
                 .unit = "queries/s",
                 .against = absl::StrCat(sides[s].name, ", over ", options.rows,
                                         " rows, one core"),
                 .ratio = *ours / *theirs,
                 .recall = kRecall});
  }
  return absl::OkStatus();
}

}  // namespace vitrine
