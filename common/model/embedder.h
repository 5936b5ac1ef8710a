// Models that turn pictures into vectors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/model/model_card.h"

namespace vitrine {

// How a TorchScript module can be made to run. kFastest measures the others.
enum class EmbedVariant { kFastest, kFrozen, kOptimized, kChannelsLast };

// As logs and indexes have it.
std::string_view EmbedVariantName(EmbedVariant variant);
// kFastest for a name that is not known.
EmbedVariant EmbedVariantOf(std::string_view name);

// What trying a bundle has shown.
struct EmbedTrial {
  EmbedVariant variant = EmbedVariant::kFastest;  // The fastest one.
  // What it gives for the first of ProbePictures: dim raw numbers.
  std::vector<float> vector;
  std::string machine;  // Processor and library: on others it may be slower.
};

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
  virtual EmbedTrial trial() const { return {}; }
};

// Loads a TorchScript bundle, in its fastest variant unless one is asked for,
// to run on `threads` threads, each with pictures of its own: a batch scales
// with cores, a lone picture takes one. `trial` may be that of an earlier load
// of the same bundle: on such a machine its variant is taken where it gives the
// same vector, and no other is tried, which takes a third of the time.
// INVALID_ARGUMENT, with what was wrong and what is right, for a file that is
// no bundle, has no card or a bad one, or whose output is not n × dim. A bundle
// is code: load only what you trust. `check`, where there is one, gets its
// SHA-256 (lower-case hexadecimal) before Torch gets any of it, and its error
// ends the loading; the file is read once, so that what runs is what was
// checked. Sets malloc's thresholds and the BLAS's threads for the whole
// process.
using CheckBundleFn = std::function<absl::Status(std::string_view sha256)>;
absl::StatusOr<std::unique_ptr<Embedder>> LoadTorchEmbedder(
    const std::filesystem::path& path, int threads,
    EmbedVariant variant = EmbedVariant::kFastest, const EmbedTrial& trial = {},
    const CheckBundleFn& check = nullptr);

}  // namespace vitrine
