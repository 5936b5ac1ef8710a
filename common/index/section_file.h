// The container of every file in shards/, deletions/, products/, sources/ and
// pictures/. Little-endian, byte for byte:
//
//   header     64 bytes: magic, kind, format version, checksum
//   sections   each begins at a multiple of 64
//   directory  a line a section: id, offset, size
//   checksums  XXH3-64 of each 64 KiB from the file's begin to here
//   footer     64 bytes: where directory and checksums are, the file's size,
//   the
//              root checksum (of directory and checksums), magic
//
// A manifest holds the root checksum, which binds the file to its generation.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/file.h"
#include "common/base/stop_requested.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

enum class FileKind : uint32_t {
  kShard = 1,
  kDeletions = 2,
  kTable = 3,
  kPictures = 4
};

// Writes one file. Not thread-safe.
class SectionWriter {
 public:
  static absl::StatusOr<std::unique_ptr<SectionWriter>> Create(
      const std::filesystem::path& path, FileKind kind);
  // Ends the section before and begins another; ids are unique within a file.
  absl::Status BeginSection(uint32_t id);
  absl::Status Append(std::string_view bytes);
  template <typename T>
  absl::Status AppendArray(std::span<const T> values) {
    return Append(
        {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }
  // The bytes of the last section so far, where they lie in the file: page
  // cache, and no memory of this process.
  struct MappedSection {
    std::unique_ptr<MappedFile> file;
    std::string_view bytes;  // Valid as long as `file`.
  };
  absl::StatusOr<MappedSection> MapSection();
  // Writes the rest, fsyncs, reopens and verifies every checksum, and publishes
  // under the final name. `entries` is what the manifest shows.
  absl::StatusOr<storage::FileRef> Finish(uint64_t entries);

 private:
  struct Section {
    uint32_t id;
    uint64_t offset;
    uint64_t bytes;
  };
  SectionWriter(std::filesystem::path path, FileKind kind,
                std::unique_ptr<StagingFile> file)
      : path_(std::move(path)), kind_(kind), file_(std::move(file)) {}
  absl::Status AppendChecked(std::string_view bytes);
  absl::Status Pad();

  std::filesystem::path path_;
  FileKind kind_;
  std::unique_ptr<StagingFile> file_;
  std::vector<Section> sections_;
  std::string block_;
  std::vector<uint64_t> checksums_;
};

// What opening a file verifies of it.
enum class Verification {
  // Header, footer, directory, sizes and the root checksum: no more for a file
  // of more rows, but for the list of its checksums. Readers check the bounds
  // of what they read.
  kStructure,
  // All checksums and records too.
  kAll,
};

// `bytes` from `offset` on, at most `count` of them, where a file that was not
// verified tells these numbers: what lies outside is empty.
inline std::string_view Part(std::string_view bytes, uint64_t offset,
                             uint64_t count) {
  return offset > bytes.size() ? std::string_view()
                               : bytes.substr(offset, count);
}

// A file that was opened. What it shows never changes; thread-safe.
class SectionFile {
 public:
  // Maps the file and verifies its structure, and with kAll its checksums.
  // DATA_LOSS names the file and what is wrong; FAILED_PRECONDITION where a
  // newer version of Vitrine has written it. `expected`, where given, must have
  // the same size and root checksum.
  static absl::StatusOr<std::unique_ptr<SectionFile>> Open(
      const std::filesystem::path& path, FileKind kind,
      const storage::FileRef* expected,
      Verification verification = Verification::kAll);

  // Verifies what Open has not, and then the records as `check_records` does;
  // nothing where that was done before. DATA_LOSS, which Check repeats from
  // then on; CANCELLED where it had to stop.
  absl::Status Verify(const std::function<absl::Status()>& check_records,
                      const StopRequested& stop) const;
  // Whether all of it is known to be sound.
  bool verified() const { return verified_; }
  // DATA_LOSS where the file was found to be damaged since it was opened: what
  // was read of it before may be wrong. Takes a few nanoseconds.
  absl::Status Check() const;

  // The bytes of a section; empty where it has none. Aligned to 64.
  std::string_view section(uint32_t id) const;
  // A section as an array; DATA_LOSS unless it has exactly `count` values.
  template <typename T>
  absl::StatusOr<std::span<const T>> Array(uint32_t id, uint64_t count) const {
    std::string_view bytes = section(id);
    if (bytes.size() / sizeof(T) != count || bytes.size() % sizeof(T) != 0) {
      return SizeMismatch(id, bytes.size(), count, sizeof(T));
    }
    return std::span<const T>(reinterpret_cast<const T*>(bytes.data()), count);
  }
  const std::filesystem::path& path() const { return file_->path(); }
  uint64_t bytes() const { return file_->data().size(); }
  // Brings the first `most_bytes` of it into memory; returns how many.
  uint64_t Touch(uint64_t most_bytes, const StopRequested& stop) const {
    return file_->Touch(most_bytes, stop);
  }
  uint64_t checksum() const { return checksum_; }
  // DATA_LOSS that names this file.
  absl::Status Damaged(std::string_view what) const;

 private:
  SectionFile() = default;
  absl::Status SizeMismatch(uint32_t id, uint64_t bytes, uint64_t count,
                            uint64_t stride) const;
  absl::Status VerifyBlocks(const StopRequested& stop) const;

  std::unique_ptr<MappedFile> file_;
  std::map<uint32_t, std::string_view> sections_;
  uint64_t body_bytes_ = 0;  // What the blocks' checksums cover.
  std::string_view checksums_;
  uint64_t checksum_ = 0;
  mutable std::atomic<bool> blocks_verified_ = false;
  mutable std::atomic<bool> verified_ = false;
  mutable std::mutex finding_mutex_;
  mutable absl::Status finding_;
  mutable std::atomic<bool> found_damaged_ = false;
};

}  // namespace vitrine
