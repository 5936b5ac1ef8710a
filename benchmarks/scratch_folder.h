// A folder of a benchmark's own, which goes with its owner.
#pragma once

#include <filesystem>

#include "absl/status/statusor.h"

namespace vitrine {

class ScratchFolder {
 public:
  // In TMPDIR. The error names it.
  static absl::StatusOr<ScratchFolder> Make();
  ScratchFolder(ScratchFolder&& other) noexcept;
  ScratchFolder& operator=(ScratchFolder&& other) noexcept;
  ~ScratchFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;  // Empty where another has it.
};

}  // namespace vitrine
