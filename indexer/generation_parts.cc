#include "indexer/generation_parts.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/index/bitmap.h"
#include "common/index/product_columns.h"
#include "indexer/vector_sets.h"

namespace vitrine {
namespace {

using FileRefs = google::protobuf::RepeatedPtrField<storage::FileRef>;
using ShardRefs = google::protobuf::RepeatedPtrField<storage::Shard>;

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

// A set's shards, and which of their rows die in the next generation.
struct SetDeletions {
  struct Part {
    LiveShard live;
    bool touched = false;
    std::optional<storage::FileRef> written;  // Its new bitmap.
  };

  explicit SetDeletions(const Snapshot& snapshot) : id(snapshot.set().id()) {
    for (const LiveShard& live : snapshot.shards()) {
      parts.emplace_back().live = live;
    }
  }

  void Kill(std::string_view product_id, std::string_view image_key) {
    for (Part& part : parts) {
      if (const auto row = FindRow(part.live, product_id, image_key)) {
        MarkDead(*row, &part.live);
        part.touched = true;
      }
    }
  }

  // `set` is that of the snapshot.
  void NameIn(storage::VectorSet* set) const {
    ShardRefs kept;
    for (size_t i = 0; i < parts.size(); ++i) {
      // A shard without a live row leaves the manifest.
      if (parts[i].touched && !parts[i].written) continue;
      storage::Shard* const entry = kept.Add();
      *entry = set->shards(static_cast<int>(i));
      if (parts[i].written) *entry->mutable_deletions() = *parts[i].written;
    }
    *set->mutable_shards() = std::move(kept);
  }

  uint64_t id;
  std::vector<Part> parts;
};

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

uint64_t WrittenFiles::Bytes() const {
  std::lock_guard lock(mutex_);
  uint64_t bytes = 0;
  for (const std::filesystem::path& file : files_) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (!error) bytes += size;
  }
  return bytes;
}

std::string NewIndexFileName(uint64_t generation) {
  static std::atomic<uint32_t> next{std::random_device()()};
  return absl::StrFormat("%06d-%08x", generation, next++);
}

absl::Status WriteChanges(const IndexPaths& paths, const IndexView& view,
                          const IndexChanges& changes,
                          storage::Manifest* manifest, WrittenFiles* written) {
  std::vector<SetDeletions> sets;
  for (const auto& snapshot : {view.snapshot, view.other}) {
    if (snapshot != nullptr) sets.emplace_back(*snapshot);
  }
  std::vector<Row> rows;
  for (const auto& [key, row] : changes.rows) {
    for (SetDeletions& set : sets) set.Kill(key.first, key.second);
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
  auto add = [&writes](std::optional<storage::FileRef>* out, auto write) {
    writes.push_back([out, write]() -> absl::Status {
      VITRINE_ASSIGN_OR_RETURN(*out, write());
      return absl::OkStatus();
    });
  };
  if (!rows.empty()) {
    add(&shard, [&rows, &view, path = new_path(paths.shards())] {
      return WriteShard(path, view.snapshot->blocks(), rows, nullptr);
    });
  }
  if (!changes.products.empty()) {
    add(&products, [&changes, path = new_path(paths.products())] {
      return WriteProductSegment(path, EntriesOf(changes.products));
    });
  }
  if (!changes.sources.empty()) {
    add(&sources, [&changes, path = new_path(paths.sources())] {
      return WriteTableSegment(path, EntriesOf(changes.sources));
    });
  }
  if (!changes.thumbnails.empty()) {
    add(&pictures, [&changes, path = new_path(paths.pictures())] {
      return WritePicturePack(path, EntriesOf(changes.thumbnails));
    });
  }
  if (!changes.originals.empty()) {
    add(&originals, [&changes, path = new_path(paths.pictures())] {
      return WritePicturePack(path, EntriesOf(changes.originals));
    });
  }
  for (SetDeletions& set : sets) {
    for (SetDeletions::Part& part : set.parts) {
      if (!part.touched || AllDead(part.live)) continue;
      const auto path = DeletionsPath(paths, part.live, generation);
      written->Add(path);
      add(&part.written, [&dead = part.live.dead, path] {
        return WriteDeletions(path, dead);
      });
    }
  }
  std::vector<absl::Status> results(writes.size());
  const int n = static_cast<int>(writes.size());
  ParallelFor(n, n, [&](int i) { results[i] = writes[i](); });
  for (const absl::Status& result : results) VITRINE_RETURN_IF_ERROR(result);

  for (const SetDeletions& set : sets) {
    set.NameIn(MutableSet(manifest, set.id));
  }
  if (shard) {
    *MutableSet(manifest, view.snapshot->set().id())
         ->add_shards()
         ->mutable_file() = *shard;
  }
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

absl::Status ApplyMerge(const IndexPaths& paths, const IndexView& view,
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

  const Snapshot* const snapshot = view.FindSet(output.set);
  if (snapshot == nullptr) {
    return absl::NotFoundError(absl::StrCat("vector set ", output.set,
                                            " is gone, and with it its merge"));
  }
  storage::VectorSet* const set = MutableSet(manifest, output.set);
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
      const LiveShard* now = FindShard(snapshot->shards(), input.shard->name());
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
