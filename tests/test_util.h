// What tests share: where the sources, the built programs and the real data
// lie, and a folder of one's own that goes when the test does.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "tests/test_util/temp_dir.h"

namespace vitrine::testing {

// The root of the source tree (ctest sets VITRINE_SOURCE_DIR).
inline std::filesystem::path SourceDir() {
  const char* dir = std::getenv("VITRINE_SOURCE_DIR");
  return dir != nullptr ? std::filesystem::path(dir)
                        : std::filesystem::current_path();
}

// Where the built programs lie (ctest sets VITRINE_BIN_DIR).
inline std::filesystem::path BinDir() {
  const char* dir = std::getenv("VITRINE_BIN_DIR");
  return dir != nullptr ? std::filesystem::path(dir)
                        : SourceDir() / "build" / "bin";
}

// The folder of real data, which not every checkout has: VITRINE_SHARED, or
// `shared` beside the source tree. A test that needs it skips where it is not.
inline std::optional<std::filesystem::path> SharedDir() {
  const char* dir = std::getenv("VITRINE_SHARED");
  std::filesystem::path path = dir != nullptr
                                   ? std::filesystem::path(dir)
                                   : SourceDir().parent_path() / "shared";
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return std::nullopt;
  return path;
}

// 3,890 real product photos: `images/` and `images.csv`.
inline std::optional<std::filesystem::path> ClothingDataset() {
  std::optional<std::filesystem::path> shared = SharedDir();
  if (!shared) return std::nullopt;
  std::filesystem::path path = *shared / "data" / "clothing-dataset";
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return std::nullopt;
  return path;
}

using vitrine::TempDir;

inline std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

inline void WriteAll(const std::filesystem::path& path,
                     std::string_view contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

}  // namespace vitrine::testing
