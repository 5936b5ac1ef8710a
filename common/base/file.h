// Files: whole reads, memory maps, and the only way that anything is published:
// write to a staging name, fsync, rename to a name that must not exist, fsync
// the folder. All writing of an index passes through here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/bus_error.h"
#include "common/base/stop_requested.h"

namespace vitrine {

// The bytes of a regular file. RESOURCE_EXHAUSTED where it has more than
// `max_bytes`; NOT_FOUND and PERMISSION_DENIED as the system says.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path,
                                     uint64_t max_bytes = UINT64_MAX);

// The same for an open file; `name` is for messages. The descriptor stays open.
absl::StatusOr<std::string> ReadDescriptor(int fd, std::string_view name,
                                           uint64_t max_bytes = UINT64_MAX);

// Names of the entries of a folder, sorted; without `.` and `..`.
absl::StatusOr<std::vector<std::string>> ListFolder(
    const std::filesystem::path& folder);

// Makes a folder and its parents; existing ones are fine.
absl::Status MakeFolders(const std::filesystem::path& folder);

// Removes a file; one that is not there is fine.
absl::Status RemoveFile(const std::filesystem::path& path);

// fsync of a folder, so that renames in it are durable.
absl::Status SyncFolder(const std::filesystem::path& folder);

// A read-only, shared map of a whole file. Immutable and thread-safe. Where the
// file is cut under it, reads give zeros once CatchBusErrors was called, and
// end the process otherwise.
class MappedFile {
 public:
  static absl::StatusOr<std::unique_ptr<MappedFile>> Open(
      const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view data() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }
  // Whether the file was cut since, or its disk has failed, so that what was
  // read before this call may have been zeros. It goes by the last byte, which
  // must not be 0.
  bool damaged() const;
  // Brings the first `most_bytes` into memory, so that nobody waits for the
  // disk later. Returns how many; fewer where it had to stop.
  uint64_t Touch(uint64_t most_bytes, const StopRequested& stop) const;

 private:
  MappedFile(std::filesystem::path path, const char* data, size_t size);

  std::filesystem::path path_;
  const char* data_;
  size_t size_;
  std::optional<MappingGuard> guard_;  // None of an empty file.
  char last_byte_ = 0;
};

// A file that is being written under `<name>.staging` and appears under its
// name only when Publish returns OK. Destroyed before that, it is removed.
// After any error it is dead: a failed write or fsync is never tried again. Not
// thread-safe.
class StagingFile {
 public:
  // Replaces a staging file that a crash has left.
  static absl::StatusOr<std::unique_ptr<StagingFile>> Create(
      const std::filesystem::path& path);
  ~StagingFile();
  StagingFile(const StagingFile&) = delete;
  StagingFile& operator=(const StagingFile&) = delete;

  absl::Status Append(std::string_view bytes);
  uint64_t bytes() const { return bytes_; }
  // What was appended so far, to be read where it lies while more is appended.
  absl::StatusOr<std::unique_ptr<MappedFile>> Map();
  // Flushes and fsyncs; the file can then be reopened under staging_path() and
  // verified before it is published. Nothing may be appended after.
  absl::Status Sync();
  // Renames to the final name and fsyncs the folder. ALREADY_EXISTS where the
  // name is taken.
  absl::Status Publish();
  // The same, in the place of what has the name now: for files that are no part
  // of a generation.
  absl::Status Replace();
  const std::filesystem::path& staging_path() const { return staging_path_; }

 private:
  StagingFile(std::filesystem::path path, std::filesystem::path staging_path,
              int fd)
      : path_(std::move(path)),
        staging_path_(std::move(staging_path)),
        fd_(fd) {}
  absl::Status Flush();
  absl::Status Fail(int error, std::string_view what);

  std::filesystem::path path_;
  std::filesystem::path staging_path_;
  int fd_;
  uint64_t bytes_ = 0;
  uint64_t unsynced_ = 0;
  std::string buffer_;
  bool synced_ = false;
  bool published_ = false;
  absl::Status error_;
};

// Publishes a small file in one go.
absl::Status PublishFile(const std::filesystem::path& path,
                         std::string_view bytes);

}  // namespace vitrine
