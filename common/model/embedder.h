// Models that turn pictures into vectors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/image/image.h"
#include "common/vector/blocks.h"

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

// Runs a model. Not thread-safe: one thread owns it, since its library keeps a
// team of threads for each that calls.
class Embedder {
 public:
  virtual ~Embedder() = default;

  virtual const ModelCard& card() const = 0;
  // The SHA-256-named bytes are read from here when an index is begun.
  virtual const std::filesystem::path& bundle_path() const = 0;

  // `pixels` is n × input_size × input_size × 3 RGB; `out` receives n × dim raw
  // numbers, row-major, all finite. INTERNAL where the model fails or gives
  // numbers that are not finite.
  virtual absl::Status Embed(const uint8_t* pixels, int n, float* out) = 0;
};

// Loads a TorchScript bundle in its fastest variant on `threads` threads.
// INVALID_ARGUMENT, with what was wrong and what is right, for a file that is
// no bundle, has no card or a bad one, or whose output is not n × dim.
absl::StatusOr<std::unique_ptr<Embedder>> LoadTorchEmbedder(
    const std::filesystem::path& path, int threads);

// Reads a card from JSON text; `id` stays empty. INVALID_ARGUMENT where a field
// is missing or out of range.
absl::StatusOr<ModelCard> ParseModelCard(const std::string& json);

}  // namespace vitrine
