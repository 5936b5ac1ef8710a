// The files that a generation consists of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/base/stop_requested.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// In the folder of a copy that no indexer has written to: says that it is one.
inline constexpr char kBackupMark[] = "BACKUP";
// In the folder that a server copies an index to.
inline constexpr char kCacheMark[] = "CACHE";

struct IndexFile {
  enum class Kind {
    kModel,
    kComplements,
    kShard,
    kDeletions,
    kTable,
    kPictures
  };
  Kind kind = Kind::kModel;
  std::string path;  // Within the index: "shards/…".
  // Of a model: the SHA-256 of its bytes as its name, and its size.
  storage::FileRef ref = {};
  int dim = 0;                 // Of a shard's vectors.
  uint32_t rows = 0;           // Of the shard whose dead rows these are.
  bool indexers_only = false;  // No server reads it.
};

// Every file that `manifest` names, of all its vector sets, each once.
std::vector<IndexFile> IndexFilesOf(const storage::Manifest& manifest);

// Whether the file at `path` is `file`, whole: every checksum, and all that is
// read of it lies within its bounds. DATA_LOSS, also where it is not there;
// FAILED_PRECONDITION where a newer version has written it; CANCELLED where it
// had to stop, which is asked of each 64 KiB and may thus count them.
absl::Status VerifyIndexFile(const std::filesystem::path& path,
                             const IndexFile& file, const StopRequested& stop);

// That a model's bundle is there and has this SHA-256. DATA_LOSS otherwise.
absl::Status VerifyModel(const std::filesystem::path& path,
                         std::string_view digest);

}  // namespace vitrine
