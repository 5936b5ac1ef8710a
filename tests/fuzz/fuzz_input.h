// What the fuzz targets share: their entry, and files of the bytes at hand.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "tests/test_util/reseal.h"
#include "vitrine/storage/manifest.pb.h"

// libFuzzer's entry: reads one input. 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace vitrine {

// Ends the process where what must hold does not, so that the input is kept.
inline void Require(bool holds) {
  if (!holds) std::abort();
}

// A file of sections in memory, with right checksums: otherwise no mutation
// would get past them. As long as this lives it can be opened under its path.
class SectionInput {
 public:
  SectionInput(const uint8_t* data, size_t size)
      : bytes_(reinterpret_cast<const char*>(data), size),
        fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    ResealSections(&bytes_);
    Require(fd_ >= 0);
    Require(::write(fd_, bytes_.data(), size) == static_cast<ssize_t>(size));
    ref_.set_name("fuzz");
    ref_.set_bytes(size);
    ref_.set_checksum(RootChecksum(bytes_));
  }
  ~SectionInput() { ::close(fd_); }
  SectionInput(const SectionInput&) = delete;
  SectionInput& operator=(const SectionInput&) = delete;

  std::filesystem::path path() const {
    return "/proc/self/fd/" + std::to_string(fd_);
  }
  // As a manifest would name it.
  const storage::FileRef& ref() const { return ref_; }

 private:
  std::string bytes_;
  storage::FileRef ref_;
  int fd_;
};

}  // namespace vitrine
