// The files of the next generation: from changes, and from a merge.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/index/index_paths.h"
#include "indexer/index_changes.h"
#include "indexer/index_view.h"
#include "indexer/merge.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// Files that go when it is destroyed, unless they are kept. Thread-safe.
class WrittenFiles {
 public:
  WrittenFiles() = default;
  ~WrittenFiles();
  WrittenFiles(const WrittenFiles&) = delete;
  WrittenFiles& operator=(const WrittenFiles&) = delete;

  void Add(const std::filesystem::path& file);
  void Keep();
  uint64_t Bytes() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::filesystem::path> files_;
};

// A name for a file of an index that was never used; begins with the number of
// a generation.
std::string NewIndexFileName(uint64_t generation);

// Writes what `changes` make of a view and names it in `manifest`, which is the
// view's own with the next generation's number.
absl::Status WriteChanges(const IndexPaths& paths, const IndexView& view,
                          const IndexChanges& changes,
                          storage::Manifest* manifest, WrittenFiles* written);

// Names a merge's outputs in the place of its inputs. Rows that have died since
// the merge began are dead in its output too.
absl::Status ApplyMerge(const IndexPaths& paths, const IndexView& view,
                        const MergeOutput& output, storage::Manifest* manifest,
                        WrittenFiles* written);

}  // namespace vitrine
