#include "common/index/manifest.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/index/index_files.h"

namespace vitrine {
namespace {

constexpr char kMagic[8] = {'V', 'I', 'T', 'R', 'M', 'A', 'N', '\n'};
constexpr uint32_t kFormatVersion = 1;
constexpr size_t kMaxBytes = 64 << 10;

// Before the serialised message.
struct Header {
  char magic[8];
  uint32_t version;
  uint32_t bytes;
  uint64_t checksum;  // Of the version, the size and the message.
};
static_assert(sizeof(Header) == 24);

uint64_t ManifestChecksum(const Header& header, std::string_view message) {
  std::string checked(reinterpret_cast<const char*>(&header.version), 8);
  checked.append(message);
  return Checksum(checked);
}

// Whether "shards/NAME" is a file of that folder itself.
bool IsInItsFolder(std::string_view path) {
  const std::string_view name = path.substr(path.find('/') + 1);
  return name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == name.npos;
}

}  // namespace

absl::StatusOr<std::vector<uint64_t>> ListGenerations(const IndexPaths& paths) {
  VITRINE_ASSIGN_OR_RETURN(auto names, ListFolder(paths.manifests()));
  std::vector<uint64_t> generations;
  for (const std::string& name : names) {
    if (auto generation = GenerationOfManifestName(name))
      generations.push_back(*generation);
  }
  std::sort(generations.begin(), generations.end());
  return generations;
}

absl::StatusOr<storage::Manifest> ReadManifest(const IndexPaths& paths,
                                               uint64_t generation) {
  const std::filesystem::path path = paths.manifest(generation);
  auto damaged = [&path](std::string_view what) {
    return MakeError(absl::StatusCode::kDataLoss,
                     v1::ERROR_REASON_INDEX_DAMAGED,
                     absl::StrCat(path.string(), " is damaged: ",
                                  absl::string_view(what.data(), what.size())));
  };
  VITRINE_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, 2 * kMaxBytes));
  Header header;
  if (bytes.size() < sizeof(header)) {
    return damaged(absl::StrCat("it has only ", bytes.size(), " bytes"));
  }
  bytes.copy(reinterpret_cast<char*>(&header), sizeof(header));
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) {
    return damaged("it is no manifest of Vitrine");
  }
  const std::string_view message =
      std::string_view(bytes).substr(sizeof(header));
  if (header.bytes != message.size() ||
      header.checksum != ManifestChecksum(header, message)) {
    return damaged("it fails its checksum");
  }
  if (header.version != kFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(path.string(), " has format version ", header.version,
                     ", but this program reads version ", kFormatVersion,
                     ": use the newer Vitrine that wrote it"));
  }
  storage::Manifest manifest;
  if (!manifest.ParseFromArray(message.data(),
                               static_cast<int>(message.size()))) {
    return damaged("its message does not parse");
  }
  if (manifest.generation() != generation) {
    return damaged(
        absl::StrCat("it says that it is generation ", manifest.generation()));
  }
  // A checksum withstands no attacker, and whoever has read this goes on to
  // read, copy and remove what it names.
  for (const IndexFile& file : IndexFilesOf(manifest)) {
    if (!IsInItsFolder(file.path)) {
      return damaged(absl::StrCat("it names ", Excerpt(file.path),
                                  ", which leads out of the index"));
    }
  }
  return manifest;
}

absl::Status PublishManifest(const IndexPaths& paths,
                             const storage::Manifest& manifest) {
  const std::string message = manifest.SerializeAsString();
  if (message.size() > kMaxBytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "manifest ", manifest.generation(), " would have ", message.size(),
        " bytes, more than ", kMaxBytes, ": too many files await their merge"));
  }
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.version = kFormatVersion;
  header.bytes = static_cast<uint32_t>(message.size());
  header.checksum = ManifestChecksum(header, message);
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  bytes.append(message);
  return PublishFile(paths.manifest(manifest.generation()), bytes);
}

absl::StatusOr<const storage::VectorSet*> ServingSet(
    const storage::Manifest& manifest) {
  const storage::VectorSet* serving = nullptr;
  for (const storage::VectorSet& set : manifest.vector_sets()) {
    if (set.state() != storage::VectorSet::STATE_SERVING) continue;
    if (serving != nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat("generation ", manifest.generation(),
                       " has two serving vector sets"));
    }
    serving = &set;
  }
  if (serving == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "generation ", manifest.generation(), " has no serving vector set"));
  }
  return serving;
}

const storage::VectorSet* OtherSet(const storage::Manifest& manifest) {
  for (const storage::VectorSet& set : manifest.vector_sets()) {
    if (set.state() != storage::VectorSet::STATE_SERVING) return &set;
  }
  return nullptr;
}

uint64_t LiveRows(const storage::VectorSet& set) {
  uint64_t rows = 0;
  for (const storage::Shard& shard : set.shards()) {
    rows += shard.file().entries() - shard.deletions().entries();
  }
  return rows;
}

absl::Status WithRemedy(const absl::Status& status, const IndexPaths& paths) {
  if (!absl::IsDataLoss(status)) return status;
  std::error_code error;
  if (std::filesystem::exists(paths.root / kCacheMark, error)) {
    return MakeError(absl::StatusCode::kDataLoss,
                     v1::ERROR_REASON_INDEX_DAMAGED,
                     absl::StrCat(status.message(),
                                  "; it is copied anew from the index as soon "
                                  "as that can be read"));
  }
  return MakeError(
      absl::StatusCode::kDataLoss, v1::ERROR_REASON_INDEX_DAMAGED,
      absl::StrCat(status.message(), "; mend it with vitrine-indexer --index=",
                   paths.root.string(),
                   " --repair and the --catalog or --queue that "
                   "it was made with"));
}

}  // namespace vitrine
