// What every row of vitrine-bench reports.
#pragma once

#include <sched.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "benchmarks/bench_row.h"
#include "benchmarks/curve.h"
#include "benchmarks/machine.h"

namespace vitrine {

// Prints rows as they come, a table line or a JSON object a line, and keeps
// them.
class Report {
 public:
  Report(bool json, Machine machine)
      : json_(json), machine_(std::move(machine)) {}
  void Add(const BenchRow& row);
  // For the picture alone.
  void AddCurve(const Curve& curve) { curves_.push_back(curve); }

  const Machine& machine() const { return machine_; }
  const std::vector<BenchRow>& rows() const { return rows_; }
  const std::vector<Curve>& curves() const { return curves_; }

 private:
  const bool json_;
  const Machine machine_;
  std::vector<BenchRow> rows_;
  std::vector<Curve> curves_;
};

// The median of some values, of which there is one at least.
double Median(std::vector<double> values);

// Seconds that `work` takes on the clock on the wall.
double TimeSeconds(const std::function<void()>& work);

// CPU time of this process while `work` runs: where that is one busy thread,
// what the clock on the wall would say on a machine of its own.
double CpuSeconds(const std::function<void()>& work);

// Keeps the thread, and those that it starts, on one core while it lives.
class PinnedToOneCore {
 public:
  // The last core that the thread may run on.
  PinnedToOneCore();
  // `core`, or where that is negative wherever it may run already.
  explicit PinnedToOneCore(int core);
  ~PinnedToOneCore();
  PinnedToOneCore(const PinnedToOneCore&) = delete;
  PinnedToOneCore& operator=(const PinnedToOneCore&) = delete;

 private:
  cpu_set_t before_;
};

struct BenchOptions {
  std::filesystem::path
      index;  // An index directory; empty leaves its rows out.
  std::filesystem::path model;    // A bundle.
  std::filesystem::path catalog;  // A folder of photos; empty likewise.
  std::filesystem::path python;   // An interpreter that has the opponents.
  bool quick = false;             // Less of everything.
  int repetitions = 7;
  size_t rows = 50'000;              // To draw.
  std::filesystem::path split_file;  // Senders whose photos ask.
};

// Writes an index of `rows` drawn products to a folder that is not there yet:
// what serving, load and pictures can be measured on at any size.
absl::Status DrawIndex(const BenchOptions& options,
                       const std::filesystem::path& folder);

absl::Status RunBatchRows(const BenchOptions& options, Report* report);
absl::Status RunBusyRows(const BenchOptions& options, Report* report);
absl::Status RunChurnRows(const BenchOptions& options, Report* report);
absl::Status RunDecodeRows(const BenchOptions& options, Report* report);
absl::Status RunDropRows(const BenchOptions& options, Report* report);
absl::Status RunFreshnessRows(const BenchOptions& options, Report* report);
absl::Status RunGraphRows(const BenchOptions& options, Report* report);
absl::Status RunEmbedRows(const BenchOptions& options, Report* report);
absl::Status RunFilterRows(const BenchOptions& options, Report* report);
absl::Status RunImportRows(const BenchOptions& options, Report* report);
absl::Status RunLoadRows(const BenchOptions& options, Report* report);
absl::Status RunMergeRows(const BenchOptions& options, Report* report);
absl::Status RunOverloadRows(const BenchOptions& options, Report* report);
absl::Status RunPictureRows(const BenchOptions& options, Report* report);
absl::Status RunReadyRows(const BenchOptions& options, Report* report);
absl::Status RunRecallRows(const BenchOptions& options, Report* report);
absl::Status RunRecommendRows(const BenchOptions& options, Report* report);
absl::Status RunSearchRows(const BenchOptions& options, Report* report);
absl::Status RunServingRows(const BenchOptions& options, Report* report);

}  // namespace vitrine
