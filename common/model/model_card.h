// The card of a model bundle.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/image/image.h"
#include "common/vector/block.h"

namespace vitrine {

// What a bundle says of itself in its extra file card.json.
struct ModelCard {
  std::string id;  // The SHA-256 of the bundle's bytes, in hexadecimal.
  std::string name;
  std::string version;
  int input_size = 0;  // The side of its square input, in pixels.
  ResizeMode resize = ResizeMode::kSquash;
  std::vector<Block> blocks;  // In the order of the vector.
  std::string precision;      // "float32" or "bfloat16".
  std::string origin;
  std::string licence;
  std::string trained_on;

  // The sum of the blocks' dims.
  int dim() const;
};

// Reads a card from JSON text; `id` stays empty. INVALID_ARGUMENT where a field
// is missing or out of range.
absl::StatusOr<ModelCard> ParseModelCard(const std::string& json);

}  // namespace vitrine
