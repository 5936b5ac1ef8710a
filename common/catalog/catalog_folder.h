// A catalogue's root folder: reading in it without ever leaving it, and walking
// it. Paths are as in common/catalog/catalog_names.h. All functions are
// thread-safe and see the file system as it is at the call.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/catalog/problem.h"

namespace vitrine {

// What tells one version of a file from the next.
struct FileVersion {
  uint64_t bytes = 0;
  int64_t modified_unix_ns = 0;
  uint64_t inode = 0;
  bool operator==(const FileVersion&) const = default;
};

// The path of `target`, relative to `root` and free of links, "." and "..".
// `target` is relative to the root or absolute, and need not exist.
// PERMISSION_DENIED where it, or what a link on the way points to, lies outside
// of the root.
absl::StatusOr<std::string> PathBeneath(const std::filesystem::path& root,
                                        std::string_view target);

// The version of the regular file at `path`; nullopt where there is none, where
// it is reached through a linked folder (its pictures are read under their real
// path) or where it is a link that leads out of the root.
std::optional<FileVersion> StatBeneath(const std::filesystem::path& root,
                                       std::string_view path);

// The version of the link itself at `path`, where it leads out of the root and
// not to a folder. It is never read; whoever put it there hears of it.
std::optional<FileVersion> StatLinkOut(const std::filesystem::path& root,
                                       std::string_view path);

// The bytes of the regular file at `path`. PERMISSION_DENIED where a link leads
// out of the root, even one that is put there during the call;
// RESOURCE_EXHAUSTED where it has more than `max_bytes`; NOT_FOUND and such as
// the system says.
absl::StatusOr<std::string> ReadBeneath(const std::filesystem::path& root,
                                        std::string_view path,
                                        uint64_t max_bytes);

// A file that a walk has found.
struct FoundFile {
  std::string path;
  FileVersion version;
};

struct Walk {
  // Regular files, and links to some within the root, each by its role; in byte
  // order of their paths. Among the pictures are links that StatLinkOut knows.
  std::vector<FoundFile> pictures;
  std::vector<FoundFile> jsons;
  // Files in sub-folders that have a table's name.
  std::vector<std::string> stray_tables;
  // Folders and links that could not be read: nothing is known of what lies
  // there.
  std::vector<std::string> unreadable;
  CatalogProblems problems;
  std::string root_identity;  // See RootIdentity.
};

// A folder's device and inode: another one means another folder, as when a
// volume was mounted or unmounted. Empty where it cannot be told.
std::string RootIdentity(const std::filesystem::path& root);

// Walks all of `root`. Links to folders within the root are not followed, as
// their files are found under their real path: so there are no loops. Folders
// that hold an index are passed over. Errors as CheckRoot.
absl::StatusOr<Walk> WalkCatalog(const std::filesystem::path& root);

// NOT_FOUND where the root is missing, INVALID_ARGUMENT where it is no folder,
// UNAVAILABLE where it cannot be read; each with its remedy.
absl::Status CheckRoot(const std::filesystem::path& root);

// Whether `folder`, an absolute path, holds an index of ours.
bool IsIndexFolder(const std::filesystem::path& folder);

}  // namespace vitrine
