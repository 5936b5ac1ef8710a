// Right checksums for the bytes of a damaged file, so that what reads it meets
// the damage itself. It knows the layouts of section_file.h and manifest.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "common/base/hash.h"

namespace vitrine {

// Of a file of sections; what has no room for a header and a footer stays as it
// is.
inline void ResealSections(std::string* bytes) {
  constexpr size_t kEnd = 64;  // Header and footer have as many each.
  constexpr uint64_t kBlock = 64 << 10;
  if (bytes->size() < 2 * kEnd) return;
  auto put = [bytes](size_t offset, uint64_t value) {
    std::memcpy(bytes->data() + offset, &value, sizeof(value));
  };
  auto get = [bytes](size_t offset) {
    uint64_t value;
    std::memcpy(&value, bytes->data() + offset, sizeof(value));
    return value;
  };
  const std::string_view all(*bytes);
  put(56, Checksum(all.substr(0, 56)));
  const size_t body = bytes->size() - kEnd;
  const uint64_t directory = get(body);
  const uint64_t checksums = get(body + 16);
  if (directory <= checksums && checksums <= body) {
    for (uint64_t block = 0;
         block * kBlock < directory && checksums + (block + 1) * 8 <= body;
         ++block) {
      const uint64_t begin = block * kBlock;
      put(checksums + block * 8,
          Checksum(all.substr(begin, std::min(kBlock, directory - begin))));
    }
    put(body + 40, Checksum(all.substr(directory, body - directory)));
  }
  put(body + 48, Checksum(all.substr(body, 48)));
}

// Its root checksum, as the manifest names it.
inline uint64_t RootChecksum(std::string_view bytes) {
  uint64_t checksum = 0;
  if (bytes.size() >= 64) {
    std::memcpy(&checksum, bytes.data() + bytes.size() - 24, sizeof(checksum));
  }
  return checksum;
}

// Of a manifest.
inline void ResealManifest(std::string* bytes) {
  if (bytes->size() < 24) return;
  const auto size = static_cast<uint32_t>(bytes->size() - 24);
  std::memcpy(bytes->data() + 12, &size, sizeof(size));
  const uint64_t checksum = Checksum(bytes->substr(8, 8) + bytes->substr(24));
  std::memcpy(bytes->data() + 16, &checksum, sizeof(checksum));
}

}  // namespace vitrine
