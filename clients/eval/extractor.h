// A bundle at work on photos: raw vectors, and the matrices that are compared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/progress.h"
#include "clients/eval/eval_options.h"
#include "common/catalog/catalog.h"
#include "common/image/image.h"
#include "common/model/embedder.h"
#include "common/vector/blocks.h"

namespace vitrine::eval {

// The vectors of some pictures under one model.
struct Vectors {
  std::vector<Block> blocks;
  std::vector<float> raw;    // n × dim, as the model gives them
  std::vector<bool> usable;  // Of a picture that was refused the row is 0.

  int dim() const { return TotalDim(blocks); }
};

// The picture i as the model wants it, of input_size × input_size × 3.
using PixelsFn = std::function<absl::StatusOr<std::vector<uint8_t>>(int i)>;

// Embeds n pictures, in the batches that the embedder prefers; `pixels` is
// called from `threads` threads. A picture that `pixels` refuses is passed over
// and counted as failed. The error of the model where it fails.
absl::StatusOr<Vectors> EmbedAll(Embedder& embedder, int n, int threads,
                                 const PixelsFn& pixels,
                                 cli::Progress* progress);

// A photo of the catalogue, decoded just large enough for a square of `size`.
absl::StatusOr<Image> ReadPhoto(const Catalog& catalog, const std::string& path,
                                int size);

// Which numbers of a vector are compared: all, or one block's.
struct BlockChoice {
  std::string name;  // "all", or the block's
  int first = 0;     // of the vector
  std::vector<Block> blocks;
};

// "all" and, of a model with several blocks, each alone.
std::vector<BlockChoice> BlockChoices(const std::vector<Block>& blocks);

// The chosen numbers of all vectors, n × TotalDim(choice.blocks). Unit vectors
// are rounded to half precision, as they lie in an index.
std::vector<float> Scaled(const Vectors& vectors, const BlockChoice& choice,
                          Normalise normalise);

}  // namespace vitrine::eval
