#include "indexer/vector_sets.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/index/complements.h"
#include "common/model/stored_trial.h"
#include "indexer/generation_draft.h"

namespace vitrine {

storage::VectorSet* MutableSet(storage::Manifest* manifest, uint64_t id) {
  for (storage::VectorSet& set : *manifest->mutable_vector_sets()) {
    if (set.id() == id) return &set;
  }
  return nullptr;
}

void KeepServing(storage::Manifest* manifest) {
  google::protobuf::RepeatedPtrField<storage::VectorSet> kept;
  for (storage::VectorSet& set : *manifest->mutable_vector_sets()) {
    if (set.state() == storage::VectorSet::STATE_SERVING) {
      *kept.Add() = std::move(set);
    }
  }
  *manifest->mutable_vector_sets() = std::move(kept);
}

absl::StatusOr<storage::VectorSet> BeginSet(const IndexPaths& paths,
                                            const SetSettings& settings,
                                            uint64_t id, int64_t now_unix_ms) {
  VITRINE_ASSIGN_OR_RETURN(const std::string bundle,
                           ReadFile(settings.bundle_path));
  const std::string model = ToHex(Sha256(bundle));
  if (model != settings.card.id) {
    return absl::FailedPreconditionError(
        absl::StrCat(settings.bundle_path.string(),
                     " has changed since it was loaded; start again"));
  }
  const absl::Status copied = PublishFile(paths.model(model), bundle);
  if (!copied.ok() && !absl::IsAlreadyExists(copied)) return copied;

  storage::VectorSet set;
  set.set_id(id);
  set.set_state(storage::VectorSet::STATE_BUILDING);
  set.set_state_since_unix_ms(now_unix_ms);
  set.set_promote_manually(settings.promote_manually);
  set.set_model(model);
  set.set_model_bytes(bundle.size());
  set.set_metric(settings.metric);
  set.set_precision(settings.card.precision);
  StoreTrial(settings.trial, &set);
  for (const Block& block : settings.card.blocks) {
    storage::BlockSpec* const spec = set.add_blocks();
    spec->set_name(block.name);
    spec->set_dim(static_cast<uint32_t>(block.dim));
    spec->set_weight(block.weight);
  }
  return set;
}

absl::Status AttachComplements(const IndexPaths& paths, std::string_view bytes,
                               std::string_view name,
                               storage::Manifest* manifest,
                               WrittenFiles* written) {
  VITRINE_ASSIGN_OR_RETURN(const auto complements,
                           Complements::Parse(bytes, name));
  storage::FileRef ref;
  ref.set_name(complements->digest());
  ref.set_bytes(bytes.size());
  ref.set_checksum(Checksum(bytes));
  ref.set_entries(complements->size());
  bool attached = false;
  absl::Status why_not;
  for (storage::VectorSet& set : *manifest->mutable_vector_sets()) {
    const absl::Status is_for = complements->CheckIsFor(set);
    if (why_not.ok()) why_not = is_for;  // Of the first: the serving one.
    if (!is_for.ok()) continue;
    *set.mutable_complements() = ref;
    attached = true;
  }
  if (!attached) return Annotate(why_not, name);
  VITRINE_RETURN_IF_ERROR(MakeFolders(paths.complements()));
  VITRINE_RETURN_IF_ERROR(SyncFolder(paths.root));
  const std::filesystem::path path = paths.complements() / ref.name();
  const auto there = Complements::Open(path, ref);
  if (there.ok()) return absl::OkStatus();
  if (!absl::IsDataLoss(there.status())) return there.status();
  // It is missing, or what a repair has left out.
  VITRINE_RETURN_IF_ERROR(RemoveFile(path));
  VITRINE_RETURN_IF_ERROR(PublishFile(path, bytes));
  written->Add(path);
  return absl::OkStatus();
}

absl::Status WriteFill(const IndexPaths& paths, const IndexView& view,
                       const std::vector<Row>& rows,
                       storage::Manifest* manifest, WrittenFiles* written) {
  std::vector<Row> lacking;
  for (const Row& row : rows) {
    const std::string_view sha256 = BytesOf(row.sha256);
    if (HasRow(*view.snapshot, row.product_id, row.image_key, sha256) &&
        !HasRow(*view.other, row.product_id, row.image_key, sha256)) {
      lacking.push_back(row);
    }
  }
  if (lacking.empty()) return absl::OkStatus();
  const auto path = paths.shards() / NewIndexFileName(manifest->generation());
  written->Add(path);
  VITRINE_ASSIGN_OR_RETURN(
      *MutableSet(manifest, view.other->set().id())
           ->add_shards()
           ->mutable_file(),
      WriteShard(path, view.other->blocks(), lacking, nullptr));
  return absl::OkStatus();
}

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

bool HasRow(const Snapshot& snapshot, std::string_view product_id,
            std::string_view image_key, std::string_view sha256) {
  for (const LiveShard& live : snapshot.shards()) {
    const auto row = FindRow(live, product_id, image_key);
    if (row && live.shard->key(*row).sha256 == sha256) return true;
  }
  return false;
}

}  // namespace vitrine
