// What requests are answered from: a snapshot and the model that made its
// vectors, which change together.
#pragma once

#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "common/index/snapshot.h"
#include "server/catalogue.h"
#include "server/embed_batcher.h"
#include "server/slots.h"

namespace vitrine {

class RecallMonitor;

// Immutable and thread-safe; a request takes one at its begin and keeps it to
// its end.
class Serving {
 public:
  // `slots` and the monitor, which may be null, must outlive it. `other` is of
  // the same generation with its other vector set; null where there is none, or
  // its model is not loaded yet.
  Serving(std::shared_ptr<const Snapshot> snapshot,
          std::shared_ptr<EmbedBatcher> embedder, const SlotTable& slots,
          RecallMonitor* recall_monitor = nullptr,
          std::shared_ptr<const Serving> other = nullptr)
      : snapshot_(std::move(snapshot)),
        embedder_(std::move(embedder)),
        slots_(slots),
        recall_monitor_(recall_monitor),
        other_(std::move(other)) {}

  const Snapshot& snapshot() const { return *snapshot_; }
  const std::shared_ptr<const Snapshot>& shared_snapshot() const {
    return snapshot_;
  }
  EmbedBatcher& embedder() const { return *embedder_; }
  const std::shared_ptr<EmbedBatcher>& shared_embedder() const {
    return embedder_;
  }
  const SlotTable& slots() const { return slots_; }
  RecallMonitor* recall_monitor() const { return recall_monitor_; }
  const std::shared_ptr<const Serving>& other() const { return other_; }
  // What was made of the snapshot, or DATA_LOSS where a file of it was found to
  // be damaged meanwhile, so that it may have been made of zeros. An error may
  // have been, too.
  template <typename T>
  absl::StatusOr<T> Checked(absl::StatusOr<T> made) const {
    absl::Status status = snapshot_->CheckFiles();
    if (!status.ok()) return status;
    return made;
  }
  absl::Status Checked(const absl::Status& made) const {
    absl::Status status = snapshot_->CheckFiles();
    return status.ok() ? made : status;
  }
  // Made at its first use, since most requests need none.
  const Catalogue& catalogue() const {
    std::call_once(catalogue_made_, [this] {
      catalogue_ = std::make_unique<const Catalogue>(*snapshot_, slots_);
    });
    return *catalogue_;
  }

 private:
  const std::shared_ptr<const Snapshot> snapshot_;
  const std::shared_ptr<EmbedBatcher> embedder_;
  const SlotTable& slots_;
  RecallMonitor* const recall_monitor_;
  const std::shared_ptr<const Serving> other_;
  mutable std::once_flag catalogue_made_;
  mutable std::unique_ptr<const Catalogue> catalogue_;
};

}  // namespace vitrine
