#include "clients/cli/index_copy.h"

#include <fcntl.h>
#include <google/protobuf/util/message_differencer.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/catalog/receipt_json.h"
#include "common/index/index_files.h"
#include "common/index/manifest.h"
#include "common/index/section_file.h"

namespace vitrine::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kTries = 5;
constexpr size_t kPiece = 1 << 20;
// For manifests, folders and what a file system keeps for itself.
constexpr uint64_t kSpareBytes = 16 << 20;

class OpenFile {
 public:
  explicit OpenFile(const fs::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), error_(errno) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int fd() const { return fd_; }
  int error() const { return fd_ >= 0 ? 0 : error_; }
  uint64_t bytes() const {
    struct stat info;
    return ::fstat(fd_, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
  }
  // At most `count` bytes from `offset` on; fewer at the end.
  absl::StatusOr<std::string> Read(uint64_t offset, size_t count) const {
    std::string bytes(count, '\0');
    size_t done = 0;
    while (done < count) {
      const ssize_t n = ::pread(fd_, bytes.data() + done, count - done,
                                static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoStatus(errno, "cannot read");
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    bytes.resize(done);
    return bytes;
  }

 private:
  int fd_;
  int error_;
};

std::string MegabytesText(uint64_t bytes) {
  return absl::StrFormat("%.1f MB", static_cast<double>(bytes) / 1e6);
}

// Makes or checks the folder, and returns its mark, locked.
absl::StatusOr<std::unique_ptr<OpenFile>> Prepare(const IndexPaths& from,
                                                  const IndexPaths& to) {
  std::error_code error;
  if (fs::equivalent(from.root, to.root, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat(to.root.string(),
                     " is the index itself; copy it into "
                     "another folder"));
  }
  VITRINE_RETURN_IF_ERROR(MakeFolders(to.root));
  VITRINE_ASSIGN_OR_RETURN(const auto names, ListFolder(to.root));
  const std::set<std::string> entries(names.begin(), names.end());
  const fs::path mark = to.root / kBackupMark;
  if (entries.contains("LOCK")) {
    return absl::FailedPreconditionError(
        absl::StrCat("an indexer has written to ", to.root.string(),
                     ": it is an index of its own; copy into another folder"));
  }
  if (!entries.contains(kBackupMark)) {
    for (const std::string& name : names) {
      if (name == "lost+found" ||
          name == absl::StrCat(kBackupMark, ".staging")) {
        continue;
      }
      return absl::FailedPreconditionError(absl::StrCat(
          to.root.string(), " is neither empty nor a backup: it has ", name,
          "; name a new or empty folder"));
    }
    VITRINE_RETURN_IF_ERROR(PublishFile(
        mark, absl::StrCat("A backup of ", from.root.string(),
                           ", made by vitrine backup. To restore, name this "
                           "folder as the --index.\n")));
  }
  auto lock = std::make_unique<OpenFile>(mark);
  if (lock->error() != 0) {
    return ErrnoStatus(lock->error(),
                       absl::StrCat("cannot open ", mark.string()));
  }
  if (::flock(lock->fd(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "another backup into ", to.root.string(), " is under way"));
  }
  return lock;
}

class Copier {
 public:
  Copier(const IndexPaths& from, const IndexPaths& to,
         const storage::Manifest& manifest, const ByteProgress& progress)
      : from_(from),
        to_(to),
        manifest_(manifest),
        progress_(progress),
        files_(IndexFilesOf(manifest)) {}

  // NOT_FOUND where a file of the generation is not there (any more).
  absl::Status Copy() {
    VITRINE_RETURN_IF_ERROR(ReadEarlier());
    std::vector<const IndexFile*> missing;
    copy_.generation = manifest_.generation();
    copy_.files = files_.size();
    for (const IndexFile& file : files_) {
      copy_.bytes += file.ref.bytes();
      VITRINE_ASSIGN_OR_RETURN(const bool has, Has(file));
      if (has) continue;
      missing.push_back(&file);
      total_ += file.ref.bytes();
    }
    VITRINE_RETURN_IF_ERROR(CheckRoom());
    for (const fs::path& folder :
         {to_.manifests(), to_.models(), to_.shards(), to_.deletions(),
          to_.products(), to_.sources(), to_.pictures()}) {
      VITRINE_RETURN_IF_ERROR(MakeFolders(folder));
    }
    VITRINE_RETURN_IF_ERROR(SyncFolder(to_.root));
    for (const IndexFile* file : missing) {
      VITRINE_RETURN_IF_ERROR(CopyFile(*file));
    }
    VITRINE_RETURN_IF_ERROR(CopyReceipts());
    if (!is_complete_) {
      VITRINE_RETURN_IF_ERROR(PublishManifest(to_, manifest_));
    }
    return RemoveOthers();
  }

  const IndexCopy& copy() const { return copy_; }

 private:
  // What the folder holds already must be of the same index.
  absl::Status ReadEarlier() {
    const auto generations = ListGenerations(to_);
    if (absl::IsNotFound(generations.status())) return absl::OkStatus();
    VITRINE_RETURN_IF_ERROR(generations.status());
    std::map<std::string, storage::FileRef> known;
    for (uint64_t generation : *generations) {
      const auto earlier = ReadManifest(to_, generation);
      if (absl::IsDataLoss(earlier.status())) {
        // It is no use to anybody, and has the name of the new one perhaps.
        VITRINE_RETURN_IF_ERROR(RemoveFile(to_.manifest(generation)));
        continue;
      }
      VITRINE_RETURN_IF_ERROR(earlier.status());
      // Not by their bytes: a map may be written in any order.
      is_complete_ = google::protobuf::util::MessageDifferencer::Equals(
          *earlier, manifest_);
      if (!earlier->index_id().empty() &&
          earlier->index_id() != manifest_.index_id()) {
        return OtherIndex(absl::StrCat("index ", earlier->index_id()));
      }
      if (generation >= manifest_.generation() && !is_complete_) {
        return OtherIndex(absl::StrCat("generation ", generation));
      }
      for (const IndexFile& file : IndexFilesOf(*earlier)) {
        known[file.path] = file.ref;
      }
    }
    for (const IndexFile& file : files_) {
      const auto it = known.find(file.path);
      if (it != known.end() && (it->second.checksum() != file.ref.checksum() ||
                                it->second.bytes() != file.ref.bytes())) {
        return OtherIndex(absl::StrCat("another ", file.path));
      }
    }
    return absl::OkStatus();
  }

  absl::Status OtherIndex(const std::string& what) const {
    return absl::FailedPreconditionError(
        absl::StrCat(to_.root.string(), " has ", what,
                     ", and the index has generation ", manifest_.generation(),
                     ": it is a backup of another index, or this "
                     "one was begun anew; copy into another folder"));
  }

  // Whether the copy has the file, by its size and root checksum: it was
  // verified before it got its name. One that is not so makes way.
  absl::StatusOr<bool> Has(const IndexFile& file) const {
    const fs::path path = to_.root / file.path;
    std::error_code error;
    if (!fs::exists(path, error)) return false;
    absl::Status status;
    if (file.kind == IndexFile::Kind::kModel) {
      status = VerifyIndexFile(path, file, /*stop=*/{});
    } else {
      status = SectionFile::Open(path, KindOf(file), &file.ref,
                                 Verification::kStructure)
                   .status();
    }
    if (status.ok()) return true;
    if (!absl::IsDataLoss(status)) return status;
    VITRINE_RETURN_IF_ERROR(RemoveFile(path));
    return false;
  }

  static FileKind KindOf(const IndexFile& file) {
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

  absl::Status CheckRoom() const {
    struct statvfs info;
    if (::statvfs(to_.root.c_str(), &info) != 0) {
      return ErrnoStatus(errno, absl::StrCat("cannot ask for the room of ",
                                             to_.root.string()));
    }
    const uint64_t room = uint64_t{info.f_bavail} * info.f_frsize;
    std::error_code error;
    const auto receipts = fs::file_size(from_.receipts(), error);
    const uint64_t needed =
        total_ + (error ? 0 : static_cast<uint64_t>(receipts)) + kSpareBytes;
    if (room >= needed) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat(to_.root.string(), " has room for ", MegabytesText(room),
                     ", and the copy takes ", MegabytesText(needed),
                     " more; make room, or name a folder on a larger disk"));
  }

  absl::Status CopyFile(const IndexFile& file) {
    const fs::path source = from_.root / file.path;
    const OpenFile in(source);
    if (in.error() != 0) {
      return ErrnoStatus(in.error(),
                         absl::StrCat("cannot open ", source.string()));
    }
    VITRINE_ASSIGN_OR_RETURN(auto out,
                             StagingFile::Create(to_.root / file.path));
    while (true) {
      auto piece = in.Read(out->bytes(), kPiece);
      if (!piece.ok()) return Annotate(piece.status(), source.string());
      if (piece->empty()) break;
      VITRINE_RETURN_IF_ERROR(out->Append(*piece));
      copy_.bytes_copied += piece->size();
      if (progress_) {
        progress_(std::min(copy_.bytes_copied, total_), total_);
      }
    }
    VITRINE_RETURN_IF_ERROR(out->Sync());
    const absl::Status status =
        VerifyIndexFile(out->staging_path(), file, /*stop=*/{});
    if (absl::IsDataLoss(status)) {
      VITRINE_RETURN_IF_ERROR(
          WithRemedy(VerifyIndexFile(source, file, /*stop=*/{}), from_));
      return absl::DataLossError(absl::StrCat(
          "the copy of ", source.string(),
          ", which is sound, came out damaged; see to the disk of ",
          to_.root.string()));
    }
    VITRINE_RETURN_IF_ERROR(status);
    ++copy_.files_copied;
    return out->Publish();
  }

  // Those of later generations are left out: what they tell of is not in the
  // copy, and is told again after it is restored.
  absl::Status CopyReceipts() {
    const OpenFile in(from_.receipts());
    if (in.error() == ENOENT) return RemoveFile(to_.receipts());
    if (in.error() != 0) {
      return ErrnoStatus(
          in.error(), absl::StrCat("cannot open ", from_.receipts().string()));
    }
    VITRINE_ASSIGN_OR_RETURN(const uint64_t end, EndOfReceipts(in));
    VITRINE_ASSIGN_OR_RETURN(auto out, StagingFile::Create(to_.receipts()));
    while (out->bytes() < end) {
      VITRINE_ASSIGN_OR_RETURN(
          const std::string piece,
          in.Read(out->bytes(),
                  std::min<uint64_t>(kPiece, end - out->bytes())));
      if (piece.empty()) break;
      VITRINE_RETURN_IF_ERROR(out->Append(piece));
    }
    return out->Replace();
  }

  // Behind the last whole line that is not of a later generation.
  absl::StatusOr<uint64_t> EndOfReceipts(const OpenFile& in) const {
    const uint64_t size = in.bytes();
    for (uint64_t tail = kPiece;; tail *= 4) {
      const uint64_t begin = size > tail ? size - tail : 0;
      VITRINE_ASSIGN_OR_RETURN(const std::string lines,
                               in.Read(begin, size - begin));
      size_t end = lines.rfind('\n');
      while (end != std::string::npos) {
        const size_t before =
            end == 0 ? std::string::npos : lines.rfind('\n', end - 1);
        if (before == std::string::npos && begin > 0) break;
        const size_t line = before == std::string::npos ? 0 : before + 1;
        const auto receipt =
            ReceiptFromJson(std::string_view(lines).substr(line, end - line));
        if (receipt.ok() && receipt->generation() <= manifest_.generation()) {
          return begin + end + 1;
        }
        end = before;
      }
      if (begin == 0) return 0;
    }
  }

  // Earlier manifests go first: none may name what is not there.
  absl::Status RemoveOthers() const {
    VITRINE_ASSIGN_OR_RETURN(const auto manifests, ListFolder(to_.manifests()));
    const std::string own =
        to_.manifest(manifest_.generation()).filename().string();
    for (const std::string& name : manifests) {
      if (name != own) {
        VITRINE_RETURN_IF_ERROR(RemoveFile(to_.manifests() / name));
      }
    }
    VITRINE_RETURN_IF_ERROR(SyncFolder(to_.manifests()));
    std::set<std::string> named;
    for (const IndexFile& file : files_) named.insert(file.path);
    for (const char* folder :
         {"models", "shards", "deletions", "products", "sources", "pictures"}) {
      VITRINE_ASSIGN_OR_RETURN(const auto names, ListFolder(to_.root / folder));
      for (const std::string& name : names) {
        if (!named.contains(absl::StrCat(folder, "/", name))) {
          VITRINE_RETURN_IF_ERROR(RemoveFile(to_.root / folder / name));
        }
      }
    }
    return absl::OkStatus();
  }

  const IndexPaths& from_;
  const IndexPaths& to_;
  const storage::Manifest& manifest_;
  const ByteProgress& progress_;
  const std::vector<IndexFile> files_;
  bool is_complete_ = false;  // The manifest is there already.
  uint64_t total_ = 0;        // Bytes to be copied.
  IndexCopy copy_;
};

}  // namespace

absl::StatusOr<IndexCopy> CopyIndex(const IndexPaths& from,
                                    const IndexPaths& to,
                                    const ByteProgress& progress) {
  std::unique_ptr<OpenFile> lock;
  for (int i = 0; i < kTries; ++i) {
    const auto generations = ListGenerations(from);
    if (absl::IsNotFound(generations.status()) ||
        (generations.ok() && generations->empty())) {
      return absl::NotFoundError(
          absl::StrCat("there is no index in ", from.root.string(),
                       "; name the folder that vitrine-indexer writes"));
    }
    VITRINE_RETURN_IF_ERROR(generations.status());
    const auto manifest = ReadManifest(from, generations->back());
    if (absl::IsNotFound(manifest.status())) continue;  // It has expired.
    if (!manifest.ok()) return WithRemedy(manifest.status(), from);
    // Not before there is something to copy.
    if (lock == nullptr) {
      VITRINE_ASSIGN_OR_RETURN(lock, Prepare(from, to));
    }
    Copier copier(from, to, *manifest, progress);
    const absl::Status status = copier.Copy();
    if (status.ok()) return copier.copy();
    if (!absl::IsNotFound(status)) return status;
    const auto now = ListGenerations(from);
    if (now.ok() && !now->empty() && now->back() == manifest->generation()) {
      return WithRemedy(absl::DataLossError(status.message()), from);
    }
  }
  return absl::AbortedError(absl::StrCat(
      "the generations of ", from.root.string(),
      " expire faster than they can be copied; let the indexer keep them "
      "longer with --keep-minutes"));
}

}  // namespace vitrine::cli
