#include "clients/eval/extractor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/vector/half.h"

namespace vitrine::eval {

absl::StatusOr<Vectors> EmbedAll(Embedder& embedder, int n, int threads,
                                 const PixelsFn& pixels,
                                 cli::Progress* progress) {
  const ModelCard& card = embedder.card();
  const int dim = card.dim();
  const size_t picture_bytes =
      static_cast<size_t>(card.input_size) * card.input_size * 3;
  const int batch = std::max(1, embedder.preferred_batch());
  Vectors vectors;
  vectors.blocks = card.blocks;
  vectors.raw.resize(static_cast<size_t>(n) * dim);
  vectors.usable.resize(n);
  std::vector<uint8_t> input;
  std::vector<float> output;
  int64_t failed = 0;
  for (int first = 0; first < n; first += batch) {
    const int wanted = std::min(batch, n - first);
    std::vector<absl::StatusOr<std::vector<uint8_t>>> squares(wanted);
    ParallelFor(wanted, threads,
                [&](int i) { squares[i] = pixels(first + i); });
    input.clear();
    std::vector<int> rows;
    for (int i = 0; i < wanted; ++i) {
      if (!squares[i].ok()) {
        ++failed;
        continue;
      }
      if (squares[i]->size() != picture_bytes) {
        return absl::InternalError(absl::StrCat("a picture of ",
                                                squares[i]->size(), " bytes; ",
                                                picture_bytes, " are right"));
      }
      input.insert(input.end(), squares[i]->begin(), squares[i]->end());
      rows.push_back(first + i);
    }
    output.resize(rows.size() * dim);
    VITRINE_RETURN_IF_ERROR(embedder.Embed(
        input.data(), static_cast<int>(rows.size()), output.data()));
    for (size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(&output[i * dim], dim,
                  &vectors.raw[static_cast<size_t>(rows[i]) * dim]);
      vectors.usable[rows[i]] = true;
    }
    if (progress != nullptr) progress->Update(first + wanted, failed);
  }
  return vectors;
}

absl::StatusOr<Image> ReadPhoto(const Catalog& catalog, const std::string& path,
                                int size) {
  const ImageLimits limits;
  VITRINE_ASSIGN_OR_RETURN(const std::string bytes,
                           catalog.ReadPicture(path, limits.max_bytes));
  return DecodeImage(bytes, limits, DecodeMinSide(size));
}

std::vector<BlockChoice> BlockChoices(const std::vector<Block>& blocks) {
  std::vector<BlockChoice> choices = {{"all", 0, blocks}};
  if (blocks.size() < 2) return choices;
  int first = 0;
  for (const Block& block : blocks) {
    choices.push_back({block.name, first, {{block.name, block.dim, 1}}});
    first += block.dim;
  }
  return choices;
}

std::vector<float> Scaled(const Vectors& vectors, const BlockChoice& choice,
                          Normalise normalise) {
  const size_t from_dim = vectors.dim();
  const size_t dim = TotalDim(choice.blocks);
  const size_t n = vectors.usable.size();
  std::vector<float> scaled(n * dim);
  std::vector<uint16_t> halves(dim);
  for (size_t row = 0; row < n; ++row) {
    float* to = &scaled[row * dim];
    std::copy_n(&vectors.raw[row * from_dim + choice.first], dim, to);
    if (normalise == Normalise::kRaw) continue;
    NormaliseBlocks(choice.blocks, to);
    HalvesFromFloats(to, dim, halves.data());
    FloatsFromHalves(halves.data(), dim, to);
  }
  return scaled;
}

}  // namespace vitrine::eval
