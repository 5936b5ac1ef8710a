#include "indexer/merge.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/index/picture_pack.h"
#include "common/index/product_columns.h"
#include "common/index/recall_measure.h"
#include "indexer/index_changes.h"
#include "indexer/queued_product.h"
#include "indexer/vector_sets.h"

namespace vitrine {
namespace {

template <typename Refs>
std::vector<uint64_t> SizesOf(const Refs& refs) {
  std::vector<uint64_t> sizes;
  for (const storage::FileRef& ref : refs) sizes.push_back(ref.bytes());
  return sizes;
}

template <typename Refs>
std::set<std::string> NewestNames(const Refs& refs, size_t count) {
  std::set<std::string> names;
  for (auto ref = refs.end() - static_cast<ptrdiff_t>(count); ref != refs.end();
       ++ref) {
    names.insert(ref->name());
  }
  return names;
}

std::vector<LiveShard> FreeShards(const Snapshot& snapshot, bool flat_only,
                                  const std::set<std::string>& busy) {
  std::vector<LiveShard> shards;
  for (const LiveShard& live : snapshot.shards()) {
    if (flat_only && live.shard->graph() != nullptr) continue;
    if (!busy.contains(live.shard->name())) shards.push_back(live);
  }
  return shards;
}

std::optional<ShardMerge> NextMergeOf(const std::vector<LiveShard>& shards,
                                      const MergeLimits& limits) {
  std::vector<ShardState> states;
  for (const LiveShard& live : shards) {
    states.push_back({live.shard->rows(), live.dead.Count(),
                      live.shard->graph() != nullptr});
  }
  return NextShardMerge(states, limits);
}

void TakeShards(const Snapshot& snapshot, const std::vector<LiveShard>& shards,
                const ShardMerge& merge, MergePlan* plan) {
  plan->set = snapshot.set().id();
  for (size_t i : merge.inputs) plan->shards.push_back(shards[i]);
  plan->graph = merge.graph;
}

// Valid as long as the shards.
std::vector<RowView> LiveRows(const std::vector<LiveShard>& shards) {
  uint64_t count = 0;
  for (const LiveShard& live : shards) {
    count += live.shard->rows() - live.dead.Count();
  }
  std::vector<RowView> rows;
  rows.reserve(count);
  for (const LiveShard& live : shards) {
    for (uint32_t i = 0; i < live.shard->rows(); ++i) {
      if (!live.IsLive(i)) continue;
      rows.push_back({live.shard->key(i), live.shard->vector(i)});
    }
  }
  return rows;
}

// The largest graph of the shards, to which the rows of the others are added;
// null where so much of it is dead that it is better built anew.
const Shard* BaseOf(const std::vector<LiveShard>& shards) {
  const LiveShard* base = nullptr;
  for (const LiveShard& live : shards) {
    if (live.shard->graph() == nullptr) continue;
    if (base == nullptr || live.shard->rows() > base->shard->rows()) {
      base = &live;
    }
  }
  if (base == nullptr ||
      static_cast<double>(base->dead.Count()) >
          MergeLimits().dead_share * static_cast<double>(base->shard->rows())) {
    return nullptr;
  }
  return base->shard.get();
}

GraphSpace SpaceOf(const storage::VectorSet& set) {
  return set.metric() == storage::VectorSet::METRIC_MANHATTAN
             ? GraphSpace::kL1
             : GraphSpace::kDot;
}

// Whether a row shows an entry of a pack, as its digest tells.
bool IsShown(const IndexView& view, const Sha256Digest& digest) {
  return !view.content
              ->FindVector(
                  {reinterpret_cast<const char*>(digest.data()), digest.size()})
              .empty();
}

// Packs of which too much is dead, as many as make one pack. All of them are
// looked at only where it is certain that there is one.
std::set<std::string> MostlyDeadPacks(
    const IndexView& view,
    const std::vector<std::shared_ptr<const PicturePack>>& packs,
    const MergeLimits& limits) {
  const auto too_much = [&limits](uint64_t dead, uint64_t of) {
    return dead >= limits.dead_rows &&
           static_cast<double>(dead) >
               limits.dead_share * static_cast<double>(of);
  };
  uint64_t entries = 0;
  for (const auto& pack : packs) entries += pack->size();
  // A picture that is shown has a row at least.
  const uint64_t rows = view.snapshot->images();
  std::set<std::string> names;
  if (entries <= rows || !too_much(entries - rows, entries)) return names;
  uint64_t bytes = 0;
  for (const auto& pack : packs) {
    uint64_t dead = 0;
    for (uint32_t i = 0; i < pack->size(); ++i) {
      if (!IsShown(view, pack->entry(i).first)) ++dead;
    }
    if (!too_much(dead, pack->size())) continue;
    bytes += pack->file().bytes();
    if (!names.empty() && bytes > limits.pack_bytes) break;
    names.insert(pack->name());
  }
  return names;
}

// One pack of those that are named, with the pictures that some row still
// shows. `originals` are known by their own digests.
absl::StatusOr<storage::FileRef> MergePacks(
    const IndexPaths& paths, const IndexView& view,
    const google::protobuf::RepeatedPtrField<storage::FileRef>& packs,
    const std::set<std::string>& names, bool originals,
    const std::string& new_name) {
  std::vector<std::shared_ptr<const PicturePack>> merged;
  // Where they lie, of one content any.
  std::map<Sha256Digest, std::string_view> used;
  for (const storage::FileRef& ref : packs) {
    if (!names.contains(ref.name())) continue;
    VITRINE_ASSIGN_OR_RETURN(
        merged.emplace_back(),
        PicturePack::Open(
            paths.pictures() / ref.name(), ref,
            originals ? Verification::kStructure : Verification::kAll));
    for (uint32_t i = 0; i < merged.back()->size(); ++i) {
      const auto [digest, bytes] = merged.back()->entry(i);
      if (!IsShown(view, digest)) continue;
      // One that has rotten is lost, and the others stay.
      if (originals && Sha256(bytes) != digest) continue;
      used[digest] = bytes;
    }
  }
  const std::filesystem::path path = paths.pictures() / new_name;
  const std::vector<PictureEntry> entries(used.begin(), used.end());
  VITRINE_ASSIGN_OR_RETURN(storage::FileRef written,
                           WritePicturePack(path, entries));
  // What was merged may have been damaged while it was read.
  for (const auto& pack : merged) {
    if (absl::Status sound = pack->file().Check(); !sound.ok()) {
      RemoveFile(path).IgnoreError();
      return sound;
    }
  }
  return written;
}

// What the newest `count` segments say of source files, without the deletions
// that need not be remembered any more.
std::vector<TableEntry> MergeSources(const Table& sources, size_t count,
                                     int64_t now_unix_ms) {
  std::vector<TableEntry> merged = sources.Merge(count);
  // An older segment may say of a product that it lives.
  if (count < sources.segments().size()) return merged;
  std::erase_if(merged, [now_unix_ms](const TableEntry& entry) {
    const auto key = ParseQueuedKey(entry.key);
    if (!key || key->image_key) return false;
    storage::QueuedProductRecord record;
    return record.ParseFromArray(entry.value.data(),
                                 static_cast<int>(entry.value.size())) &&
           IsForgotten(record, now_unix_ms);
  });
  return merged;
}

}  // namespace

MergePlan PlanLightMerge(const IndexView& view, const MergeLimits& limits,
                         const std::set<std::string>& busy) {
  MergePlan plan;
  MergeLimits flat = limits;
  flat.graph_rows = UINT64_MAX;
  for (const Snapshot* const snapshot : view.sets()) {
    const auto shards = FreeShards(*snapshot, /*flat_only=*/true, busy);
    const auto merge = NextMergeOf(shards, flat);
    if (merge && plan.shards.empty()) {
      TakeShards(*snapshot, shards, *merge, &plan);
    }
  }
  const storage::Manifest& manifest = view.snapshot->manifest();
  const auto newest_of = [&limits](const auto& refs,
                                   uint64_t max_bytes = UINT64_MAX) {
    return NewestToMerge(SizesOf(refs), limits.files, max_bytes,
                         limits.file_ratio);
  };
  plan.products = newest_of(manifest.product_segments());
  plan.sources = newest_of(manifest.source_segments());
  plan.pictures =
      NewestNames(manifest.picture_packs(),
                  newest_of(manifest.picture_packs(), limits.pack_bytes));
  if (!limits.keep_originals) {
    plan.originals =
        NewestNames(manifest.original_packs(),
                    newest_of(manifest.original_packs(), limits.pack_bytes));
  }
  return plan;
}

void AddMostlyDeadPacks(const IndexView& view, const MergeLimits& limits,
                        MergePlan* plan) {
  if (plan->pictures.empty()) {
    plan->pictures = MostlyDeadPacks(view, view.snapshot->packs(), limits);
  }
  if (plan->originals.empty() && !limits.keep_originals) {
    plan->originals = MostlyDeadPacks(view, view.originals, limits);
  }
}

MergePlan PlanGraphMerge(const IndexView& view, const MergeLimits& limits,
                         const std::set<std::string>& busy) {
  MergePlan plan;
  for (const Snapshot* const snapshot : view.sets()) {
    const auto shards = FreeShards(*snapshot, /*flat_only=*/false, busy);
    const auto merge = NextMergeOf(shards, limits);
    if (!merge) continue;
    const bool touches_graph =
        merge->graph ||
        std::any_of(merge->inputs.begin(), merge->inputs.end(), [&](size_t i) {
          return shards[i].shard->graph() != nullptr;
        });
    if (touches_graph && plan.shards.empty()) {
      TakeShards(*snapshot, shards, *merge, &plan);
    }
  }
  return plan;
}

uint64_t BytesOf(const IndexView& view, const MergePlan& plan) {
  const storage::Manifest& manifest = view.snapshot->manifest();
  uint64_t bytes = 0;
  for (const LiveShard& live : plan.shards) bytes += live.shard->file().bytes();
  const auto add = [&bytes](const auto& refs,
                            const std::set<std::string>& names) {
    for (const storage::FileRef& ref : refs) {
      if (names.contains(ref.name())) bytes += ref.bytes();
    }
  };
  add(manifest.product_segments(),
      NewestNames(manifest.product_segments(), plan.products));
  add(manifest.source_segments(),
      NewestNames(manifest.source_segments(), plan.sources));
  add(manifest.picture_packs(), plan.pictures);
  add(manifest.original_packs(), plan.originals);
  return bytes;
}

absl::StatusOr<MergeOutput> RunMerge(
    const IndexPaths& paths, const IndexView& view, const MergePlan& plan,
    int threads, const StopRequested& stop,
    const std::function<std::string()>& new_file_name) {
  const storage::Manifest& manifest = view.snapshot->manifest();
  MergeOutput output;
  auto write = [&]() -> absl::Status {
    if (plan.products > 0) {
      output.product_inputs =
          NewestNames(manifest.product_segments(), plan.products);
      VITRINE_ASSIGN_OR_RETURN(
          output.products,
          WriteProductSegment(paths.products() / new_file_name(),
                              view.snapshot->products().Merge(plan.products)));
    }
    if (plan.sources > 0) {
      output.source_inputs =
          NewestNames(manifest.source_segments(), plan.sources);
      VITRINE_ASSIGN_OR_RETURN(
          output.sources,
          WriteTableSegment(
              paths.sources() / new_file_name(),
              MergeSources(*view.sources, plan.sources, plan.now_unix_ms)));
    }
    if (!plan.pictures.empty()) {
      output.picture_inputs = plan.pictures;
      VITRINE_ASSIGN_OR_RETURN(
          output.pictures,
          MergePacks(paths, view, manifest.picture_packs(), plan.pictures,
                     /*originals=*/false, new_file_name()));
    }
    if (!plan.originals.empty()) {
      output.original_inputs = plan.originals;
      VITRINE_ASSIGN_OR_RETURN(
          output.originals,
          MergePacks(paths, view, manifest.original_packs(), plan.originals,
                     /*originals=*/true, new_file_name()));
    }
    if (!plan.shards.empty()) {
      output.set = plan.set;
      output.shard_inputs = plan.shards;
      const Snapshot& set = *view.FindSet(plan.set);
      std::vector<RowView> rows = LiveRows(plan.shards);
      if (!rows.empty()) {
        GraphParams params;
        params.space = SpaceOf(set.set());
        params.threads = threads;
        params.stop = stop;
        const std::string name = new_file_name();
        VITRINE_ASSIGN_OR_RETURN(
            storage::FileRef file,
            WriteShard(paths.shards() / name, set.blocks(), std::move(rows),
                       plan.graph ? &params : nullptr,
                       plan.graph ? BaseOf(plan.shards) : nullptr));
        *output.shard.emplace().mutable_file() = file;
        output.shard->set_has_graph(plan.graph);
        if (plan.graph) {
          VITRINE_RETURN_IF_ERROR(
              MeasureRecall(paths, set.set(), threads, stop, &*output.shard));
        }
      }
    }
    // What was merged may have been damaged while it was read.
    for (const Snapshot* const snapshot : view.sets()) {
      VITRINE_RETURN_IF_ERROR(snapshot->CheckFiles());
    }
    VITRINE_RETURN_IF_ERROR(view.sources->CheckFiles());
    storage::Manifest draft = manifest;
    if (output.shard) {
      *MutableSet(&draft, plan.set)->add_shards() = *output.shard;
    }
    if (output.products) *draft.add_product_segments() = *output.products;
    if (output.pictures) *draft.add_picture_packs() = *output.pictures;
    VITRINE_ASSIGN_OR_RETURN(output.opened,
                             Snapshot::Open(paths, draft, view.sets(),
                                            VerifyMode::kAlways, plan.set));
    return absl::OkStatus();
  };
  const absl::Status status = write();
  if (!status.ok()) {
    // A file that stays is removed when the index is next opened for writing.
    for (const auto& file : FilesOfMerge(paths, output)) {
      RemoveFile(file).IgnoreError();
    }
    return status;
  }
  return output;
}

std::vector<std::filesystem::path> FilesOfMerge(const IndexPaths& paths,
                                                const MergeOutput& output) {
  std::vector<std::filesystem::path> files;
  if (output.shard) {
    files.push_back(paths.shards() / output.shard->file().name());
  }
  if (output.products) {
    files.push_back(paths.products() / output.products->name());
  }
  if (output.sources) {
    files.push_back(paths.sources() / output.sources->name());
  }
  if (output.pictures) {
    files.push_back(paths.pictures() / output.pictures->name());
  }
  if (output.originals) {
    files.push_back(paths.pictures() / output.originals->name());
  }
  return files;
}

}  // namespace vitrine
