// Copies of an index's files in another folder, as backups and the caches of
// servers have them: each is verified before it gets its name.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/readable_file.h"
#include "common/base/stop_requested.h"
#include "common/index/index_files.h"
#include "common/index/index_paths.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// What a folder of copies is there for.
struct CopyKind {
  std::string name;    // "backup"; "a " goes before it.
  std::string mark;    // The file in it that says so, …
  std::string text;    // … to people, in these words.
  std::string in_use;  // Why it cannot be had while another has it.
};

// Makes the folder, or takes it where it is of this kind already, and locks it
// for as long as what is returned lives. FAILED_PRECONDITION where it has
// anything else in it, or another has it.
absl::StatusOr<std::unique_ptr<ReadableFile>> LockCopyFolder(
    const IndexPaths& to, const CopyKind& kind);

// "12.3 MB".
std::string MegabytesText(uint64_t bytes);

// RESOURCE_EXHAUSTED where the disk of `to` has no room for so many bytes more.
absl::Status CheckRoom(const IndexPaths& to, uint64_t bytes,
                       std::string_view remedy);

// Makes the folders of an index's files, durably.
absl::Status MakeIndexFolders(const IndexPaths& to);

// The path of a file that is one in `a` and another in `b`; empty where there
// is none. An index that was begun anew counts its files from the start again.
std::string ConflictingFile(std::span<const IndexFile> a,
                            std::span<const IndexFile> b);

// Those of `files` that are not in `to`, told by size and root checksum: what
// is there was verified before it got its name. With `all` every byte is
// verified once more. A file that is not the right one makes way.
absl::StatusOr<std::vector<IndexFile>> MissingFiles(
    const IndexPaths& to, std::span<const IndexFile> files, bool all,
    const StopRequested& stop);

// Copies one file and verifies the copy. `copied`, which may be empty, is told
// of each piece. NOT_FOUND where `from` does not have it; DATA_LOSS where it
// is damaged there; CANCELLED where it had to stop.
absl::Status CopyIndexFile(const IndexPaths& from, const IndexPaths& to,
                           const IndexFile& file,
                           const std::function<void(uint64_t bytes)>& copied,
                           const StopRequested& stop);

// Gives `to` a file that was copied to `from`, a folder of the same disk: by a
// link, or by a copy where the file system knows no links. Not durable before
// its folder is synced.
absl::Status LinkIndexFile(const IndexPaths& from, const IndexPaths& to,
                           const IndexFile& file);

// fsync of the folders of an index's files.
absl::Status SyncIndexFolders(const IndexPaths& to);

// Removes all manifests of `to` but those of these generations, and then all
// files that these do not name: no manifest may name what is not there.
absl::Status RemoveAllBut(const IndexPaths& to,
                          std::span<const storage::Manifest> kept);

}  // namespace vitrine
