#include "common/index/index_files.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/index/bitmap.h"
#include "common/index/complements.h"
#include "common/index/picture_pack.h"
#include "common/index/shard.h"
#include "common/index/table.h"

namespace vitrine {
namespace {

// With its structure alone first: that tells quickly of a file that is cut.
template <typename T, typename... Arguments>
absl::Status OpenAndVerify(const StopRequested& stop,
                           const Arguments&... arguments) {
  VITRINE_ASSIGN_OR_RETURN(const auto part,
                           T::Open(arguments..., Verification::kStructure));
  return part->Verify(stop);
}

}  // namespace

absl::Status VerifyModel(const std::filesystem::path& path,
                         std::string_view digest) {
  const auto bytes = ReadFile(path);
  if (absl::IsNotFound(bytes.status())) {
    return absl::DataLossError(absl::StrCat(path.string(), " is missing"));
  }
  VITRINE_RETURN_IF_ERROR(bytes.status());
  const std::string found = ToHex(Sha256(*bytes));
  if (found == digest) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path.string(), " is damaged: its SHA-256 is ", found));
}

std::vector<IndexFile> IndexFilesOf(const storage::Manifest& manifest) {
  std::vector<IndexFile> files;
  std::set<std::string> paths;
  auto add = [&](IndexFile file) {
    if (paths.insert(file.path).second) files.push_back(std::move(file));
  };
  for (const storage::VectorSet& set : manifest.vector_sets()) {
    IndexFile model{IndexFile::Kind::kModel,
                    absl::StrCat("models/", set.model(), ".pt")};
    model.ref.set_name(set.model());
    model.ref.set_bytes(set.model_bytes());
    add(std::move(model));
    if (set.has_complements()) {
      add({IndexFile::Kind::kComplements,
           absl::StrCat("complements/", set.complements().name()),
           set.complements()});
    }
    int dim = 0;
    for (const storage::BlockSpec& block : set.blocks()) {
      dim += static_cast<int>(block.dim());
    }
    for (const storage::Shard& shard : set.shards()) {
      add({IndexFile::Kind::kShard,
           absl::StrCat("shards/", shard.file().name()), shard.file(), dim});
      if (!shard.has_deletions()) continue;
      add({IndexFile::Kind::kDeletions,
           absl::StrCat("deletions/", shard.deletions().name()),
           shard.deletions(), dim,
           static_cast<uint32_t>(shard.file().entries())});
    }
  }
  auto add_all = [&](IndexFile::Kind kind, const char* folder, const auto& refs,
                     bool indexers_only = false) {
    for (const storage::FileRef& ref : refs) {
      IndexFile file{kind, absl::StrCat(folder, "/", ref.name()), ref};
      file.indexers_only = indexers_only;
      add(std::move(file));
    }
  };
  add_all(IndexFile::Kind::kTable, "products", manifest.product_segments());
  add_all(IndexFile::Kind::kPictures, "pictures", manifest.picture_packs());
  add_all(IndexFile::Kind::kPictures, "pictures", manifest.original_packs(),
          /*indexers_only=*/true);
  add_all(IndexFile::Kind::kTable, "sources", manifest.source_segments(),
          /*indexers_only=*/true);
  return files;
}

absl::Status VerifyIndexFile(const std::filesystem::path& path,
                             const IndexFile& file, const StopRequested& stop) {
  switch (file.kind) {
    case IndexFile::Kind::kModel:
      return VerifyModel(path, file.ref.name());
    case IndexFile::Kind::kComplements:
      return Complements::Open(path, file.ref).status();
    case IndexFile::Kind::kShard:
      return OpenAndVerify<Shard>(stop, path, file.ref, file.dim);
    case IndexFile::Kind::kDeletions:
      return ReadDeletions(path, file.ref, file.rows).status();
    case IndexFile::Kind::kTable:
      return OpenAndVerify<TableSegment>(stop, path, file.ref);
    case IndexFile::Kind::kPictures:
      return OpenAndVerify<PicturePack>(stop, path, file.ref);
  }
  return absl::InternalError("no such kind of file");
}

}  // namespace vitrine
