// Pictures of a catalogue, for benchmarks to work with.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace vitrine {

// Files below a folder that decode, no two with the same bytes, so that an
// indexer embeds each: at most `most`.
absl::StatusOr<std::vector<std::string>> DifferentPictures(
    const std::filesystem::path& root, size_t most);

}  // namespace vitrine
