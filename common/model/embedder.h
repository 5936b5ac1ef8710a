// Models that turn pictures into vectors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/model/model_card.h"

namespace vitrine {

// Runs a model. Not thread-safe: one thread owns it; the embedder itself
// spreads a batch over the threads that it was given.
class Embedder {
 public:
  virtual ~Embedder() = default;

  virtual const ModelCard& card() const = 0;
  // The SHA-256-named bytes are read from here when an index is begun.
  virtual const std::filesystem::path& bundle_path() const = 0;

  // `pixels` is n × input_size × input_size × 3 RGB; `out` receives n × dim raw
  // numbers, row-major, all finite. A picture's vector does not depend on the
  // others of its batch (cosine >= 0.99999). INTERNAL where the model fails or
  // gives numbers that are not finite.
  virtual absl::Status Embed(const uint8_t* pixels, int n, float* out) = 0;

  // Pictures a call at which the rate is best; more gain nothing.
  virtual int preferred_batch() const { return 1; }
  // For logs: the variant that runs, and what was measured.
  virtual std::string description() const { return {}; }
};

// How a TorchScript module can be made to run. kFastest measures the others.
enum class EmbedVariant { kFastest, kFrozen, kOptimized, kChannelsLast };

// Loads a TorchScript bundle, in its fastest variant unless one is asked for,
// to run on `threads` threads, each with pictures of its own: a batch scales
// with cores, a lone picture takes one. INVALID_ARGUMENT, with what was wrong
// and what is right, for a file that is no bundle, has no card or a bad one, or
// whose output is not n × dim. A bundle is code: load only what you trust.
// Sets malloc's thresholds and the BLAS's threads for the whole process.
absl::StatusOr<std::unique_ptr<Embedder>> LoadTorchEmbedder(
    const std::filesystem::path& path, int threads,
    EmbedVariant variant = EmbedVariant::kFastest);

}  // namespace vitrine
