#include "benchmarks/scratch_index.h"

#include <utility>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/index/manifest.h"
#include "common/index/product_columns.h"
#include "common/index/recall_measure.h"
#include "common/index/search.h"

namespace vitrine {

absl::StatusOr<std::shared_ptr<const Snapshot>> WriteIndex(
    const IndexPaths& paths, const Snapshot& like, const std::vector<Row>& rows,
    const TableChanges& products, GraphRecall recall) {
  for (const auto& folder :
       {paths.manifests(), paths.models(), paths.shards(), paths.deletions(),
        paths.products(), paths.sources(), paths.pictures()}) {
    VITRINE_RETURN_IF_ERROR(MakeFolders(folder));
  }
  GraphParams params;
  params.threads = AvailableCores();
  if (MetricOf(like.set()) == Metric::kManhattan) {
    params.space = GraphSpace::kL1;
  }
  storage::Manifest manifest;
  manifest.set_generation(1);
  storage::VectorSet* set = manifest.add_vector_sets();
  *set = like.set();
  set->clear_shards();
  storage::Shard* shard = set->add_shards();
  shard->set_has_graph(true);
  VITRINE_ASSIGN_OR_RETURN(
      *shard->mutable_file(),
      WriteShard(paths.shards() / "000001-0", like.blocks(), rows, &params));
  if (recall == GraphRecall::kMeasured) {
    VITRINE_RETURN_IF_ERROR(
        MeasureRecall(paths, like.set(), params.threads, {}, shard));
  }
  if (!products.empty()) {
    VITRINE_ASSIGN_OR_RETURN(*manifest.add_product_segments(),
                             WriteProductSegment(paths.products() / "000001-1",
                                                 EntriesOf(products)));
  }
  VITRINE_RETURN_IF_ERROR(PublishManifest(paths, manifest));
  return Snapshot::Open(paths, manifest, nullptr);
}

absl::Status CopyModel(const IndexPaths& from, const IndexPaths& to,
                       const std::string& sha256) {
  VITRINE_ASSIGN_OR_RETURN(const std::string bundle,
                           ReadFile(from.model(sha256)));
  return PublishFile(to.model(sha256), bundle);
}

absl::StatusOr<std::shared_ptr<const Snapshot>> ScratchIndex::Build(
    const Snapshot& like, const std::vector<Row>& rows,
    const TableChanges& products, GraphRecall recall) {
  VITRINE_ASSIGN_OR_RETURN(folder_, ScratchFolder::Make());
  return WriteIndex(paths(), like, rows, products, recall);
}

}  // namespace vitrine
