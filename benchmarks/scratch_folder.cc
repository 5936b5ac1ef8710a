#include "benchmarks/scratch_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {

absl::StatusOr<ScratchFolder> ScratchFolder::Make() {
  const char* named = std::getenv("TMPDIR");
  const std::string parent = named != nullptr ? named : "/tmp";
  std::string name = parent + "/vitrine_bench_XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    return ErrnoStatus(
        errno, absl::StrCat("no folder can be made in ", parent,
                            "; name one that can be written to in TMPDIR"));
  }
  return ScratchFolder(name);
}

ScratchFolder::ScratchFolder(ScratchFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

ScratchFolder& ScratchFolder::operator=(ScratchFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace vitrine
