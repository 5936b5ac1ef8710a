#include "common/index/index_check.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/index/index_files.h"
#include "common/index/manifest.h"

namespace vitrine {
namespace {

constexpr uint64_t kBlock = 64 << 10;  // See VerifyIndexFile.
constexpr int kTries = 5;

absl::StatusOr<std::vector<uint64_t>> Generations(const IndexPaths& paths) {
  auto generations = ListGenerations(paths);
  if (absl::IsNotFound(generations.status()) ||
      (generations.ok() && generations->empty())) {
    return absl::NotFoundError(
        absl::StrCat("there is no index in ", paths.root.string(),
                     "; name the folder that vitrine-indexer has written"));
  }
  return generations;
}

// Nothing where the generation has expired meanwhile.
absl::StatusOr<std::optional<IndexCheck>> TryCheck(const IndexPaths& paths,
                                                   const ByteProgress& progress,
                                                   const StopRequested& stop) {
  IndexCheck check;
  VITRINE_ASSIGN_OR_RETURN(const auto generations, Generations(paths));
  std::optional<storage::Manifest> newest;
  for (auto it = generations.rbegin(); it != generations.rend(); ++it) {
    auto manifest = ReadManifest(paths, *it);
    if (absl::IsNotFound(manifest.status())) continue;  // It has expired.
    ++check.generations;
    if (absl::IsDataLoss(manifest.status())) {
      check.findings.emplace_back(manifest.status().message());
      continue;
    }
    VITRINE_RETURN_IF_ERROR(manifest.status());
    if (!newest) newest = *std::move(manifest);
  }
  if (!newest) {
    if (check.findings.empty()) return std::nullopt;
    return check;
  }
  check.generation = newest->generation();
  const std::vector<IndexFile> files = IndexFilesOf(*newest);
  check.files = files.size();
  for (const IndexFile& file : files) check.bytes += file.ref.bytes();
  uint64_t done = 0;
  for (const IndexFile& file : files) {
    const uint64_t end = done + file.ref.bytes();
    const absl::Status status =
        VerifyIndexFile(paths.root / file.path, file, [&] {
          done = std::min(done + kBlock, end);
          if (progress) progress(done, check.bytes);
          return stop && stop();
        });
    done = end;
    if (progress) progress(done, check.bytes);
    if (absl::IsDataLoss(status)) {
      // What no manifest names any more is no damage.
      if (absl::IsNotFound(ReadManifest(paths, check.generation).status())) {
        return std::nullopt;
      }
      check.findings.emplace_back(status.message());
    } else if (!status.ok()) {
      return status;
    }
    if (stop && stop()) return absl::CancelledError("verifying was stopped");
  }
  return check;
}

}  // namespace

absl::StatusOr<IndexCheck> CheckIndex(const IndexPaths& paths,
                                      const ByteProgress& progress,
                                      const StopRequested& stop) {
  for (int i = 0; i < kTries; ++i) {
    VITRINE_ASSIGN_OR_RETURN(auto check, TryCheck(paths, progress, stop));
    if (check) return *std::move(check);
  }
  return absl::AbortedError(absl::StrCat(
      "the generations of ", paths.root.string(),
      " expire faster than they can be verified; let the indexer keep them "
      "longer with --keep-minutes"));
}

}  // namespace vitrine
