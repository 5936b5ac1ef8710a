// Damages a file as disks and operators do.
#pragma once

#include <filesystem>
#include <fstream>

namespace vitrine {

inline void FlipBit(const std::filesystem::path& path, uint64_t offset,
                    int bit = 0) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const auto byte = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ (1 << bit)));
  file.flush();
}

// One bit in the middle of a file.
inline void Damage(const std::filesystem::path& path) {
  FlipBit(path, std::filesystem::file_size(path) / 2);
}

}  // namespace vitrine
