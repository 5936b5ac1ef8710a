// Measuring what recall.h tells of a graph.
#pragma once

#include "absl/status/status.h"
#include "common/base/stop_requested.h"
#include "common/index/index_paths.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// Fills in the curves of a shard that was written into the index, by 1,000
// queries of each kind: rows with noise, their own products excluded, against
// scans of all rows. `set` tells metric and blocks. Uses `threads`. CANCELLED
// where it had to stop.
absl::Status MeasureRecall(const IndexPaths& paths,
                           const storage::VectorSet& set, int threads,
                           const StopRequested& stop, storage::Shard* shard);

}  // namespace vitrine
