// Files of an index that are read piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace vitrine {

// Open for as long as it lives. Thread-safe.
class ReadableFile {
 public:
  // FAILED_PRECONDITION for a link, by which whoever makes a copy could be had
  // to read what its maker may not, and for what is no regular file and may
  // have no end.
  static absl::StatusOr<std::unique_ptr<ReadableFile>> Open(
      const std::filesystem::path& path);
  ~ReadableFile();
  ReadableFile(const ReadableFile&) = delete;
  ReadableFile& operator=(const ReadableFile&) = delete;

  int fd() const { return fd_; }
  // As large as it is now.
  absl::StatusOr<uint64_t> Bytes() const;
  // At most `count` bytes from `offset` on; fewer at the end.
  absl::StatusOr<std::string> Read(uint64_t offset, size_t count) const;

 private:
  ReadableFile(std::filesystem::path path, int fd)
      : path_(std::move(path)), fd_(fd) {}

  std::filesystem::path path_;
  int fd_;
};

}  // namespace vitrine
