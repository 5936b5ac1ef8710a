// What every row of vitrine-bench reports.
#pragma once

#include <sched.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace vitrine {

// One measured figure; a speed only ever stands beside what it is compared with
// in the same run.
struct BenchRow {
  std::string name;
  double value = 0;
  std::string unit;
  std::string against = {};  // What `ratio` compares with; empty for none.
  double ratio = 0;
  double recall = -1;  // Below 0 where it does not apply.
};

// Prints rows as they come: a table line, or a JSON object a line.
class Report {
 public:
  explicit Report(bool json) : json_(json) {}
  void Add(const BenchRow& row);

 private:
  bool json_;
  bool began_ = false;
};

// The median; sorts `values`, which must not be empty.
double Median(std::vector<double> values);

// Seconds that `work` takes on the clock on the wall.
double TimeSeconds(const std::function<void()>& work);

// Keeps the thread on one core while it lives.
class PinnedToOneCore {
 public:
  PinnedToOneCore();
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
  int repetitions = 7;
  size_t rows = 50000;               // To draw.
  std::filesystem::path split_file;  // Senders whose photos ask.
};

absl::Status RunBatchRows(const BenchOptions& options, Report* report);
absl::Status RunDecodeRows(const BenchOptions& options, Report* report);
absl::Status RunFreshnessRows(const BenchOptions& options, Report* report);
absl::Status RunGraphRows(const BenchOptions& options, Report* report);
absl::Status RunEmbedRows(const BenchOptions& options, Report* report);
absl::Status RunFilterRows(const BenchOptions& options, Report* report);
absl::Status RunImportRows(const BenchOptions& options, Report* report);
absl::Status RunRecallRows(const BenchOptions& options, Report* report);
absl::Status RunSearchRows(const BenchOptions& options, Report* report);

}  // namespace vitrine
