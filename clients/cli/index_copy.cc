#include "clients/cli/index_copy.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/readable_file.h"
#include "common/base/status.h"
#include "common/catalog/receipt_json.h"
#include "common/index/index_file_copy.h"
#include "common/index/index_files.h"
#include "common/index/manifest.h"

namespace vitrine::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kTries = 5;
constexpr size_t kPiece = 1 << 20;

// Makes or checks the folder, and returns its mark, locked.
absl::StatusOr<std::unique_ptr<ReadableFile>> Prepare(const IndexPaths& from,
                                                      const IndexPaths& to) {
  std::error_code error;
  if (fs::equivalent(from.root, to.root, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat(to.root.string(),
                     " is the index itself; copy it into "
                     "another folder"));
  }
  return LockCopyFolder(
      to, {.name = "backup",
           .mark = kBackupMark,
           .text = absl::StrCat("A backup of ", from.root.string(),
                                ", made by vitrine backup. To restore, name "
                                "this folder as the --index.\n"),
           .in_use = absl::StrCat("another backup into ", to.root.string(),
                                  " is under way")});
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
    copy_.generation = manifest_.generation();
    copy_.files = files_.size();
    for (const IndexFile& file : files_) copy_.bytes += file.ref.bytes();
    VITRINE_ASSIGN_OR_RETURN(
        const auto missing,
        MissingFiles(to_, files_, /*all=*/false, /*stop=*/{}));
    for (const IndexFile& file : missing) total_ += file.ref.bytes();
    std::error_code error;
    const auto receipts = fs::file_size(from_.receipts(), error);
    VITRINE_RETURN_IF_ERROR(
        CheckRoom(to_, total_ + (error ? 0 : static_cast<uint64_t>(receipts)),
                  "make room, or name a folder on a larger disk"));
    VITRINE_RETURN_IF_ERROR(MakeIndexFolders(to_));
    for (const IndexFile& file : missing) {
      VITRINE_RETURN_IF_ERROR(CopyIndexFile(
          from_, to_, file, [this](uint64_t bytes) { Report(bytes); },
          /*stop=*/{}));
      ++copy_.files_copied;
    }
    VITRINE_RETURN_IF_ERROR(CopyReceipts());
    if (!is_complete_) {
      VITRINE_RETURN_IF_ERROR(PublishManifest(to_, manifest_));
    }
    return RemoveAllBut(to_, {&manifest_, 1});
  }

  const IndexCopy& copy() const { return copy_; }

 private:
  void Report(uint64_t bytes) {
    copy_.bytes_copied += bytes;
    if (progress_) progress_(std::min(copy_.bytes_copied, total_), total_);
  }

  // What the folder holds already must be of the same index.
  absl::Status ReadEarlier() {
    const auto generations = ListGenerations(to_);
    if (absl::IsNotFound(generations.status())) return absl::OkStatus();
    VITRINE_RETURN_IF_ERROR(generations.status());
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
      const std::string other = ConflictingFile(IndexFilesOf(*earlier), files_);
      if (!other.empty()) return OtherIndex(absl::StrCat("another ", other));
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

  // Those of later generations are left out: what they tell of is not in the
  // copy, and is told again after it is restored.
  absl::Status CopyReceipts() {
    const auto in = ReadableFile::Open(from_.receipts());
    if (absl::IsNotFound(in.status())) return RemoveFile(to_.receipts());
    VITRINE_RETURN_IF_ERROR(in.status());
    VITRINE_ASSIGN_OR_RETURN(const uint64_t end, EndOfReceipts(**in));
    VITRINE_ASSIGN_OR_RETURN(auto out, StagingFile::Create(to_.receipts()));
    while (out->bytes() < end) {
      VITRINE_ASSIGN_OR_RETURN(
          const std::string piece,
          (*in)->Read(out->bytes(),
                      std::min<uint64_t>(kPiece, end - out->bytes())));
      if (piece.empty()) break;
      VITRINE_RETURN_IF_ERROR(out->Append(piece));
    }
    return out->Replace();
  }

  // Behind the last whole line that is not of a later generation.
  absl::StatusOr<uint64_t> EndOfReceipts(const ReadableFile& in) const {
    VITRINE_ASSIGN_OR_RETURN(const uint64_t size, in.Bytes());
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
  std::unique_ptr<ReadableFile> lock;
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
