// One merge: immutable files in, fewer and larger ones out. Publisher::Commit
// puts the outputs in the place of the inputs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/index_paths.h"
#include "common/index/snapshot.h"
#include "common/index/table.h"
#include "indexer/index_view.h"
#include "indexer/merge_policy.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// What a merge takes of a view.
struct MergePlan {
  uint64_t set = 0;  // The vector set that the shards are of.
  std::vector<LiveShard> shards;
  bool graph = false;              // Whether the shards' output is to have one.
  size_t products = 0;             // So many of the newest segments, …
  size_t sources = 0;              // … likewise.
  std::set<std::string> pictures;  // Names of packs of thumbnails, …
  std::set<std::string> originals;  // … and of originals.
  // Deletions that are forgotten go; see queued_product.h.
  int64_t now_unix_ms = 0;

  bool empty() const {
    return shards.empty() && products == 0 && sources == 0 &&
           pictures.empty() && originals.empty();
  }
};

// The bytes of the files that a merge takes in.
uint64_t BytesOf(const IndexView& view, const MergePlan& plan);

// The lightest merges that are due: flat shards, segments and packs. Shards
// named in `busy` are left alone.
MergePlan PlanLightMerge(const IndexView& view, const MergeLimits& limits,
                         const std::set<std::string>& busy);
// The merge that is due of shards with a graph, or into one with a graph.
MergePlan PlanGraphMerge(const IndexView& view, const MergeLimits& limits,
                         const std::set<std::string>& busy);

// Adds packs of which more than limits.dead_share is dead, where the plan has
// none of their kind. Looks at each picture, unless the packs hold so few that
// no row shows that there need not be one.
void AddMostlyDeadPacks(const IndexView& view, const MergeLimits& limits,
                        MergePlan* plan);

struct MergeOutput {
  // In the place of plan.shards; nothing where none of their rows lived.
  std::optional<storage::Shard> shard;
  std::optional<storage::FileRef> products;
  std::optional<storage::FileRef> sources;
  std::optional<storage::FileRef> pictures;
  std::optional<storage::FileRef> originals;

  uint64_t set = 0;
  // Names of the inputs.
  std::vector<LiveShard> shard_inputs;
  std::set<std::string> product_inputs;
  std::set<std::string> source_inputs;
  std::set<std::string> picture_inputs;
  std::set<std::string> original_inputs;

  // Has the outputs and the view's files open, so that to commit is quick.
  std::shared_ptr<const Snapshot> opened;
};

// Writes the outputs. `threads` build the graph; CANCELLED, with nothing left
// of it, where that had to stop. Reads only what is immutable, so that it runs
// beside publications and other merges of other files.
absl::StatusOr<MergeOutput> RunMerge(
    const IndexPaths& paths, const IndexView& view, const MergePlan& plan,
    int threads, const StopRequested& stop,
    const std::function<std::string()>& new_file_name);

// The paths of what a merge has written.
std::vector<std::filesystem::path> FilesOfMerge(const IndexPaths& paths,
                                                const MergeOutput& output);

}  // namespace vitrine
