// An index of drawn products that changes as one does under an indexer: one
// generation after the other, with merges beside them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmarks/scratch_index.h"
#include "benchmarks/synthetic_rows.h"
#include "indexer/merger.h"
#include "indexer/publisher.h"

namespace vitrine {

// Used by one thread; views may be taken by any.
class ChangingIndex {
 public:
  // Of the first `count` rows that were drawn from the index `like`, in one
  // graph.
  static absl::StatusOr<std::unique_ptr<ChangingIndex>> Make(
      const IndexPaths& like, const SyntheticRows& drawn, size_t count);

  // Publishes a generation with the drawn rows from `first` on, `count` of
  // them, and without those of `gone`.
  absl::Status Publish(size_t first, size_t count,
                       std::span<const size_t> gone);
  // Waits for all merges, those of quiet times too.
  absl::Status Settle();
  // Has a day go by and a few small generations be published, so that what
  // merges have replaced is removed.
  absl::Status LetADayPass();

  // Valid as long as this.
  std::span<const Row> rows() const { return rows_; }
  std::shared_ptr<const Snapshot> snapshot() const {
    return publisher_->view().snapshot;
  }
  WriteTotals write_totals() const { return publisher_->write_totals(); }
  IndexPaths paths() const { return index_.paths(); }

 private:
  ChangingIndex() = default;

  ScratchIndex index_;
  std::vector<Row> rows_;
  TableChanges products_;
  std::atomic<int64_t> days_{0};  // That have gone by.
  std::mutex mutex_;              // Guards what follows.
  absl::Status merging_;          // The first failure.
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<Merger> merger_;
};

// The sizes of the files of an index that hold rows, products and deletions.
uint64_t RowBytesOnDisk(const IndexPaths& paths);

}  // namespace vitrine
