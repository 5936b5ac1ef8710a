#include "common/index/snapshot.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/index/complements.h"
#include "common/index/manifest.h"

namespace vitrine {
namespace {

// Files of as many bytes take about a second from the disk.
constexpr uint64_t kVerifiedBeforeServing = 2'000'000'000;

// Calls visit(folder, ref) for each file that a snapshot of `manifest` opens
// with the set of this id, or with any set where that is 0.
template <typename Visit>
void ForEachFile(const storage::Manifest& manifest, uint64_t set_id,
                 const Visit& visit) {
  for (const storage::VectorSet& set : manifest.vector_sets()) {
    if (set_id != 0 && set.id() != set_id) continue;
    for (const storage::Shard& shard : set.shards()) {
      visit('s', shard.file());
      if (shard.has_deletions()) visit('d', shard.deletions());
    }
  }
  for (const auto& ref : manifest.product_segments()) visit('t', ref);
  for (const auto& ref : manifest.picture_packs()) visit('p', ref);
}

// Whether no name means one file in `a` and another in `b`. An index that was
// begun anew in the same folder counts its files from the start again.
bool NamesAgree(const storage::Manifest& a, const storage::Manifest& b) {
  absl::flat_hash_map<std::string, uint64_t> checksums;
  ForEachFile(a, 0, [&](char folder, const storage::FileRef& ref) {
    checksums[folder + ref.name()] = ref.checksum();
  });
  bool agree = true;
  ForEachFile(b, 0, [&](char folder, const storage::FileRef& ref) {
    auto it = checksums.find(folder + ref.name());
    if (it != checksums.end() && it->second != ref.checksum()) agree = false;
  });
  return agree;
}

// Whether a part that is open may be served as `verify` says. A damaged one is
// opened anew, which tells whether its file has been mended.
template <typename T>
bool IsSound(const T& part, VerifyMode verify) {
  return part.file().Check().ok() &&
         (verify != VerifyMode::kAlways || part.file().verified() ||
          part.Verify(/*stop=*/{}).ok());
}

// The sound part of `open` that has this name; null where none has.
template <typename T>
std::shared_ptr<const T> FindOpen(
    const std::vector<std::shared_ptr<const T>>& open, const std::string& name,
    VerifyMode verify) {
  auto it = std::find_if(open.begin(), open.end(), [&](const auto& part) {
    return part->name() == name && IsSound(*part, verify);
  });
  return it == open.end() ? nullptr : *it;
}

// How many bytes the files of a set's snapshot have that `previous` does not
// name.
uint64_t NewBytes(const storage::Manifest& manifest, uint64_t set_id,
                  const storage::Manifest& previous) {
  absl::flat_hash_set<std::string> open;
  ForEachFile(previous, set_id, [&](char folder, const storage::FileRef& ref) {
    open.insert(folder + ref.name());
  });
  uint64_t bytes = 0;
  ForEachFile(manifest, set_id, [&](char folder, const storage::FileRef& ref) {
    if (!open.contains(folder + ref.name())) bytes += ref.bytes();
  });
  return bytes;
}

// Opens what `refs` name in `folder`, but for what `open` has open.
template <typename T>
absl::StatusOr<std::vector<std::shared_ptr<const T>>> OpenAll(
    const std::filesystem::path& folder,
    const google::protobuf::RepeatedPtrField<storage::FileRef>& refs,
    const std::vector<std::shared_ptr<const T>>& open, VerifyMode verify,
    Verification verification) {
  std::vector<std::shared_ptr<const T>> parts;
  for (const storage::FileRef& ref : refs) {
    std::shared_ptr<const T> part = FindOpen(open, ref.name(), verify);
    if (part == nullptr) {
      VITRINE_ASSIGN_OR_RETURN(part,
                               T::Open(folder / ref.name(), ref, verification));
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

// The set with this id, 0 is the serving one.
absl::StatusOr<const storage::VectorSet*> FindSet(
    const storage::Manifest& manifest, uint64_t id) {
  VITRINE_ASSIGN_OR_RETURN(const storage::VectorSet* const serving,
                           ServingSet(manifest));
  if (id == 0) return serving;
  for (const storage::VectorSet& set : manifest.vector_sets()) {
    if (set.id() == id) return &set;
  }
  return absl::NotFoundError(absl::StrCat("generation ", manifest.generation(),
                                          " has no vector set ", id));
}

absl::Status CheckBlocks(const storage::Manifest& manifest,
                         const std::vector<Block>& blocks) {
  int64_t total = 0;
  for (const Block& block : blocks) {
    total += block.dim;
    if (block.dim <= 0 || block.dim % kBlockMultiple != 0 || total > kMaxDim) {
      return absl::DataLossError(
          absl::StrCat("generation ", manifest.generation(), " has a block ",
                       block.name, " of ", block.dim, " numbers"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Verification VerificationOf(VerifyMode mode, uint64_t new_bytes) {
  const bool all =
      mode == VerifyMode::kAlways ||
      (mode == VerifyMode::kAuto && new_bytes < kVerifiedBeforeServing);
  return all ? Verification::kAll : Verification::kStructure;
}

absl::StatusOr<std::shared_ptr<const Snapshot>> Snapshot::Open(
    const IndexPaths& paths, const storage::Manifest& manifest,
    std::span<const Snapshot* const> open, VerifyMode verify, uint64_t set) {
  std::shared_ptr<Snapshot> snapshot(new Snapshot());
  snapshot->paths_ = paths;
  snapshot->manifest_ = manifest;
  VITRINE_ASSIGN_OR_RETURN(snapshot->set_, FindSet(snapshot->manifest_, set));
  // Tables and packs are of all sets; shards, and what was made of them, of
  // one.
  const Snapshot* any = nullptr;
  const Snapshot* same = nullptr;
  for (const Snapshot* const one : open) {
    if (one == nullptr || !NamesAgree(one->manifest_, manifest)) continue;
    if (any == nullptr) any = one;
    if (same == nullptr && one->set().id() == snapshot->set().id()) same = one;
  }
  static const Snapshot* const kNothing = new Snapshot();  // Never destroyed.
  VITRINE_RETURN_IF_ERROR(
      snapshot->OpenShards(same == nullptr ? *kNothing : *same, verify));
  VITRINE_RETURN_IF_ERROR(
      snapshot->OpenTables(any == nullptr ? *kNothing : *any, verify));
  VITRINE_RETURN_IF_ERROR(
      snapshot->OpenComplements(same == nullptr ? *kNothing : *same));
  snapshot->selector_ = std::make_unique<const RowSelector>(
      snapshot->shards_, snapshot->products_,
      same == nullptr ? nullptr : same->selector_.get());
  return snapshot;
}

absl::Status Snapshot::OpenShards(const Snapshot& previous, VerifyMode verify) {
  for (const storage::BlockSpec& block : set_->blocks()) {
    blocks_.push_back(
        {block.name(), static_cast<int>(block.dim()), block.weight()});
  }
  VITRINE_RETURN_IF_ERROR(CheckBlocks(manifest_, blocks_));
  dim_ = TotalDim(blocks_);
  const Verification verification = VerificationOf(
      verify, NewBytes(manifest_, set_->id(), previous.manifest_));
  for (const storage::Shard& ref : set_->shards()) {
    auto before = std::find_if(previous.shards_.begin(), previous.shards_.end(),
                               [&](const LiveShard& live) {
                                 return live.shard->name() == ref.file().name();
                               });
    LiveShard live;
    if (before != previous.shards_.end() && IsSound(*before->shard, verify)) {
      live.shard = before->shard;
    }
    if (live.shard == nullptr) {
      VITRINE_ASSIGN_OR_RETURN(live.shard,
                               Shard::Open(paths_.shards() / ref.file().name(),
                                           ref.file(), dim_, verification));
    }
    const size_t ranges = live.shard->code_ranges().size();
    if (ranges != 0 && ranges != blocks_.size()) {
      return absl::DataLossError(
          absl::StrCat("shard ", live.shard->name(), " has codes of ", ranges,
                       " blocks instead of ", blocks_.size()));
    }
    if (ref.has_deletions()) {
      live.deletions_name = ref.deletions().name();
      if (before != previous.shards_.end() &&
          before->deletions_name == live.deletions_name) {
        live.dead = before->dead;
      } else {
        VITRINE_ASSIGN_OR_RETURN(
            live.dead, ReadDeletions(paths_.deletions() / live.deletions_name,
                                     ref.deletions(), live.shard->rows()));
      }
    }
    images_ += live.shard->rows() - live.dead.Count();
    shards_.push_back(std::move(live));
  }
  return absl::OkStatus();
}

absl::Status Snapshot::OpenComplements(const Snapshot& previous) {
  if (!set_->has_complements()) return absl::OkStatus();
  const storage::FileRef& ref = set_->complements();
  if (previous.complements_ != nullptr &&
      ref.name() == previous.complements_->digest()) {
    complements_ = previous.complements_;
  } else {
    VITRINE_ASSIGN_OR_RETURN(
        complements_,
        Complements::Open(paths_.complements() / ref.name(), ref));
  }
  const absl::Status is_for = complements_->CheckIsFor(*set_);
  if (is_for.ok()) return is_for;
  return absl::DataLossError(
      absl::StrCat("complements ", ref.name(), ": ", is_for.message()));
}

absl::Status Snapshot::OpenTables(const Snapshot& previous, VerifyMode verify) {
  const Verification verification = VerificationOf(
      verify, NewBytes(manifest_, set_->id(), previous.manifest_));
  VITRINE_ASSIGN_OR_RETURN(
      auto segments, OpenAll<TableSegment>(
                         paths_.products(), manifest_.product_segments(),
                         previous.products_.segments(), verify, verification));
  products_ = Table(std::move(segments));
  VITRINE_ASSIGN_OR_RETURN(
      packs_, OpenAll<PicturePack>(paths_.pictures(), manifest_.picture_packs(),
                                   previous.packs_, verify, verification));
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Snapshot>> Snapshot::OpenNewest(
    const IndexPaths& paths, std::span<const Snapshot* const> open,
    std::string* degraded, VerifyMode verify) {
  degraded->clear();
  auto generations = ListGenerations(paths);
  if (!generations.ok() || generations->empty()) {
    if (!generations.ok() && !absl::IsNotFound(generations.status()))
      return generations.status();
    return MakeError(
        absl::StatusCode::kNotFound, v1::ERROR_REASON_INDEX_NOT_READY,
        absl::StrCat("there is no index in ", paths.root.string(),
                     ": run vitrine-indexer --index=", paths.root.string(),
                     " --catalog=DIR"));
  }
  absl::Status newest_failure;
  for (auto generation = generations->rbegin();
       generation != generations->rend(); ++generation) {
    absl::StatusOr<storage::Manifest> manifest =
        ReadManifest(paths, *generation);
    absl::Status failure = manifest.status();
    if (manifest.ok()) {
      auto snapshot = Open(paths, *manifest, open, verify);
      if (snapshot.ok()) {
        if (!newest_failure.ok()) {
          *degraded = absl::StrCat("generation ", generations->back(),
                                   " does not open (", newest_failure.message(),
                                   "); serving generation ", *generation);
        }
        return snapshot;
      }
      failure = snapshot.status();
    }
    if (newest_failure.ok()) newest_failure = WithRemedy(failure, paths);
  }
  return newest_failure;
}

absl::Status Snapshot::CheckFiles() const {
  absl::Status status;
  ForEachPart([&](const auto& part) {
    if (status.ok()) status = part.file().Check();
  });
  return WithRemedy(status, paths_);
}

bool Snapshot::verified() const {
  bool verified = true;
  ForEachPart([&](const auto& part) { verified &= part.file().verified(); });
  return verified;
}

uint64_t Snapshot::Touch(uint64_t most_bytes, const StopRequested& stop) const {
  uint64_t touched = 0;
  for (const bool with_graph : {true, false}) {
    for (const LiveShard& live : shards()) {
      if ((live.shard->graph() != nullptr) != with_graph) continue;
      touched += live.shard->file().Touch(most_bytes - touched, stop);
    }
  }
  return touched;
}

absl::Status Snapshot::Verify(const StopRequested& stop) const {
  absl::Status first;
  ForEachPart([&](const auto& part) {
    const absl::Status status =
        stop && stop() ? absl::CancelledError("verifying was stopped")
                       : part.Verify(stop);
    if (first.ok()) first = status;
  });
  return WithRemedy(first, paths_);
}

absl::StatusOr<storage::ProductRecord> Snapshot::FindProduct(
    std::string_view product_id) const {
  const auto bytes = products_.Find(product_id);
  if (!bytes) {
    return MakeError(
        absl::StatusCode::kNotFound, v1::ERROR_REASON_UNKNOWN_PRODUCT,
        absl::StrCat("no product \"",
                     absl::string_view(product_id.data(), product_id.size()),
                     "\" in generation ", generation()),
        "product_id");
  }
  storage::ProductRecord product;
  if (!product.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) {
    return MakeError(
        absl::StatusCode::kDataLoss, v1::ERROR_REASON_INDEX_DAMAGED,
        absl::StrCat("the record of product \"",
                     absl::string_view(product_id.data(), product_id.size()),
                     "\" does not parse"));
  }
  return product;
}

void Snapshot::ForEachRowOf(
    std::string_view product_id,
    const std::function<void(const Shard& shard, uint32_t row)>& visit) const {
  for (const LiveShard& live : shards_) {
    const auto [first, last] = live.shard->RowsOf(product_id);
    for (uint32_t row = first; row < last; ++row) {
      if (live.IsLive(row)) visit(*live.shard, row);
    }
  }
}

std::string_view Snapshot::FindThumbnail(std::string_view sha256) const {
  for (auto pack = packs_.rbegin(); pack != packs_.rend(); ++pack) {
    if (auto jpeg = (*pack)->Find(sha256)) return *jpeg;
  }
  return {};
}

}  // namespace vitrine
