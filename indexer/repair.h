// What is left of a damaged index, made consistent. Nothing is written here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/index_paths.h"
#include "common/index/snapshot.h"
#include "common/index/table.h"
#include "indexer/index_changes.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

struct Salvage {
  // Of the newest manifest that can be read: all files that verify, opened.
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const Table> sources;
  // What must change so that rows, products and sources agree again. Every
  // file of the catalogue seems to have changed, so that it is read again;
  // those whose rows are lost seem to be new.
  IndexChanges mend;
  // Products of a queue that have lost pictures; the records of those in
  // sources/ are refused with ERROR_REASON_INDEX_DAMAGED.
  std::vector<std::string> lost_products;
  // For people, a line a file that is damaged.
  std::vector<std::string> findings;
  // Manifests that cannot be read.
  std::vector<uint64_t> damaged_generations;
  // The greatest number of a manifest, readable or not.
  uint64_t newest_generation = 0;
  // The bundle in models/ is not what its name says.
  bool model_damaged = false;
};

// NOT_FOUND where there is no manifest at all; DATA_LOSS where none can be
// read: then the index has to be made anew.
absl::StatusOr<Salvage> SalvageIndex(const IndexPaths& paths);

}  // namespace vitrine
