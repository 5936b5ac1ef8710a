// An index of some rows in a folder of its own, which goes with its owner.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/shard.h"
#include "common/index/snapshot.h"

namespace vitrine {

class ScratchIndex {
 public:
  ScratchIndex();
  ~ScratchIndex();
  ScratchIndex(const ScratchIndex&) = delete;
  ScratchIndex& operator=(const ScratchIndex&) = delete;

  // `rows` in one shard with a graph; model, metric and blocks as in `like`.
  absl::StatusOr<std::shared_ptr<const Snapshot>> Build(const Snapshot& like,
                                                        std::vector<Row> rows);

 private:
  std::filesystem::path folder_;
};

}  // namespace vitrine
