#include "indexer/generation_parts.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/index/bitmap.h"
#include "common/index/product_columns.h"

namespace vitrine {
namespace {

using FileRefs = google::protobuf::RepeatedPtrField<storage::FileRef>;
using ShardRefs = google::protobuf::RepeatedPtrField<storage::Shard>;

// The live row of a picture.
std::optional<uint32_t> FindRow(const LiveShard& live,
                                std::string_view product_id,
                                std::string_view image_key) {
  const auto [first, last] = live.shard->RowsOf(product_id);
  for (uint32_t row = first; row < last; ++row) {
    if (live.IsLive(row) && live.shard->key(row).image_key == image_key) {
      return row;
    }
  }
  return std::nullopt;
}

void MarkDead(uint32_t row, LiveShard* live) {
  if (live->dead.size() == 0) live->dead = Bitmap(live->shard->rows());
  live->dead.Set(row);
}

bool AllDead(const LiveShard& live) {
  return live.dead.Count() == live.shard->rows();
}

std::filesystem::path DeletionsPath(const IndexPaths& paths,
                                    const LiveShard& live,
                                    uint64_t generation) {
  return paths.deletions() /
         absl::StrFormat("%s-%06d", live.shard->name(), generation);
}

const LiveShard* FindShard(const std::vector<LiveShard>& shards,
                           const std::string& name) {
  for (const LiveShard& live : shards) {
    if (live.shard->name() == name) return &live;
  }
  return nullptr;
}

void ReplaceFiles(const std::set<std::string>& inputs,
                  const std::optional<storage::FileRef>& output,
                  FileRefs* refs) {
  if (!output) return;
  FileRefs kept;
  bool placed = false;
  for (const storage::FileRef& ref : *refs) {
    if (!inputs.contains(ref.name())) {
      *kept.Add() = ref;
    } else if (!std::exchange(placed, true)) {
      *kept.Add() = *output;
    }
  }
  *refs = std::move(kept);
}

}  // namespace

WrittenFiles::~WrittenFiles() {
  // A file that stays is removed when the index is next opened for writing.
  for (const std::filesystem::path& file : files_) {
    RemoveFile(file).IgnoreError();
  }
}

void WrittenFiles::Add(const std::filesystem::path& file) {
  std::lock_guard lock(mutex_);
  files_.push_back(file);
}

void WrittenFiles::Keep() {
  std::lock_guard lock(mutex_);
  files_.clear();
}

std::string NewIndexFileName(uint64_t generation) {
  static std::atomic<uint32_t> next{std::random_device()()};
  return absl::StrFormat("%06d-%08x", generation, next++);
}

storage::VectorSet* MutableServing(storage::Manifest* manifest) {
  for (storage::VectorSet& set : *manifest->mutable_vector_sets()) {
    if (set.state() == storage::VectorSet::STATE_SERVING) return &set;
  }
  return nullptr;
}

absl::Status WriteChanges(const IndexPaths& paths, const Snapshot& snapshot,
                          const IndexChanges& changes,
                          storage::Manifest* manifest, WrittenFiles* written) {
  std::vector<LiveShard> shards = snapshot.shards();
  std::vector<bool> touched(shards.size(), false);
  std::vector<Row> rows;
  for (const auto& [key, row] : changes.rows) {
    for (size_t s = 0; s < shards.size(); ++s) {
      if (const auto old = FindRow(shards[s], key.first, key.second)) {
        MarkDead(*old, &shards[s]);
        touched[s] = true;
      }
    }
    if (row) rows.push_back(*row);
  }

  const uint64_t generation = manifest->generation();
  auto new_path = [&](const std::filesystem::path& folder) {
    auto path = folder / NewIndexFileName(generation);
    written->Add(path);
    return path;
  };
  // Each file costs two fsyncs; side by side they take the time of the slowest.
  std::vector<std::function<absl::Status()>> writes;
  std::optional<storage::FileRef> shard, products, sources, pictures, originals;
  std::vector<std::optional<storage::FileRef>> deletions(shards.size());
  auto add = [&writes](std::optional<storage::FileRef>* out, auto write) {
    writes.push_back([out, write]() -> absl::Status {
      VITRINE_ASSIGN_OR_RETURN(*out, write());
      return absl::OkStatus();
    });
  };
  if (!rows.empty()) {
    add(&shard, [&rows, &snapshot, path = new_path(paths.shards())] {
      return WriteShard(path, snapshot.blocks(), rows, nullptr);
    });
  }
  if (!changes.products.empty()) {
    add(&products, [&changes, path = new_path(paths.products())] {
      return WriteProductSegment(path, changes.products);
    });
  }
  if (!changes.sources.empty()) {
    add(&sources, [&changes, path = new_path(paths.sources())] {
      return WriteTableSegment(path, changes.sources);
    });
  }
  if (!changes.thumbnails.empty()) {
    add(&pictures, [&changes, path = new_path(paths.pictures())] {
      return WritePicturePack(path, changes.thumbnails);
    });
  }
  if (!changes.originals.empty()) {
    add(&originals, [&changes, path = new_path(paths.pictures())] {
      return WritePicturePack(path, changes.originals);
    });
  }
  for (size_t s = 0; s < shards.size(); ++s) {
    if (!touched[s] || AllDead(shards[s])) continue;
    const auto path = DeletionsPath(paths, shards[s], generation);
    written->Add(path);
    add(&deletions[s],
        [&dead = shards[s].dead, path] { return WriteDeletions(path, dead); });
  }
  std::vector<absl::Status> results(writes.size());
  const int n = static_cast<int>(writes.size());
  ParallelFor(n, n, [&](int i) { results[i] = writes[i](); });
  for (const absl::Status& result : results) VITRINE_RETURN_IF_ERROR(result);

  storage::VectorSet* set = MutableServing(manifest);
  ShardRefs kept;
  for (size_t s = 0; s < shards.size(); ++s) {
    // A shard without a live row leaves the manifest.
    if (touched[s] && !deletions[s]) continue;
    storage::Shard* entry = kept.Add();
    *entry = set->shards(static_cast<int>(s));
    if (deletions[s]) *entry->mutable_deletions() = *deletions[s];
  }
  if (shard) *kept.Add()->mutable_file() = *shard;
  *set->mutable_shards() = std::move(kept);
  if (products) *manifest->add_product_segments() = *products;
  if (sources) *manifest->add_source_segments() = *sources;
  if (pictures) *manifest->add_picture_packs() = *pictures;
  if (originals) *manifest->add_original_packs() = *originals;
  auto* sources_read = manifest->mutable_sources();
  for (const auto& entry : changes.positions) {
    auto known = std::find_if(
        sources_read->begin(), sources_read->end(),
        [&](const auto& source) { return source.source() == entry.first; });
    *(known == sources_read->end() ? sources_read->Add() : &*known) =
        entry.second;
  }
  return absl::OkStatus();
}

absl::Status ApplyMerge(const IndexPaths& paths, const Snapshot& snapshot,
                        const MergeOutput& output, storage::Manifest* manifest,
                        WrittenFiles* written) {
  ReplaceFiles(output.product_inputs, output.products,
               manifest->mutable_product_segments());
  ReplaceFiles(output.source_inputs, output.sources,
               manifest->mutable_source_segments());
  ReplaceFiles(output.picture_inputs, output.pictures,
               manifest->mutable_picture_packs());
  ReplaceFiles(output.original_inputs, output.originals,
               manifest->mutable_original_packs());
  if (output.shard_inputs.empty()) return absl::OkStatus();

  storage::VectorSet* set = MutableServing(manifest);
  ShardRefs kept;
  for (const storage::Shard& ref : set->shards()) {
    if (FindShard(output.shard_inputs, ref.file().name()) == nullptr) {
      *kept.Add() = ref;
    }
  }
  if (output.shard) {
    LiveShard merged =
        *FindShard(output.opened->shards(), output.shard->file().name());
    for (const LiveShard& input : output.shard_inputs) {
      // Null where the input has left the manifest: all of it has died.
      const LiveShard* now = FindShard(snapshot.shards(), input.shard->name());
      for (uint32_t row = 0; row < input.shard->rows(); ++row) {
        if (!input.IsLive(row) || (now != nullptr && now->IsLive(row))) {
          continue;
        }
        const RowKey key = input.shard->key(row);
        if (const auto dead = FindRow(merged, key.product_id, key.image_key)) {
          MarkDead(*dead, &merged);
        }
      }
    }
    if (!AllDead(merged)) {
      storage::Shard* entry = kept.Add();
      *entry = *output.shard;
      if (merged.dead.Count() > 0) {
        const auto path = DeletionsPath(paths, merged, manifest->generation());
        written->Add(path);
        VITRINE_ASSIGN_OR_RETURN(*entry->mutable_deletions(),
                                 WriteDeletions(path, merged.dead));
      }
    }
  }
  *set->mutable_shards() = std::move(kept);
  return absl::OkStatus();
}

}  // namespace vitrine
