#include "common/model/fake_embedder.h"

#include <algorithm>
#include <utility>

#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

constexpr int kSize = 32;
constexpr int kPixels = kSize * kSize;
constexpr int kCells = 8;
constexpr int kCellPixels = (kSize / kCells) * (kSize / kCells);
constexpr int kBins = 4;
constexpr int kBlockDim = 64;
// Keeps the shape of an even picture away from zero.
constexpr float kShapeFloor = 8;

void Shape(const uint8_t* pixels, float* out) {
  std::fill_n(out, kBlockDim, 0.0f);
  float mean = 0;
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x, pixels += 3) {
      float luminance =
          0.299f * pixels[0] + 0.587f * pixels[1] + 0.114f * pixels[2];
      mean += luminance / kPixels;
      out[y * kCells / kSize * kCells + x * kCells / kSize] +=
          luminance / kCellPixels;
    }
  }
  for (int i = 0; i < kBlockDim; ++i) out[i] += kShapeFloor - mean;
}

// Each pixel spreads over the eight bins around it.
void Colour(const uint8_t* pixels, float* out) {
  std::fill_n(out, kBlockDim, 0.0f);
  for (int i = 0; i < kPixels; ++i, pixels += 3) {
    int bin[3];
    float share[3];
    for (int c = 0; c < 3; ++c) {
      float place = pixels[c] * (kBins - 1) / 255.0f;
      bin[c] = std::min(int(place), kBins - 2);
      share[c] = place - bin[c];
    }
    for (int corner = 0; corner < 8; ++corner) {
      int at = 0;
      float weight = 1;
      for (int c = 0; c < 3; ++c) {
        int up = corner >> c & 1;
        at = at * kBins + bin[c] + up;
        weight *= up ? share[c] : 1 - share[c];
      }
      out[at] += weight / kPixels;
    }
  }
}

class FakeEmbedder : public Embedder {
 public:
  FakeEmbedder(std::filesystem::path path, ModelCard card)
      : path_(std::move(path)), card_(std::move(card)) {}

  const ModelCard& card() const override { return card_; }
  const std::filesystem::path& bundle_path() const override { return path_; }
  int preferred_batch() const override { return 8; }
  std::string description() const override { return "fake"; }

  absl::Status Embed(const uint8_t* pixels, int n, float* out) override {
    for (int i = 0; i < n; ++i) {
      Shape(pixels, out);
      Colour(pixels, out + kBlockDim);
      pixels += kPixels * 3;
      out += 2 * kBlockDim;
    }
    return absl::OkStatus();
  }

 private:
  const std::filesystem::path path_;
  const ModelCard card_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Embedder>> LoadFakeEmbedder(
    const std::filesystem::path& path) {
  VITRINE_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
  ModelCard card;
  card.id = ToHex(Sha256(bytes));
  card.name = "fake";
  card.version = "1";
  card.input_size = kSize;
  card.blocks = {{"shape", kBlockDim, 0.5f}, {"colour", kBlockDim, 0.5f}};
  card.precision = "float32";
  return std::make_unique<FakeEmbedder>(path, std::move(card));
}

}  // namespace vitrine
