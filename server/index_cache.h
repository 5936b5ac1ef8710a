// A server's copy of an index that lies on a shared volume: each generation is
// copied to a local disk, file by file, and verified before it is served. What
// the volume does from then on reaches no query.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/file_watch.h"
#include "common/base/readable_file.h"
#include "common/base/stop_requested.h"
#include "common/index/index_file_copy.h"
#include "common/index/index_paths.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// Its folder holds the manifest of a generation only when it holds all of it,
// and at most that which is served and the next. A generation that does not
// follow what is there, of another index or of one that was set back, is copied
// to a folder `next` in it, and takes the place of all else once it is whole.
// Used by one thread at a time.
class IndexCache {
 public:
  // Makes `folder` or takes it up, without a look at the index `source`, and
  // locks it as long as this lives. FAILED_PRECONDITION where another server
  // has it, where it is the cache of another index, or of anything else. `log`
  // gets lines for people, without their end; it may be empty.
  static absl::StatusOr<std::unique_ptr<IndexCache>> Open(
      const IndexPaths& source, const std::filesystem::path& folder,
      std::function<void(std::string_view line)> log);

  // The folder below `cache` for one of several indexes: their names may be the
  // same.
  static std::filesystem::path FolderOf(const std::filesystem::path& cache,
                                        const std::filesystem::path& index);

  const IndexPaths& source() const { return source_; }
  // What is to be opened.
  const IndexPaths& paths() const { return paths_; }
  // Whether it holds no generation.
  bool IsEmpty() const;
  // How many were copied to their end, since it was opened.
  int64_t copies() const { return copies_; }

  // Copies the newest generation of the source, unless it is here; where that
  // is not sound, the newest that is and follows what is here. `served`, which
  // may be null, stays. With `doubtful` every byte of what is here is verified,
  // and copied again where it is damaged. Where the source's newest generation
  // is not here after that, the error says why; soon after an error that is all
  // that is done.
  absl::Status Update(const storage::Manifest* served, bool doubtful,
                      const StopRequested& stop);

  // Removes all but this generation, which is served, and the one that Update
  // has begun to copy last. Files that are open stay open.
  absl::Status Keep(const storage::Manifest& served);

 private:
  IndexCache(IndexPaths source, IndexPaths paths,
             std::unique_ptr<ReadableFile> lock,
             std::function<void(std::string_view)> log);
  // Of the source, of which there is one at least.
  absl::StatusOr<std::vector<uint64_t>> Generations() const;
  absl::Status CopyNewest(const storage::Manifest* served, bool doubtful,
                          const StopRequested& stop);
  absl::Status CopyGeneration(const storage::Manifest& manifest, bool is_newest,
                              const storage::Manifest* served, bool doubtful,
                              const StopRequested& stop);
  absl::StatusOr<bool> IsNewestHere(const storage::Manifest& manifest) const;
  // What is here and can be read.
  absl::StatusOr<std::vector<storage::Manifest>> Here() const;
  // Whether a generation that is not the source's newest may be copied.
  absl::StatusOr<bool> MayStandIn(const storage::Manifest& manifest,
                                  bool doubtful) const;
  // Copies what takes the place of all that is here.
  absl::Status CopyAside(const storage::Manifest& manifest,
                         const std::vector<IndexFile>& files,
                         const StopRequested& stop);
  // Takes what was copied aside, where it is whole. Ended in between, it is
  // done anew from the start.
  absl::Status Adopt();
  absl::Status RemoveAside() const;
  // Removes what is in the way of `manifest`, which follows all that is here,
  // or of no use beside it.
  absl::Status MakeWay(const storage::Manifest& manifest,
                       const std::vector<IndexFile>& files,
                       const storage::Manifest* served) const;
  absl::Status CopyFiles(const IndexPaths& to,
                         const storage::Manifest& manifest,
                         const std::vector<IndexFile>& missing,
                         const StopRequested& stop) const;

  const IndexPaths source_;
  const IndexPaths paths_;
  const IndexPaths aside_;
  const std::unique_ptr<ReadableFile> lock_;
  const std::function<void(std::string_view line)> log_;

  // The source's newest generation at the last try, and its manifest, which
  // another index has under the same number.
  uint64_t tried_ = 0;
  std::optional<FileState> tried_file_;
  absl::Status trouble_;
  std::chrono::steady_clock::time_point retry_at_;
  int64_t copies_ = 0;
  // That was begun last.
  std::optional<storage::Manifest> copied_;
};

}  // namespace vitrine
