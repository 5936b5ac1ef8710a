// Libraries from PyPI that search the same rows, each in a Python of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmarks/child_process.h"
#include "benchmarks/scratch_folder.h"

namespace vitrine {

// One library with indexes of the rows: each way that it has to hold them, at
// several M. Not thread-safe.
class Opponents {
 public:
  // `library` is "faiss" or "usearch"; `python` an interpreter that has it.
  // Rows and queries are n × dim and of unit length. Builds all indexes on all
  // cores. FAILED_PRECONDITION, with the remedy, where there is no such
  // interpreter or library.
  static absl::StatusOr<std::unique_ptr<Opponents>> Start(
      const std::filesystem::path& python, const std::string& library,
      std::span<const float> rows,
      const std::vector<std::vector<float>>& queries, int k,
      const std::vector<int>& ms);

  // Their names, with version and M.
  const std::vector<std::string>& names() const { return names_; }
  // All queries on one thread, on the core of PinnedToOneCore. Returns the
  // seconds of CPU time that took; answers[q] are the k rows found for query q.
  absl::StatusOr<double> Search(size_t index, int ef,
                                std::vector<std::vector<uint32_t>>* answers);

 private:
  Opponents(ScratchFolder scratch, std::unique_ptr<ChildProcess> process,
            size_t queries, int k);

  ScratchFolder scratch_;
  std::unique_ptr<ChildProcess> process_;
  const size_t queries_;
  const int k_;
  std::vector<std::string> names_;
};

}  // namespace vitrine
