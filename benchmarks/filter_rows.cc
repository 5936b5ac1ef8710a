// Filtered searches against exact scans of the rows that pass.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/curve.h"
#include "benchmarks/report.h"
#include "benchmarks/scratch_index.h"
#include "benchmarks/synthetic_rows.h"
#include "common/base/status.h"
#include "common/index/search.h"
#include "common/vector/kernels.h"

namespace vitrine {
namespace {

constexpr size_t kQueries = 100;
constexpr double kPercents[] = {100, 50, 10, 1, 0.1, 0.01};

// Which rows pass, of a share of all: any, those nearest to the query, or those
// farthest from it.
enum class Kind { kRandom, kCorrelated, kAntiCorrelated };

const char* NameOf(Kind kind) {
  switch (kind) {
    case Kind::kRandom:
      return "random";
    case Kind::kCorrelated:
      return "correlated";
    default:
      return "anti-correlated";
  }
}

// All rows, nearest to the query first.
std::vector<uint32_t> ByDistance(const SyntheticRows& drawn,
                                 const std::vector<float>& query) {
  const auto stride = static_cast<size_t>(drawn.dim);
  std::vector<float> similarity(drawn.rows.size() / stride);
  for (size_t row = 0; row < similarity.size(); ++row) {
    similarity[row] =
        DotHalf(query.data(), drawn.rows.data() + row * stride, stride);
  }
  std::vector<uint32_t> order(similarity.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return similarity[a] > similarity[b];
  });
  return order;
}

RowFilter FilterOf(Kind kind, double percent, std::vector<uint32_t> order,
                   std::mt19937* random) {
  const auto rows = static_cast<uint32_t>(order.size());
  if (kind == Kind::kRandom) std::shuffle(order.begin(), order.end(), *random);
  if (kind == Kind::kAntiCorrelated) std::reverse(order.begin(), order.end());
  order.resize(static_cast<size_t>(
      std::max<int64_t>(1, std::llround(rows * percent / 100))));
  RowFilter filter;
  Bitmap passing(rows);
  for (uint32_t row : order) passing.Set(row);
  filter.Add(std::move(passing));
  return filter;
}

struct Measured {
  double ours = 0, scan = 0;  // seconds, medians
  double recall = 0;
  size_t walked = 0;
};

absl::StatusOr<Measured> Measure(const Snapshot& snapshot,
                                 const SyntheticRows& drawn,
                                 const std::vector<RowFilter>& filters,
                                 int repetitions) {
  Measured measured;
  using Rows = std::vector<std::vector<uint32_t>>;
  Rows answers(filters.size()), truth(filters.size());
  absl::Status status;
  auto run = [&](bool exact, Rows* answers, size_t* walked) {
    *walked = 0;
    return CpuSeconds([&] {
      for (size_t q = 0; q < filters.size(); ++q) {
        SearchParams params;
        params.exact = exact;
        params.min_score = -2;
        params.filter = &filters[q];
        auto result = Search(snapshot, drawn.queries[q], params);
        status.Update(result.status());
        if (!result.ok()) return;
        *walked += result->plan == SearchResult::Plan::kFilteredWalk ? 1 : 0;
        (*answers)[q].clear();
        for (const SearchHit& hit : result->hits) {
          (*answers)[q].push_back(hit.row);
        }
      }
    });
  };
  std::vector<double> ours, scan;
  for (int i = 0; i < repetitions; ++i) {
    ours.push_back(run(false, &answers, &measured.walked));
    size_t none = 0;
    scan.push_back(run(true, &truth, &none));
  }
  VITRINE_RETURN_IF_ERROR(status);
  measured.ours = Median(ours);
  measured.scan = Median(scan);
  measured.recall = RecallOf<uint32_t>(truth, answers);
  return measured;
}

}  // namespace

absl::Status RunFilterRows(const BenchOptions& options, Report* report) {
  VITRINE_ASSIGN_OR_RETURN(
      const SyntheticRows drawn,
      DrawSyntheticRows(options.index, options.split_file, options.rows));
  ScratchIndex index;
  VITRINE_ASSIGN_OR_RETURN(auto snapshot,
                           index.Build(*drawn.source, RowsOf(drawn)));
  const size_t queries = std::min(kQueries, drawn.queries.size());
  std::vector<std::vector<uint32_t>> orders;
  for (size_t q = 0; q < queries; ++q) {
    orders.push_back(ByDistance(drawn, drawn.queries[q]));
  }
  std::mt19937 random(1);
  const PinnedToOneCore pinned;
  for (const Kind kind :
       {Kind::kRandom, Kind::kCorrelated, Kind::kAntiCorrelated}) {
    for (const double percent : kPercents) {
      std::vector<RowFilter> filters;
      for (const std::vector<uint32_t>& order : orders) {
        filters.push_back(FilterOf(kind, percent, order, &random));
      }
      VITRINE_ASSIGN_OR_RETURN(
          const Measured measured,
          Measure(*snapshot, drawn, filters, options.repetitions));
      report->Add({.name = absl::StrCat("filtered_recall_", percent),
                   .value = measured.recall,
                   .unit = absl::StrCat("of the 10 right ones, ", NameOf(kind)),
                   .recall = measured.recall});
      report->Add(
          {.name = absl::StrCat("filtered_vs_scan_", percent),
           .value = static_cast<double>(queries) / measured.ours,
           .unit = "queries/s",
           .against = absl::StrCat("exact scan, ", NameOf(kind), ", ",
                                   measured.walked, " of ", queries, " walked"),
           .ratio = measured.scan / measured.ours,
           .recall = measured.recall});
    }
  }
  return absl::OkStatus();
}

}  // namespace vitrine
