// The one writer of an index: takes changes and merges, publishes generations,
// and removes what nobody needs any more.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/partition.h"
#include "common/index/index_paths.h"
#include "common/index/snapshot.h"
#include "common/index/table.h"
#include "common/model/embedder.h"
#include "indexer/index_changes.h"
#include "indexer/index_view.h"
#include "indexer/merge.h"
#include "indexer/retention.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

class WrittenFiles;
struct Salvage;

struct PublisherOptions {
  RetentionLimits retention;
  std::function<int64_t()> now_unix_ms;  // Empty: the system's clock.
};

// What a vector set is begun with.
struct SetSettings {
  ModelCard card;
  EmbedTrial trial;
  std::filesystem::path bundle_path;
  storage::VectorSet::Metric metric = storage::VectorSet::METRIC_COSINE;
  bool promote_manually = false;
  Partition partition;  // Of an index that is begun.
};

// When and as what changes became durable.
struct Publication {
  uint64_t generation = 0;
  int64_t published_unix_ms = 0;
};

// Bytes that were written since the index was opened.
struct WriteTotals {
  uint64_t published = 0;  // Files of what is new, …
  uint64_t merged = 0;     // … the same again by merges, …
  uint64_t manifests = 0;  // … and the generations' manifests.

  uint64_t all() const { return published + merged + manifests; }
  // How often a byte was written, on average; 0 before the first.
  double Amplification() const {
    return published == 0
               ? 0
               : static_cast<double>(all()) / static_cast<double>(published);
  }
  // Whether `bytes` more may be merged so that it stays within `limit`.
  bool Allows(uint64_t bytes, double limit) const {
    return static_cast<double>(all() + bytes) <=
           limit * static_cast<double>(published);
  }
};

// Thread-safe. Its user holds the index's lock all along.
class Publisher {
 public:
  // The newest generation of an index. Removes what a crash has left. NOT_FOUND
  // where there is no index yet; DATA_LOSS, with the remedy, where a manifest
  // or a file of the newest generation is damaged.
  static absl::StatusOr<std::unique_ptr<Publisher>> Open(
      const IndexPaths& paths, const PublisherOptions& options);
  // What is left of a damaged index. Its first publication, which should hold
  // the salvage's mend, makes the index whole.
  static absl::StatusOr<std::unique_ptr<Publisher>> OpenSalvage(
      const IndexPaths& paths, const Salvage& salvage,
      const PublisherOptions& options);
  // Begins an index: copies the model's bundle and publishes an empty
  // generation.
  static absl::StatusOr<std::unique_ptr<Publisher>> Begin(
      const IndexPaths& paths, const SetSettings& settings,
      const PublisherOptions& options);

  IndexView view() const;

  // Publishes the next generation. After an error nothing is published, the
  // view is as before, and the same changes may be tried again.
  absl::StatusOr<Publication> Publish(const IndexChanges& changes);

  // Begins a vector set beside the serving one, in the place of the other one
  // where there is one.
  absl::StatusOr<Publication> AddSet(const SetSettings& settings);
  // Adds rows to the other set, where it has this id: those of pictures that
  // are there, with this content, and that it lacks. NOT_FOUND where the index
  // has no such set any more.
  absl::StatusOr<Publication> Fill(uint64_t set, const std::vector<Row>& rows);
  // The other set serves from now on, and the serving one is kept, or goes.
  // FAILED_PRECONDITION where it lacks a picture, NOT_FOUND where there is
  // none.
  absl::StatusOr<Publication> SwitchSets(bool keep);
  // Whether the other set, which is being built, serves only when asked to.
  absl::StatusOr<Publication> SetPromotion(bool manually);
  // Learned complements, `bytes` of the file `name`, are of the set whose model
  // they are for from now on; empty `bytes` take those of all sets away.
  // INVALID_ARGUMENT where they are none, FAILED_PRECONDITION where no set is
  // of their model. Publishes nothing where they are there already.
  absl::StatusOr<Publication> SetComplements(std::string_view bytes,
                                             std::string_view name);
  // Gives the other set up. NOT_FOUND where there is none.
  absl::StatusOr<Publication> DropOtherSet();

  // A name for a file of this index that was never used.
  std::string NewFileName() const;

  // Publishes a generation in which a merge's outputs stand for its inputs;
  // rows that died since the merge began are dead in it too. After an error the
  // output's files are gone.
  absl::StatusOr<Publication> Commit(const MergeOutput& output);

  // Removes generations that have expired, and what only they have named: once
  // all receipts are written, since lost ones are found by comparing the newest
  // generation with that of the last receipt, or with the oldest there is.
  void RemoveExpired();

  WriteTotals write_totals() const {
    return {published_bytes_, merged_bytes_, manifest_bytes_};
  }
  const IndexPaths& paths() const { return paths_; }
  int64_t NowUnixMs() const;

 private:
  Publisher(IndexPaths paths, PublisherOptions options);
  absl::Status LoadGenerations();
  // The manifest that the next generation begins from.
  storage::Manifest NextManifest();
  absl::Status RemoveOrphans();
  // As PublishDraft, of files of what is new.
  absl::StatusOr<Publication> PublishNew(storage::Manifest manifest,
                                         WrittenFiles* written);
  // Verifies what a manifest names and publishes it. `opened`, which may be
  // null, has some of it open, besides what the view has.
  absl::StatusOr<Publication> PublishDraft(storage::Manifest manifest,
                                           const Snapshot* opened,
                                           WrittenFiles* written);

  const IndexPaths paths_;
  const PublisherOptions options_;

  std::mutex publishing_;  // One publication at a time.
  Retention retention_;
  std::vector<uint64_t> damaged_generations_;  // Go with the next publication.
  std::atomic<uint64_t> next_generation_{1};   // Rises with every attempt.
  std::atomic<uint64_t> published_bytes_{0};
  std::atomic<uint64_t> merged_bytes_{0};
  std::atomic<uint64_t> manifest_bytes_{0};

  mutable std::mutex mutex_;  // Guards what follows, for a moment only.
  IndexView view_;
};

}  // namespace vitrine
