// An embedder without a model, for tests: no Torch, no weights, the same
// numbers everywhere. Alike pictures get alike vectors.
#pragma once

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
#include "common/model/embedder.h"

namespace vitrine {

// Input 32 × 32, squashed. Block `shape` (64, weight 0.5): the luminance of
// 8 × 8 cells about its mean. Block `colour` (64, weight 0.5): a soft 4 × 4 × 4
// histogram of RGB. Neither is ever zero. Any readable file stands for the
// bundle: the card's id is the SHA-256 of its bytes.
absl::StatusOr<std::unique_ptr<Embedder>> LoadFakeEmbedder(
    const std::filesystem::path& path);

}  // namespace vitrine
