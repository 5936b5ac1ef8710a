#include "common/index/index_file_copy.h"

#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/index/manifest.h"
#include "common/index/section_file.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPiece = 1 << 20;
// For manifests, folders and what a file system keeps for itself.
constexpr uint64_t kSpareBytes = 16 << 20;

FileKind KindOf(const IndexFile& file) {
  switch (file.kind) {
    case IndexFile::Kind::kShard:
      return FileKind::kShard;
    case IndexFile::Kind::kDeletions:
      return FileKind::kDeletions;
    case IndexFile::Kind::kPictures:
      return FileKind::kPictures;
    default:
      return FileKind::kTable;
  }
}

// Others are known by their SHA-256 alone.
bool IsSectionFile(const IndexFile& file) {
  return file.kind != IndexFile::Kind::kModel &&
         file.kind != IndexFile::Kind::kComplements;
}

std::vector<fs::path> FoldersOf(const IndexPaths& paths) {
  return {paths.manifests(), paths.models(),     paths.shards(),
          paths.deletions(), paths.products(),   paths.sources(),
          paths.pictures(),  paths.complements()};
}

absl::StatusOr<bool> Has(const IndexPaths& to, const IndexFile& file, bool all,
                         const StopRequested& stop) {
  const fs::path path = to.root / file.path;
  std::error_code error;
  if (!fs::exists(path, error)) return false;
  const absl::Status status =
      all || !IsSectionFile(file)
          ? VerifyIndexFile(path, file, stop)
          : SectionFile::Open(path, KindOf(file), &file.ref,
                              Verification::kStructure)
                .status();
  if (status.ok()) return true;
  if (!absl::IsDataLoss(status)) return status;
  VITRINE_RETURN_IF_ERROR(RemoveFile(path));
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReadableFile>> LockCopyFolder(
    const IndexPaths& to, const CopyKind& kind) {
  VITRINE_RETURN_IF_ERROR(MakeFolders(to.root));
  VITRINE_ASSIGN_OR_RETURN(const auto names, ListFolder(to.root));
  const std::set<std::string> entries(names.begin(), names.end());
  const fs::path mark = to.root / kind.mark;
  if (entries.contains("LOCK")) {
    return absl::FailedPreconditionError(
        absl::StrCat("an indexer has written to ", to.root.string(),
                     ": it is an index of its own; name another folder"));
  }
  if (!entries.contains(kind.mark)) {
    for (const std::string& name : names) {
      if (name == "lost+found" || name == absl::StrCat(kind.mark, ".staging")) {
        continue;
      }
      return absl::FailedPreconditionError(
          absl::StrCat(to.root.string(), " is neither empty nor a ", kind.name,
                       ": it has ", name, "; name a new or empty folder"));
    }
    const absl::Status marked = PublishFile(mark, kind.text);
    if (!marked.ok() && !absl::IsAlreadyExists(marked)) return marked;
  }
  VITRINE_ASSIGN_OR_RETURN(auto lock, ReadableFile::Open(mark));
  if (::flock(lock->fd(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(kind.in_use);
  }
  return lock;
}

std::string MegabytesText(uint64_t bytes) {
  return absl::StrFormat("%.1f MB", static_cast<double>(bytes) / 1e6);
}

absl::Status CheckRoom(const IndexPaths& to, uint64_t bytes,
                       std::string_view remedy) {
  struct statvfs info;
  if (::statvfs(to.root.c_str(), &info) != 0) {
    return ErrnoStatus(
        errno, absl::StrCat("cannot ask for the room of ", to.root.string()));
  }
  const uint64_t room = uint64_t{info.f_bavail} * info.f_frsize;
  const uint64_t needed = bytes + kSpareBytes;
  if (room >= needed) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(to.root.string(), " has room for ", MegabytesText(room),
                   ", and the copy takes ", MegabytesText(needed), " more; ",
                   absl::string_view(remedy.data(), remedy.size())));
}

absl::Status MakeIndexFolders(const IndexPaths& to) {
  for (const fs::path& folder : FoldersOf(to)) {
    VITRINE_RETURN_IF_ERROR(MakeFolders(folder));
  }
  return SyncFolder(to.root);
}

absl::Status SyncIndexFolders(const IndexPaths& to) {
  for (const fs::path& folder : FoldersOf(to)) {
    VITRINE_RETURN_IF_ERROR(SyncFolder(folder));
  }
  return absl::OkStatus();
}

std::string ConflictingFile(std::span<const IndexFile> a,
                            std::span<const IndexFile> b) {
  std::map<std::string_view, const storage::FileRef*> known;
  for (const IndexFile& file : a) known[file.path] = &file.ref;
  for (const IndexFile& file : b) {
    const auto it = known.find(file.path);
    if (it != known.end() && (it->second->checksum() != file.ref.checksum() ||
                              it->second->bytes() != file.ref.bytes())) {
      return file.path;
    }
  }
  return "";
}

absl::StatusOr<std::vector<IndexFile>> MissingFiles(
    const IndexPaths& to, std::span<const IndexFile> files, bool all,
    const StopRequested& stop) {
  std::vector<IndexFile> missing;
  for (const IndexFile& file : files) {
    VITRINE_ASSIGN_OR_RETURN(const bool has, Has(to, file, all, stop));
    if (!has) missing.push_back(file);
  }
  return missing;
}

absl::Status CopyIndexFile(const IndexPaths& from, const IndexPaths& to,
                           const IndexFile& file,
                           const std::function<void(uint64_t bytes)>& copied,
                           const StopRequested& stop) {
  const fs::path source = from.root / file.path;
  VITRINE_ASSIGN_OR_RETURN(const auto in, ReadableFile::Open(source));
  VITRINE_ASSIGN_OR_RETURN(const uint64_t bytes, in->Bytes());
  // A longer one might fill the disk before its checksums are looked at. That
  // of a model is not known of indexes of before.
  const bool is_known =
      file.kind != IndexFile::Kind::kModel || file.ref.bytes() > 0;
  if (is_known && bytes != file.ref.bytes()) {
    return WithRemedy(absl::DataLossError(absl::StrCat(
                          source.string(), " is damaged: it has ", bytes,
                          " bytes instead of ", file.ref.bytes())),
                      from);
  }
  VITRINE_ASSIGN_OR_RETURN(auto out, StagingFile::Create(to.root / file.path));
  while (out->bytes() < bytes) {
    const size_t next = std::min<uint64_t>(kPiece, bytes - out->bytes());
    VITRINE_ASSIGN_OR_RETURN(const std::string piece,
                             in->Read(out->bytes(), next));
    if (piece.empty()) break;
    VITRINE_RETURN_IF_ERROR(out->Append(piece));
    if (copied) copied(piece.size());
    if (stop && stop()) return absl::CancelledError("copying was stopped");
  }
  VITRINE_RETURN_IF_ERROR(out->Sync());
  const absl::Status status = VerifyIndexFile(out->staging_path(), file, stop);
  if (absl::IsDataLoss(status)) {
    VITRINE_RETURN_IF_ERROR(
        WithRemedy(VerifyIndexFile(source, file, stop), from));
    return absl::DataLossError(
        absl::StrCat("the copy of ", source.string(),
                     ", which is sound, came out damaged; see to the disk of ",
                     to.root.string()));
  }
  VITRINE_RETURN_IF_ERROR(status);
  return out->Publish();
}

absl::Status LinkIndexFile(const IndexPaths& from, const IndexPaths& to,
                           const IndexFile& file) {
  const fs::path path = to.root / file.path;
  if (::link((from.root / file.path).c_str(), path.c_str()) == 0) {
    return absl::OkStatus();
  }
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) {
    return ErrnoStatus(errno, absl::StrCat("cannot link ", path.string()));
  }
  return CopyIndexFile(from, to, file, /*copied=*/{}, /*stop=*/{});
}

absl::Status RemoveAllBut(const IndexPaths& to,
                          std::span<const storage::Manifest> kept) {
  std::set<std::string> manifests;
  std::set<std::string> files;
  for (const storage::Manifest& manifest : kept) {
    manifests.insert(to.manifest(manifest.generation()).filename().string());
    for (const IndexFile& file : IndexFilesOf(manifest)) {
      files.insert(file.path);
    }
  }
  VITRINE_ASSIGN_OR_RETURN(const auto there, ListFolder(to.manifests()));
  for (const std::string& name : there) {
    if (!manifests.contains(name)) {
      VITRINE_RETURN_IF_ERROR(RemoveFile(to.manifests() / name));
    }
  }
  VITRINE_RETURN_IF_ERROR(SyncFolder(to.manifests()));
  for (const char* folder : {"models", "complements", "shards", "deletions",
                             "products", "sources", "pictures"}) {
    const auto names = ListFolder(to.root / folder);
    // Copies of earlier versions have no complements/.
    if (absl::IsNotFound(names.status())) continue;
    VITRINE_RETURN_IF_ERROR(names.status());
    for (const std::string& name : *names) {
      if (!files.contains(absl::StrCat(folder, "/", name))) {
        VITRINE_RETURN_IF_ERROR(RemoveFile(to.root / folder / name));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace vitrine
