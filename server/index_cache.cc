#include "server/index_cache.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/index/index_files.h"
#include "common/index/manifest.h"

namespace vitrine {
namespace {

using google::protobuf::util::MessageDifferencer;
using std::chrono::steady_clock;

constexpr int kTries = 5;
// How long after a failure the next try comes: so long, or as long as the try
// took, since a large file that is damaged is copied to its end each time.
constexpr std::chrono::seconds kRetryAfter(2);
constexpr std::chrono::seconds kRetryAtMost(60);
// Copies of so much are told of when they begin.
constexpr uint64_t kLargeCopy = 100'000'000;

// What a server reads.
std::vector<IndexFile> ServedFilesOf(const storage::Manifest& manifest) {
  std::vector<IndexFile> files = IndexFilesOf(manifest);
  std::erase_if(files,
                [](const IndexFile& file) { return file.indexers_only; });
  return files;
}

// What comes of the same index before `next`.
bool IsEarlier(const storage::Manifest& manifest, const storage::Manifest& next,
               const std::vector<IndexFile>& next_files) {
  return manifest.generation() < next.generation() &&
         manifest.index_id() == next.index_id() &&
         ConflictingFile(ServedFilesOf(manifest), next_files).empty();
}

// By its words alone: the volume may be away.
std::filesystem::path AbsolutePath(const std::filesystem::path& path) {
  std::error_code error;
  return (std::filesystem::absolute(path, error) / "")
      .lexically_normal()
      .parent_path();
}

}  // namespace

absl::StatusOr<std::unique_ptr<IndexCache>> IndexCache::Open(
    const IndexPaths& source, const std::filesystem::path& folder,
    std::function<void(std::string_view line)> log) {
  const IndexPaths paths{folder};
  const std::string of = AbsolutePath(source.root).string();
  const std::string text =
      absl::StrCat("What vitrine-server --cache has copied of the index ", of,
                   ". It may be removed while no server has it.\n");
  VITRINE_ASSIGN_OR_RETURN(
      auto lock,
      LockCopyFolder(
          paths, {.name = "cache",
                  .mark = kCacheMark,
                  .text = text,
                  .in_use = absl::StrCat("another server has the cache ",
                                         folder.string(),
                                         "; give each a --cache of its own")}));
  VITRINE_ASSIGN_OR_RETURN(const std::string told, lock->Read(0, 1 << 16));
  if (told != text) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder.string(), " is the cache of another index than ",
                     of, ": ", (folder / kCacheMark).string(),
                     " says of which; name another --cache, or remove it"));
  }
  VITRINE_RETURN_IF_ERROR(MakeIndexFolders(paths));
  std::unique_ptr<IndexCache> cache(
      new IndexCache(source, paths, std::move(lock), std::move(log)));
  VITRINE_RETURN_IF_ERROR(cache->Adopt());
  return cache;
}

std::filesystem::path IndexCache::FolderOf(const std::filesystem::path& cache,
                                           const std::filesystem::path& index) {
  const std::filesystem::path path = AbsolutePath(index);
  return cache / absl::StrFormat("%s-%08x", path.filename().string(),
                                 Checksum(path.string()) & 0xffffffff);
}

IndexCache::IndexCache(IndexPaths source, IndexPaths paths,
                       std::unique_ptr<ReadableFile> lock,
                       std::function<void(std::string_view)> log)
    : source_(std::move(source)),
      paths_(std::move(paths)),
      aside_{paths_.root / "next"},
      lock_(std::move(lock)),
      log_(std::move(log)) {}

bool IndexCache::IsEmpty() const {
  const auto generations = ListGenerations(paths_);
  return !generations.ok() || generations->empty();
}

absl::StatusOr<std::vector<uint64_t>> IndexCache::Generations() const {
  auto generations = ListGenerations(source_);
  if (generations.ok() && !generations->empty()) return generations;
  absl::Status status = generations.ok()
                            ? absl::NotFoundError(absl::StrCat(
                                  "no generation has been published in ",
                                  source_.manifests().string()))
                            : generations.status();
  if (IsEmpty()) return status;
  return Annotate(status, absl::StrCat("the index is away, and answers are "
                                       "from the copy in ",
                                       paths_.root.string()));
}

absl::Status IndexCache::Update(const storage::Manifest* served, bool doubtful,
                                const StopRequested& stop) {
  const auto generations = Generations();
  if (!generations.ok()) {
    tried_ = 0;
    return trouble_ = generations.status();
  }
  const uint64_t newest = generations->back();
  const auto file = FileStateOf(source_.manifest(newest));
  const auto now = steady_clock::now();
  if (newest == tried_ && file == tried_file_ &&
      (trouble_.ok() ? !doubtful : now < retry_at_)) {
    return trouble_;
  }
  tried_ = newest;
  tried_file_ = file;
  trouble_ = CopyNewest(served, doubtful, stop);
  const auto ended = steady_clock::now();
  retry_at_ = ended + std::clamp<steady_clock::duration>(
                          ended - now, kRetryAfter, kRetryAtMost);
  return trouble_;
}

absl::Status IndexCache::CopyNewest(const storage::Manifest* served,
                                    bool doubtful, const StopRequested& stop) {
  VITRINE_RETURN_IF_ERROR(Adopt());  // What an error of the disk has left.
  for (int i = 0; i < kTries; ++i) {
    VITRINE_ASSIGN_OR_RETURN(const auto generations, Generations());
    absl::Status newest_failure;
    bool expired = false;
    for (auto it = generations.rbegin(); it != generations.rend(); ++it) {
      const auto manifest = ReadManifest(source_, *it);
      absl::Status failure = WithRemedy(manifest.status(), source_);
      if (manifest.ok()) {
        const bool is_newest = it == generations.rbegin();
        if (!is_newest) {
          VITRINE_ASSIGN_OR_RETURN(const bool may,
                                   MayStandIn(*manifest, doubtful));
          if (!may) continue;
        }
        failure = CopyGeneration(*manifest, is_newest, served, doubtful, stop);
        if (failure.ok() || absl::IsCancelled(failure)) {
          return newest_failure.ok() ? failure : newest_failure;
        }
        if (absl::IsNotFound(failure)) {
          failure = WithRemedy(absl::DataLossError(failure.message()), source_);
        }
      }
      // What no manifest names any more is no damage.
      expired = absl::IsNotFound(ReadManifest(source_, *it).status());
      if (expired) break;
      failure = Annotate(
          failure, absl::StrCat("generation ", *it, " of ",
                                source_.root.string(), " cannot be copied"));
      if (newest_failure.ok()) newest_failure = failure;
      // An older one helps where the files are what is wrong.
      if (!absl::IsDataLoss(failure) && !absl::IsFailedPrecondition(failure)) {
        return newest_failure;
      }
    }
    if (!expired) return newest_failure;
  }
  return absl::AbortedError(absl::StrCat(
      "the generations of ", source_.root.string(),
      " expire faster than they can be copied to ", paths_.root.string(),
      "; let the indexer keep them longer with --keep-minutes"));
}

absl::StatusOr<bool> IndexCache::IsNewestHere(
    const storage::Manifest& manifest) const {
  VITRINE_ASSIGN_OR_RETURN(const auto generations, ListGenerations(paths_));
  if (generations.empty() || generations.back() != manifest.generation()) {
    return false;
  }
  const auto here = ReadManifest(paths_, manifest.generation());
  // Not by their bytes: a map may be written in any order.
  return here.ok() && MessageDifferencer::Equals(*here, manifest);
}

absl::StatusOr<std::vector<storage::Manifest>> IndexCache::Here() const {
  std::vector<storage::Manifest> manifests;
  VITRINE_ASSIGN_OR_RETURN(const auto generations, ListGenerations(paths_));
  for (const uint64_t generation : generations) {
    auto here = ReadManifest(paths_, generation);
    if (here.ok()) manifests.push_back(*std::move(here));
  }
  return manifests;
}

absl::StatusOr<bool> IndexCache::MayStandIn(const storage::Manifest& manifest,
                                            bool doubtful) const {
  const std::vector<IndexFile> files = ServedFilesOf(manifest);
  VITRINE_ASSIGN_OR_RETURN(const auto manifests, Here());
  return std::all_of(manifests.begin(), manifests.end(),
                     [&](const storage::Manifest& here) {
                       return here.index_id() == manifest.index_id() &&
                              (doubtful || IsEarlier(here, manifest, files) ||
                               MessageDifferencer::Equals(here, manifest));
                     });
}

absl::Status IndexCache::CopyAside(const storage::Manifest& manifest,
                                   const std::vector<IndexFile>& files,
                                   const StopRequested& stop) {
  VITRINE_RETURN_IF_ERROR(MakeIndexFolders(aside_));
  VITRINE_RETURN_IF_ERROR(SyncFolder(paths_.root));
  VITRINE_RETURN_IF_ERROR(RemoveAllBut(aside_, {&manifest, 1}));
  VITRINE_ASSIGN_OR_RETURN(const std::vector<IndexFile> missing,
                           MissingFiles(aside_, files, /*all=*/false, stop));
  VITRINE_RETURN_IF_ERROR(CopyFiles(aside_, manifest, missing, stop));
  return PublishManifest(aside_, manifest);
}

absl::Status IndexCache::Adopt() {
  const auto generations = ListGenerations(aside_);
  if (absl::IsNotFound(generations.status())) return absl::OkStatus();
  VITRINE_RETURN_IF_ERROR(generations.status());
  if (generations->empty()) return absl::OkStatus();
  const auto manifest = ReadManifest(aside_, generations->back());
  if (absl::IsDataLoss(manifest.status()) ||
      absl::IsFailedPrecondition(manifest.status())) {
    return RemoveAside();
  }
  VITRINE_RETURN_IF_ERROR(manifest.status());
  const std::vector<IndexFile> files = ServedFilesOf(*manifest);
  VITRINE_ASSIGN_OR_RETURN(const auto missing,
                           MissingFiles(aside_, files, /*all=*/false, {}));
  if (!missing.empty()) return RemoveAside();  // It has rotten since.
  VITRINE_RETURN_IF_ERROR(RemoveAllBut(paths_, {}));
  for (const IndexFile& file : files) {
    VITRINE_RETURN_IF_ERROR(LinkIndexFile(aside_, paths_, file));
  }
  VITRINE_RETURN_IF_ERROR(SyncIndexFolders(paths_));
  VITRINE_RETURN_IF_ERROR(PublishManifest(paths_, *manifest));
  copied_ = *manifest;
  return RemoveAside();
}

absl::Status IndexCache::RemoveAside() const {
  std::error_code error;
  if (!std::filesystem::exists(aside_.root, error)) return absl::OkStatus();
  // Its manifest first. An end in between may have left it without a folder.
  VITRINE_RETURN_IF_ERROR(MakeIndexFolders(aside_));
  VITRINE_RETURN_IF_ERROR(RemoveAllBut(aside_, {}));
  std::filesystem::remove_all(aside_.root, error);
  return absl::OkStatus();
}

absl::Status IndexCache::MakeWay(const storage::Manifest& manifest,
                                 const std::vector<IndexFile>& files,
                                 const storage::Manifest* served) const {
  std::vector<storage::Manifest> kept = {manifest};
  std::optional<storage::Manifest> newest;
  VITRINE_ASSIGN_OR_RETURN(const auto generations, ListGenerations(paths_));
  for (const uint64_t generation : generations) {
    auto here = ReadManifest(paths_, generation);
    if (here.ok()) {
      newest = *std::move(here);
      continue;
    }
    // Damaged: it would be taken for the newest.
    VITRINE_RETURN_IF_ERROR(RemoveFile(paths_.manifest(generation)));
  }
  if (served != nullptr && IsEarlier(*served, manifest, files)) {
    kept.push_back(*served);
  } else if (newest) {
    kept.push_back(*std::move(newest));
  }
  return RemoveAllBut(paths_, kept);
}

absl::Status IndexCache::CopyGeneration(const storage::Manifest& manifest,
                                        bool is_newest,
                                        const storage::Manifest* served,
                                        bool doubtful,
                                        const StopRequested& stop) {
  const std::vector<IndexFile> files = ServedFilesOf(manifest);
  VITRINE_ASSIGN_OR_RETURN(const bool is_here, IsNewestHere(manifest));
  if (!is_here) {
    VITRINE_ASSIGN_OR_RETURN(const auto manifests, Here());
    const bool follows = std::all_of(manifests.begin(), manifests.end(),
                                     [&](const storage::Manifest& here) {
                                       return IsEarlier(here, manifest, files);
                                     });
    if (!follows) {
      VITRINE_RETURN_IF_ERROR(CopyAside(manifest, files, stop));
      VITRINE_RETURN_IF_ERROR(Adopt());
      ++copies_;
      return absl::OkStatus();
    }
  }
  // The source has gone back to what is here.
  if (is_newest) {
    VITRINE_RETURN_IF_ERROR(RemoveAside());
  }
  if (!is_here) {
    copied_ = manifest;
    VITRINE_RETURN_IF_ERROR(MakeWay(manifest, files, served));
  }
  VITRINE_ASSIGN_OR_RETURN(const std::vector<IndexFile> missing,
                           MissingFiles(paths_, files, doubtful, stop));
  VITRINE_RETURN_IF_ERROR(CopyFiles(paths_, manifest, missing, stop));
  if (is_here) return absl::OkStatus();
  VITRINE_RETURN_IF_ERROR(PublishManifest(paths_, manifest));
  ++copies_;
  return absl::OkStatus();
}

absl::Status IndexCache::CopyFiles(const IndexPaths& to,
                                   const storage::Manifest& manifest,
                                   const std::vector<IndexFile>& missing,
                                   const StopRequested& stop) const {
  uint64_t bytes = 0;
  for (const IndexFile& file : missing) bytes += file.ref.bytes();
  if (bytes == 0) return absl::OkStatus();
  VITRINE_RETURN_IF_ERROR(
      CheckRoom(to, bytes,
                "make room, or name a --cache on a larger disk: it holds two "
                "generations while the next is copied"));
  const std::string what =
      absl::StrCat("generation ", manifest.generation(), ", ", missing.size(),
                   " files, ", MegabytesText(bytes), ", to ", to.root.string());
  const bool is_large = log_ && bytes >= kLargeCopy;
  if (is_large) log_(absl::StrCat("copying ", what));
  const auto begin = steady_clock::now();
  for (const IndexFile& file : missing) {
    VITRINE_RETURN_IF_ERROR(
        CopyIndexFile(source_, to, file, /*copied=*/{}, stop));
  }
  if (is_large) {
    const std::chrono::duration<double> took = steady_clock::now() - begin;
    log_(absl::StrCat("copied ", what, ", in ",
                      absl::StrFormat("%.1f s", took.count())));
  }
  return absl::OkStatus();
}

absl::Status IndexCache::Keep(const storage::Manifest& served) {
  std::vector<storage::Manifest> kept = {served};
  if (copied_ && copied_->generation() != served.generation()) {
    kept.push_back(*copied_);
  }
  return RemoveAllBut(paths_, kept);
}

}  // namespace vitrine
