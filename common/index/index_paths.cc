#include "common/index/index_paths.h"

#include <cinttypes>
#include <cstdio>

namespace vitrine {

std::filesystem::path IndexPaths::manifest(uint64_t generation) const {
  char name[32];
  std::snprintf(name, sizeof(name), "%06" PRIu64 ".pb", generation);
  return manifests() / name;
}

std::filesystem::path IndexPaths::model(std::string_view sha256) const {
  return models() / (std::string(sha256) + ".pt");
}

std::optional<uint64_t> GenerationOfManifestName(std::string_view name) {
  if (name.size() < 9 || name.size() > 21 ||
      name.substr(name.size() - 3) != ".pb") {
    return std::nullopt;
  }
  uint64_t generation = 0;
  for (char c : name.substr(0, name.size() - 3)) {
    if (c < '0' || c > '9') return std::nullopt;
    generation = generation * 10 + static_cast<uint64_t>(c - '0');
  }
  return generation;
}

}  // namespace vitrine
