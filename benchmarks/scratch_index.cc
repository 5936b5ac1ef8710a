#include "benchmarks/scratch_index.h"

#include <stdlib.h>

#include <string>
#include <system_error>
#include <utility>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/index/manifest.h"
#include "common/index/search.h"

namespace vitrine {

ScratchIndex::ScratchIndex() {
  std::string name =
      (std::filesystem::temp_directory_path() / "vitrine_bench_XXXXXX")
          .string();
  if (::mkdtemp(name.data()) != nullptr) folder_ = name;
}

ScratchIndex::~ScratchIndex() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

absl::StatusOr<std::shared_ptr<const Snapshot>> ScratchIndex::Build(
    const Snapshot& like, std::vector<Row> rows) {
  if (folder_.empty()) {
    return absl::InternalError("no folder can be made in TMPDIR");
  }
  const IndexPaths paths{folder_ / "index"};
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

}  // namespace vitrine
