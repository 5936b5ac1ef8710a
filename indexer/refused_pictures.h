// The bytes of pictures that came by a queue and were refused, kept for a while
// so that a report can show them: nobody else has them.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace vitrine {

struct RefusedPicturesLimits {
  // Of all of them together; the oldest go first.
  uint64_t bytes = uint64_t{256} << 20;
  size_t files = 10'000;
  // For as long as deletions are remembered.
  std::chrono::hours age{30 * 24};
};

// A file each, FOLDER/<SHA-256 in hexadecimal>; those that are too old go when
// another is kept, or in the next run. They are no part of a generation. Not
// thread-safe.
class RefusedPictures {
 public:
  // Takes up what an earlier run has kept. A folder that cannot be read counts
  // as empty.
  explicit RefusedPictures(std::filesystem::path folder,
                           const RefusedPicturesLimits& limits = {});

  // `sha256` is the 32 bytes of the digest. One that is kept already becomes
  // the newest.
  absl::Status Keep(std::string_view sha256, std::string_view bytes);

 private:
  struct File {
    std::filesystem::file_time_type written;
    uint64_t bytes = 0;
    std::string name;
  };

  void MakeRoom(uint64_t bytes);

  std::filesystem::path folder_;
  RefusedPicturesLimits limits_;
  std::deque<File> files_;  // The oldest first.
  uint64_t bytes_ = 0;
};

}  // namespace vitrine
