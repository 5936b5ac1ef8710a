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

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/file.h"
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

// A verified file. Immutable and thread-safe.
class SectionFile {
 public:
  // Maps the file and verifies header, footer, sizes and every checksum.
  // DATA_LOSS names the file and what is wrong; FAILED_PRECONDITION where a
  // newer version of Vitrine has written it. `expected`, where given, must have
  // the same size and root checksum.
  static absl::StatusOr<std::unique_ptr<SectionFile>> Open(
      const std::filesystem::path& path, FileKind kind,
      const storage::FileRef* expected);

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
  uint64_t checksum() const { return checksum_; }
  // DATA_LOSS that names this file.
  absl::Status Damaged(std::string_view what) const;

 private:
  SectionFile() = default;
  absl::Status SizeMismatch(uint32_t id, uint64_t bytes, uint64_t count,
                            uint64_t stride) const;

  std::unique_ptr<MappedFile> file_;
  std::map<uint32_t, std::string_view> sections_;
  uint64_t checksum_ = 0;
};

}  // namespace vitrine
