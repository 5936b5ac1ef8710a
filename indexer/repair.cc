#include "indexer/repair.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/index/bitmap.h"
#include "common/index/complements.h"
#include "common/index/manifest.h"
#include "common/index/picture_pack.h"
#include "common/index/shard.h"
#include "indexer/catalog_event.h"
#include "indexer/queued_product.h"
#include "indexer/vector_sets.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {
namespace {

using FileRefs = google::protobuf::RepeatedPtrField<storage::FileRef>;

// Damage; all else, as a file of a newer version or one that may not be read,
// is nothing that reading the catalogue mends.
bool IsDamage(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsNotFound(status);
}

// Leaves out of `refs` what `open` finds damaged.
template <typename OpenFn>
absl::Status KeepWhole(FileRefs* refs, std::vector<std::string>* findings,
                       const OpenFn& open) {
  FileRefs kept;
  for (const storage::FileRef& ref : *refs) {
    absl::Status status = open(ref);
    if (status.ok()) {
      *kept.Add() = ref;
    } else if (IsDamage(status)) {
      findings->emplace_back(status.message());
    } else {
      return status;
    }
  }
  *refs = std::move(kept);
  return absl::OkStatus();
}

absl::Status KeepWholeShards(const IndexPaths& paths, int dim,
                             storage::VectorSet* set,
                             std::vector<std::string>* findings) {
  google::protobuf::RepeatedPtrField<storage::Shard> kept;
  for (storage::Shard& ref : *set->mutable_shards()) {
    const auto shard =
        Shard::Open(paths.shards() / ref.file().name(), ref.file(), dim);
    if (!shard.ok()) {
      if (!IsDamage(shard.status())) return shard.status();
      findings->push_back(absl::StrCat(shard.status().message(), ": ",
                                       ref.file().entries(),
                                       " pictures are read again"));
      continue;
    }
    if (ref.has_deletions()) {
      const auto dead =
          ReadDeletions(paths.deletions() / ref.deletions().name(),
                        ref.deletions(), (*shard)->rows());
      // Which rows are dead is told by the products' records too.
      if (!dead.ok()) {
        if (!IsDamage(dead.status())) return dead.status();
        findings->emplace_back(dead.status().message());
        ref.clear_deletions();
      }
    }
    *kept.Add() = std::move(ref);
  }
  *set->mutable_shards() = std::move(kept);
  return absl::OkStatus();
}

absl::Status KeepWholeComplements(const IndexPaths& paths,
                                  storage::VectorSet* set,
                                  std::vector<std::string>* findings) {
  if (!set->has_complements()) return absl::OkStatus();
  const storage::FileRef& ref = set->complements();
  const auto complements =
      Complements::Open(paths.complements() / ref.name(), ref);
  if (!complements.ok() && !IsDamage(complements.status())) {
    return complements.status();
  }
  const absl::Status sound = complements.ok() ? (*complements)->CheckIsFor(*set)
                                              : complements.status();
  if (sound.ok()) return sound;
  findings->push_back(absl::StrCat(
      sound.message(),
      ": complements go by the rule until --complements names them again"));
  set->clear_complements();
  return absl::OkStatus();
}

// Marks as gone what only one of rows, products and sources knows.
class Mender {
 public:
  // `has_all_products`: no segment of products is damaged.
  Mender(bool has_all_products, Salvage* salvage)
      : has_all_products_(has_all_products), salvage_(*salvage) {}

  void Mend() {
    ReadProducts();
    VisitRows();
    DropImagesWithoutRow();
    VisitSources();
    MendQueuedProducts();
    GiveSourcesToRows();
  }

 private:
  using Key = std::pair<std::string, std::string>;  // Product, image.

  void ReadProducts() {
    salvage_.snapshot->products().ForEach(
        "", [&](std::string_view id, std::string_view bytes) {
          storage::ProductRecord product;
          product.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
          for (const storage::ImageRecord& image : product.images()) {
            listed_[{std::string(id), image.key()}] = image.sha256();
          }
          if (IsOfQueue(product.source())) {
            product.clear_images();
            queued_[std::string(id)] = std::move(product);
          }
          return true;
        });
  }

  void VisitRows() {
    for (const LiveShard& live : salvage_.snapshot->shards()) {
      for (uint32_t i = 0; i < live.shard->rows(); ++i) {
        if (!live.IsLive(i)) continue;
        const RowKey row = live.shard->key(i);
        const Key key(row.product_id, row.image_key);
        const auto image = listed_.find(key);
        const bool known =
            image != listed_.end() && image->second == row.sha256 &&
            !salvage_.snapshot->FindThumbnail(row.sha256).empty();
        if (!known || !rows_.insert(key).second) doubtful_.insert(key);
      }
    }
    // A key that is live twice, is not as its record says or has lost its
    // thumbnail, goes as a whole and is read again.
    for (const Key& key : doubtful_) {
      rows_.erase(key);
      salvage_.mend.rows[key] = std::nullopt;
    }
  }

  void DropImagesWithoutRow() {
    std::set<std::string> touched;
    for (const auto& [key, sha256] : listed_) {
      if (!rows_.contains(key)) touched.insert(key.first);
    }
    for (const std::string& id : touched) {
      storage::ProductRecord product;
      if (const auto bytes = salvage_.snapshot->products().Find(id)) {
        product.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()));
      }
      auto* images = product.mutable_images();
      images->erase(std::remove_if(images->begin(), images->end(),
                                   [&](const auto& image) {
                                     return !rows_.contains({id, image.key()});
                                   }),
                    images->end());
      std::optional<std::string> record;
      if (!images->empty()) record = SerializeRecord(product);
      salvage_.mend.products[id] = std::move(record);
    }
  }

  void VisitSources() {
    salvage_.sources->ForEach(
        "", [&](std::string_view path, std::string_view bytes) {
          if (const auto queued = ParseQueuedKey(path)) {
            VisitQueued(*queued, path, bytes);
            return true;
          }
          storage::SourceFileRecord file;
          file.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
          Key key(file.product_id(), path);
          if (file.refused_reason() == 0 && !rows_.contains(key)) {
            salvage_.mend.sources[key.second] = std::nullopt;
            return true;
          }
          // No file has this time: it is read again, and only hashed where
          // nothing has changed.
          file.set_modified_unix_ns(INT64_MIN);
          salvage_.mend.sources[key.second] = SerializeRecord(file);
          sourced_.insert(std::move(key));
          return true;
        });
  }

  void VisitQueued(const QueuedKey& queued, std::string_view source_key,
                   std::string_view bytes) {
    const std::string id(queued.product_id);
    if (!queued.image_key) {
      states_[id].ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
      return;
    }
    storage::SourceFileRecord file;
    file.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    const Key key(id, *queued.image_key);
    const bool is_lost =
        file.refused_reason() == v1::ERROR_REASON_INDEX_DAMAGED;
    if (rows_.contains(key)) {
      sourced_.insert(key);
      if (!is_lost) return;
      file.clear_refused_reason();
      file.clear_refused_message();
    } else if (file.refused_reason() != 0 && !is_lost) {
      return;
    } else if (has_all_products_ && !listed_.contains(key) && !is_lost) {
      // It was removed, and the record that said so is lost.
      salvage_.mend.sources[std::string(source_key)] = std::nullopt;
      return;
    } else {
      file.set_refused_reason(v1::ERROR_REASON_INDEX_DAMAGED);
      file.set_refused_message("its row was lost with a file of the index");
      lost_.insert(id);
    }
    salvage_.mend.sources[std::string(source_key)] = SerializeRecord(file);
  }

  // What is known of a queue's products beside their pictures.
  void MendQueuedProducts() {
    for (const auto& [id, product] : queued_) {
      storage::QueuedProductRecord& state = states_[id];
      if (state.source() == product.source() &&
          state.fields_version() >= product.version()) {
        continue;
      }
      // What said more of it is lost.
      if (state.source() != product.source()) {
        GiveTo(product.source(),
               salvage_.snapshot->manifest().published_unix_ms(), &state);
      }
      state.set_fields_version(
          std::max(state.fields_version(), product.version()));
      state.set_pictures_version(
          std::max(state.pictures_version(), product.version()));
      state.clear_absent_unix_ms();
      *state.mutable_fields() = product;
      salvage_.mend.sources[QueuedProductKey(id)] = SerializeRecord(state);
    }
    for (auto& [id, state] : states_) {
      if (!has_all_products_ || state.absent_unix_ms() != 0 ||
          queued_.contains(id) || lost_.contains(id)) {
        continue;
      }
      // It was deleted, and the record that said so is lost.
      state.clear_fields();
      state.set_absent_unix_ms(
          salvage_.snapshot->manifest().published_unix_ms());
      salvage_.mend.sources[QueuedProductKey(id)] = SerializeRecord(state);
    }
    salvage_.lost_products.assign(lost_.begin(), lost_.end());
  }

  // A row that no source knows is given one, so that it can be found gone.
  void GiveSourcesToRows() {
    for (const Key& key : rows_) {
      if (sourced_.contains(key)) continue;
      storage::SourceFileRecord file;
      file.set_product_id(key.first);
      file.set_sha256(listed_[key]);
      const bool is_queued = queued_.contains(key.first);
      if (!is_queued) file.set_modified_unix_ns(INT64_MIN);
      salvage_.mend.sources[is_queued ? QueuedPictureKey(key.first, key.second)
                                      : key.second] = SerializeRecord(file);
    }
  }

  static bool IsOfQueue(const std::string& source) {
    return source == QueueSourceName("") ||
           source.starts_with(QueueSourceName("") + "/");
  }

  const bool has_all_products_;
  Salvage& salvage_;
  std::map<Key, std::string> listed_;  // Images of records, with content.
  std::set<Key> rows_;                 // Live, once, and listed.
  std::set<Key> doubtful_;
  std::set<Key> sourced_;  // Rows that a source knows.
  // Of queues, by product: records without pictures, and states.
  std::map<std::string, storage::ProductRecord> queued_;
  std::map<std::string, storage::QueuedProductRecord> states_;
  std::set<std::string> lost_;  // Products of queues that have lost pictures.
};

}  // namespace

absl::StatusOr<Salvage> SalvageIndex(const IndexPaths& paths) {
  VITRINE_ASSIGN_OR_RETURN(const auto generations, ListGenerations(paths));
  if (generations.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no index in ", paths.root.string()));
  }
  Salvage salvage;
  salvage.newest_generation = generations.back();
  storage::Manifest manifest;
  bool found = false;
  for (auto generation = generations.rbegin(); generation != generations.rend();
       ++generation) {
    auto read = ReadManifest(paths, *generation);
    if (!read.ok()) {
      if (!absl::IsDataLoss(read.status())) return read.status();
      salvage.findings.emplace_back(read.status().message());
      salvage.damaged_generations.push_back(*generation);
    } else if (!std::exchange(found, true)) {
      manifest = *std::move(read);
    }
  }
  if (const storage::VectorSet* const other = OtherSet(manifest)) {
    salvage.findings.push_back(
        absl::StrCat("the vectors of model ", other->model(),
                     ", which did not serve, are given up"));
    KeepServing(&manifest);
  }
  storage::VectorSet* const set =
      ServingSet(manifest).ok() ? manifest.mutable_vector_sets(0) : nullptr;
  if (set == nullptr) {
    return absl::DataLossError(absl::StrCat(
        "no manifest of ", paths.root.string(),
        " can be read; index the catalogue into a fresh directory"));
  }
  std::vector<std::string>* findings = &salvage.findings;
  int dim = 0;
  for (const storage::BlockSpec& block : set->blocks()) {
    dim += static_cast<int>(block.dim());
  }
  VITRINE_RETURN_IF_ERROR(KeepWholeShards(paths, dim, set, findings));
  VITRINE_RETURN_IF_ERROR(KeepWholeComplements(paths, set, findings));
  const int product_segments = manifest.product_segments_size();
  VITRINE_RETURN_IF_ERROR(KeepWhole(
      manifest.mutable_product_segments(), findings,
      [&](const storage::FileRef& ref) {
        return TableSegment::Open(paths.products() / ref.name(), ref).status();
      }));
  VITRINE_RETURN_IF_ERROR(KeepWhole(
      manifest.mutable_picture_packs(), findings,
      [&](const storage::FileRef& ref) {
        return PicturePack::Open(paths.pictures() / ref.name(), ref).status();
      }));
  VITRINE_RETURN_IF_ERROR(
      KeepWhole(manifest.mutable_original_packs(), findings,
                // Each original is known by its digest, so that one that has
                // rotten takes no other with it.
                [&](const storage::FileRef& ref) {
                  return PicturePack::Open(paths.pictures() / ref.name(), ref,
                                           Verification::kStructure)
                      .status();
                }));
  std::vector<std::shared_ptr<const TableSegment>> segments;
  VITRINE_RETURN_IF_ERROR(
      KeepWhole(manifest.mutable_source_segments(), findings,
                [&](const storage::FileRef& ref) -> absl::Status {
                  VITRINE_ASSIGN_OR_RETURN(
                      auto segment,
                      TableSegment::Open(paths.sources() / ref.name(), ref));
                  segments.push_back(std::move(segment));
                  return absl::OkStatus();
                }));
  salvage.sources = std::make_shared<const Table>(std::move(segments));
  const auto bundle = ReadFile(paths.model(set->model()));
  if (!bundle.ok() && !absl::IsNotFound(bundle.status())) {
    return bundle.status();
  }
  salvage.model_damaged =
      !bundle.ok() || ToHex(Sha256(*bundle)) != set->model();
  if (salvage.model_damaged) {
    findings->push_back(absl::StrCat(paths.model(set->model()).string(),
                                     " is not the bundle that its name says"));
  }
  VITRINE_ASSIGN_OR_RETURN(salvage.snapshot,
                           Snapshot::Open(paths, manifest, nullptr));
  Mender(manifest.product_segments_size() == product_segments, &salvage).Mend();
  return salvage;
}

}  // namespace vitrine
