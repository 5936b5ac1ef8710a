#include "benchmarks/scratch_index.h"

#include <utility>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/index/manifest.h"
#include "common/index/search.h"

namespace vitrine {

absl::StatusOr<std::shared_ptr<const Snapshot>> ScratchIndex::Build(
    const Snapshot& like, std::vector<Row> rows) {
  VITRINE_ASSIGN_OR_RETURN(folder_, ScratchFolder::Make());
  const IndexPaths paths{root()};
  for (const auto& folder : {paths.manifests(), paths.shards()}) {
    VITRINE_RETURN_IF_ERROR(MakeFolders(folder));
  }
  GraphParams params;
  params.threads = AvailableCores();
  if (MetricOf(like.serving()) == Metric::kManhattan) {
    params.space = GraphSpace::kL1;
  }
  storage::Manifest manifest;
  manifest.set_generation(1);
  storage::VectorSet* set = manifest.add_vector_sets();
  *set = like.serving();
  set->clear_shards();
  storage::Shard* shard = set->add_shards();
  shard->set_has_graph(true);
  VITRINE_ASSIGN_OR_RETURN(*shard->mutable_file(),
                           WriteShard(paths.shards() / "forced", like.blocks(),
                                      std::move(rows), &params));
  VITRINE_RETURN_IF_ERROR(PublishManifest(paths, manifest));
  return Snapshot::Open(paths, manifest, nullptr);
}

absl::Status ScratchIndex::AddModel(const IndexPaths& from,
                                    const std::string& sha256) {
  const IndexPaths paths{root()};
  VITRINE_RETURN_IF_ERROR(MakeFolders(paths.models()));
  VITRINE_ASSIGN_OR_RETURN(const std::string bundle,
                           ReadFile(from.model(sha256)));
  return PublishFile(paths.model(sha256), bundle);
}

}  // namespace vitrine
