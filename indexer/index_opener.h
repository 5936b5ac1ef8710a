// Opening an index for writing: lock, newest generation, model.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/partition.h"
#include "common/index/index_paths.h"
#include "common/model/embedder.h"
#include "indexer/index_lock.h"
#include "indexer/publisher.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// `trial` is that of an earlier load, or of none.
using LoadEmbedderFn = std::function<absl::StatusOr<std::unique_ptr<Embedder>>(
    const std::filesystem::path& bundle, const EmbedTrial& trial, int threads)>;

struct IndexOptions {
  std::filesystem::path root;
  // Empty: the index's own model, or `default_model` for a new index. Another
  // one than the index has gets a vector set of its own beside the serving one.
  std::filesystem::path model;
  std::filesystem::path default_model;
  // Nothing: the index's own metric, or cosine for a new index. Another one,
  // likewise.
  std::optional<storage::VectorSet::Metric> metric;
  // Whether the set of another model serves only when somebody asks for it;
  // nothing: as before, and for a new one as soon as it is complete.
  std::optional<bool> promote_manually;
  // A file of learned complements for one of its models; "none" takes them
  // away, and empty leaves them as they are.
  std::string complements;
  // The part of the catalogue that the index is of.
  Partition partition;
  LoadEmbedderFn load_embedder;
  // Takes what verifies of a damaged index; `mend` is the first to be
  // published.
  bool repair = false;
  int threads = 1;
  PublisherOptions publisher;
};

// The model of a set of the index's, as the set's vectors were made.
absl::StatusOr<std::unique_ptr<Embedder>> LoadModelOf(
    const storage::VectorSet& set, const IndexPaths& paths,
    const IndexOptions& options);

struct OpenIndex {
  std::unique_ptr<IndexLock> lock;
  std::unique_ptr<Publisher> publisher;
  std::unique_ptr<Embedder> embedder;
  // What an operator should know, a line each.
  std::vector<std::string> notes;
  IndexChanges mend;
  std::vector<std::string> lost_products;  // See Salvage.
  std::vector<std::string> findings;  // What repair has found to be damaged.
};

// Begins an index where there is none, and a vector set where the index has
// none of the model and metric that are asked for. FAILED_PRECONDITION where
// another indexer has it, or where it is of another partition; DATA_LOSS where
// it is damaged.
absl::StatusOr<OpenIndex> OpenIndexForWriting(const IndexOptions& options);

// "cosine", "euclidean", "manhattan".
absl::StatusOr<storage::VectorSet::Metric> ParseMetric(std::string_view name);
std::string_view MetricName(storage::VectorSet::Metric metric);

}  // namespace vitrine
