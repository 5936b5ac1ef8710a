// Indexes of some rows.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmarks/scratch_folder.h"
#include "common/index/index_paths.h"
#include "common/index/shard.h"
#include "common/index/snapshot.h"
#include "common/index/table.h"

namespace vitrine {

// What is known of a graph's recall: without it, searches walk with the least
// ef.
enum class GraphRecall { kUnmeasured, kMeasured };

// Makes an index of `rows`, in one shard with a graph, and of records of their
// products, which may be empty; model, metric and blocks are as in `like`.
absl::StatusOr<std::shared_ptr<const Snapshot>> WriteIndex(
    const IndexPaths& paths, const Snapshot& like, const std::vector<Row>& rows,
    const TableChanges& products,
    GraphRecall recall = GraphRecall::kUnmeasured);

// Copies a model from one index to another, which a server can open then.
absl::Status CopyModel(const IndexPaths& from, const IndexPaths& to,
                       const std::string& sha256);

// An index in a folder of its own, which goes with its owner.
class ScratchIndex {
 public:
  // As WriteIndex.
  absl::StatusOr<std::shared_ptr<const Snapshot>> Build(
      const Snapshot& like, const std::vector<Row>& rows,
      const TableChanges& products = {},
      GraphRecall recall = GraphRecall::kUnmeasured);
  // After Build.
  IndexPaths paths() const { return {folder_->path() / "index"}; }

 private:
  std::optional<ScratchFolder> folder_;
};

}  // namespace vitrine
