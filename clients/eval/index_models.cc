#include "clients/eval/index_models.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/index/manifest.h"

namespace vitrine::eval {

absl::Status TakeFromIndex(const std::filesystem::path& index,
                           EvalOptions* options) {
  const IndexPaths paths{index};
  const auto generations = ListGenerations(paths);
  if (!generations.ok() || generations->empty()) {
    return absl::NotFoundError(absl::StrCat(
        "--index=", index.string(), ": there is no index in that folder"));
  }
  VITRINE_ASSIGN_OR_RETURN(const storage::Manifest manifest,
                           ReadManifest(paths, generations->back()));
  VITRINE_ASSIGN_OR_RETURN(const storage::VectorSet* const serving,
                           ServingSet(manifest));
  options->models.push_back(paths.model(serving->model()));
  const storage::VectorSet* const other = OtherSet(manifest);
  if (other != nullptr && other->model() != serving->model()) {
    options->models.push_back(paths.model(other->model()));
  }
  for (const storage::SourcePosition& source : manifest.sources()) {
    const auto root = source.settings().find("root");
    if (options->catalog.root.empty() && root != source.settings().end()) {
      options->catalog.root = root->second;
    }
  }
  return absl::OkStatus();
}

}  // namespace vitrine::eval
