// The whole search against those of others, each over graphs of the same rows,
// at equal recall.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/curve.h"
#include "benchmarks/native_hnswlib.h"
#include "benchmarks/opponents.h"
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
constexpr size_t kManyRows = 500'000;  // To build a graph takes minutes.
// The last steps are for a million rows, whose tenth neighbours are hard to
// tell from their hundredth.
constexpr int kLadder[] = {10,  16,  24,  32,  48,   64,   96,   128,  192,
                           256, 384, 512, 768, 1024, 1536, 2048, 3072, 4000};

// A side whose recall has come so far has no use for more effort.
constexpr double kEnough = 0.998;
using Answers = std::vector<std::vector<uint32_t>>;

// One that answers all queries at an ef, on one thread, and returns the seconds
// of CPU time that took.
struct Side {
  std::string name;
  std::function<absl::StatusOr<double>(int ef, Answers* answers)> ask;
};

// Has all sides answer at every ef of the ladder, `repetitions` times, in turn,
// so that what else the machine does falls on all of them. One curve a side.
absl::StatusOr<std::vector<Curve>> Race(const std::vector<const Side*>& sides,
                                        const Answers& truth, int repetitions) {
  const PinnedToOneCore pinned;
  std::vector<Curve> curves(sides.size());
  Answers answers(truth.size());
  for (int run = 0; run < repetitions; ++run) {
    for (size_t step = 0; step < std::size(kLadder); ++step) {
      for (size_t s = 0; s < sides.size(); ++s) {
        std::vector<Curve::Point>& points = curves[s].points;
        curves[s].name = sides[s]->name;
        if (step > 0 &&
            (points.size() < step || points[step - 1].recall >= kEnough)) {
          continue;
        }
        VITRINE_ASSIGN_OR_RETURN(const double seconds,
                                 sides[s]->ask(kLadder[step], &answers));
        if (points.size() == step) {
          points.push_back(
              {kLadder[step], RecallOf<uint32_t>(truth, answers), {}});
        }
        points[step].rates.push_back(static_cast<double>(truth.size()) /
                                     seconds);
      }
    }
  }
  return curves;
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
      static_cast<double>(snapshot.set().shards(0).file().bytes());
  report->Add({.name = "file_bytes_vs_hnswlib",
               .value = bytes,
               .unit = "bytes",
               .against = "the file of hnswlib 0.6.2, M 16, which has no keys",
               .ratio = bytes / static_cast<double>(hnswlib.FileBytes())});
}

// The searches of one snapshot against those of others over the same rows.
class Contest {
 public:
  Contest(const BenchOptions& options, const Snapshot& snapshot,
          const SyntheticRows& drawn, Report* report)
      : options_(options),
        snapshot_(snapshot),
        drawn_(drawn),
        report_(report),
        floats_(drawn.rows.size()) {
    FloatsFromHalves(drawn.rows.data(), drawn.rows.size(), floats_.data());
    ms_ = options.quick || options.rows >= kManyRows ? std::vector<int>{16}
                                                     : std::vector<int>{16, 32};
    ours_ = {"vitrine", [this](int ef, Answers* answers) {
               return AskOurs({.k = kK, .ef = ef}, answers);
             }};
  }

  // What is right for each query.
  absl::Status Prepare() {
    return AskOurs({.k = kK, .exact = true}, &truth_).status();
  }

  // `our_seconds` are those that building our index took.
  absl::Status AgainstHnswlib(double our_seconds) {
    std::vector<std::unique_ptr<NativeHnswlib>> graphs;
    std::vector<Side> sides;
    for (const int m : ms_) {
      const double seconds = TimeSeconds([&] {
        graphs.push_back(std::make_unique<NativeHnswlib>(
            floats_, drawn_.dim, m, kEfConstruction, AvailableCores()));
      });
      if (m == 16) {
        report_->Add({.name = "build_vs_hnswlib",
                      .value = static_cast<double>(options_.rows) / our_seconds,
                      .unit = "rows/s",
                      .against = "building hnswlib's, M 16, in memory",
                      .ratio = seconds / our_seconds});
        AddSizes(snapshot_, *graphs.back(), report_);
      }
      NativeHnswlib* graph = graphs.back().get();
      sides.push_back(
          {absl::StrCat("hnswlib 0.6.2, M ", m),
           [this, graph](int ef, Answers* answers) -> absl::StatusOr<double> {
             graph->SetEf(ef);
             answers->resize(drawn_.queries.size());
             return CpuSeconds([&] {
               for (size_t q = 0; q < drawn_.queries.size(); ++q) {
                 graph->Search(drawn_.queries[q].data(), kK, &(*answers)[q]);
               }
             });
           }});
    }
    return Compare("search_vs_hnswlib", sides);
  }

  // One from PyPI.
  absl::Status AgainstLibrary(const std::string& library) {
    VITRINE_ASSIGN_OR_RETURN(const auto opponents,
                             Opponents::Start(options_.python, library, floats_,
                                              drawn_.queries, kK, ms_));
    std::vector<Side> sides;
    for (size_t i = 0; i < opponents->names().size(); ++i) {
      sides.push_back(
          {opponents->names()[i], [&opponents, i](int ef, Answers* answers) {
             return opponents->Search(i, ef, answers);
           }});
    }
    return Compare(absl::StrCat("search_vs_", library), sides);
  }

  // That of all our runs.
  void AddOurCurve() { report_->AddCurve(our_curve_); }

 private:
  absl::StatusOr<double> AskOurs(const SearchParams& params, Answers* answers) {
    answers->resize(drawn_.queries.size());
    absl::Status status;
    const double seconds = CpuSeconds([&] {
      for (size_t q = 0; q < drawn_.queries.size(); ++q) {
        const auto result = Search(snapshot_, drawn_.queries[q], params);
        (*answers)[q].clear();
        if (!result.ok()) {
          status = result.status();
          return;
        }
        for (const SearchHit& hit : result->hits) {
          (*answers)[q].push_back(hit.row);
        }
      }
    });
    VITRINE_RETURN_IF_ERROR(status);
    return seconds;
  }

  // Adds a row for the fastest of `sides`.
  absl::Status Compare(const std::string& name,
                       const std::vector<Side>& sides) {
    std::vector<const Side*> all = {&ours_};
    for (const Side& side : sides) all.push_back(&side);
    VITRINE_ASSIGN_OR_RETURN(const std::vector<Curve> curves,
                             Race(all, truth_, options_.repetitions));
    Gather(curves[0]);
    const std::optional<double> ours = curves[0].RateAt(kRecall);
    double best = 0;
    std::string best_name;
    for (size_t s = 1; s < curves.size(); ++s) {
      report_->AddCurve(curves[s]);
      const double rate = curves[s].RateAt(kRecall).value_or(0);
      if (rate > best) {
        best = rate;
        best_name = curves[s].name;
      }
    }
    if (!ours || best == 0) {
      return absl::InternalError(
          absl::StrCat(name, ": a recall of ", kRecall, " is not crossed by ",
                       !ours ? "ours" : "any of theirs", " between ef ",
                       kLadder[0], " and ", kLadder[std::size(kLadder) - 1]));
    }
    report_->Add({.name = name,
                  .value = *ours,
                  .unit = "queries/s",
                  .against = absl::StrCat(best_name, ", over ", options_.rows,
                                          " rows, one core"),
                  .ratio = *ours / best,
                  .recall = kRecall});
    return absl::OkStatus();
  }

  void Gather(const Curve& curve) {
    if (our_curve_.points.empty()) {
      our_curve_ = curve;
      return;
    }
    for (size_t i = 0; i < curve.points.size(); ++i) {
      std::vector<double>& rates = our_curve_.points[i].rates;
      rates.insert(rates.end(), curve.points[i].rates.begin(),
                   curve.points[i].rates.end());
    }
  }

  const BenchOptions& options_;
  const Snapshot& snapshot_;
  const SyntheticRows& drawn_;
  Report* const report_;
  std::vector<float> floats_;
  std::vector<int> ms_;  // Links a node that opponents are given.
  Answers truth_;
  Side ours_;
  Curve our_curve_;
};

}  // namespace

absl::Status RunSearchRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(
      const SyntheticRows drawn,
      DrawSyntheticRows(options.index, options.split_file, options.rows));
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
    auto built = index.Build(*drawn.source, RowsOf(drawn));
    status = built.status();
    if (built.ok()) snapshot = *built;
  });
  VITRINE_RETURN_IF_ERROR(status);

  Contest contest{options, *snapshot, drawn, report};
  VITRINE_RETURN_IF_ERROR(contest.Prepare());
  VITRINE_RETURN_IF_ERROR(contest.AgainstHnswlib(our_seconds));
  // Where one of them is not to be had, the other may be.
  absl::Status failed;
  for (const char* library : {"faiss", "usearch"}) {
    const absl::Status done = contest.AgainstLibrary(library);
    if (done.ok()) continue;
    failed = failed.ok() ? done
                         : absl::Status(failed.code(),
                                        absl::StrCat(failed.message(), "\n  ",
                                                     done.message()));
  }
  contest.AddOurCurve();
  return failed;
}

}  // namespace vitrine
