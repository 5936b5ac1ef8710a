// An index of some rows in a folder of its own, which goes with its owner.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmarks/scratch_folder.h"
#include "common/index/index_paths.h"
#include "common/index/shard.h"
#include "common/index/snapshot.h"

namespace vitrine {

class ScratchIndex {
 public:
  // `rows` in one shard with a graph; model, metric and blocks as in `like`.
  absl::StatusOr<std::shared_ptr<const Snapshot>> Build(const Snapshot& like,
                                                        std::vector<Row> rows);
  // Of what was built.
  IndexPaths paths() const { return {folder_->path() / "index"}; }

  // Copies a model there, so that a server can open the index.
  absl::Status AddModel(const IndexPaths& from, const std::string& sha256);
  // After Build.
  std::filesystem::path root() const { return folder_->path() / "index"; }

 private:
  std::optional<ScratchFolder> folder_;
};

}  // namespace vitrine
