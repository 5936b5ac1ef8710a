// Vectors that are drawn, for tests of the index.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/index/shard.h"
#include "common/vector/blocks.h"
#include "common/vector/half.h"

namespace vitrine {

inline const std::vector<Block>& TestBlocks() {
  static const std::vector<Block> blocks = {{"shape", 128, 0.8f},
                                            {"colour", 64, 0.2f}};
  return blocks;
}

// A normalised vector near the `cluster`-th centre: neighbours that mean
// something, as pictures have them.
inline std::vector<float> DrawVector(int cluster, std::mt19937* random,
                                     float spread = 0.5f) {
  std::mt19937 centre(static_cast<uint32_t>(cluster) + 1000);
  // Two distributions: one keeps half of what it drew for the next call.
  std::normal_distribution<float> place, offset;
  std::vector<float> vector(static_cast<size_t>(TotalDim(TestBlocks())));
  for (float& x : vector) x = place(centre) + spread * offset(*random);
  NormaliseBlocks(TestBlocks(), vector.data());
  return vector;
}

inline std::vector<uint16_t> ToHalves(const std::vector<float>& vector) {
  std::vector<uint16_t> halves(vector.size());
  HalvesFromFloats(vector.data(), vector.size(), halves.data());
  return halves;
}

inline Row MakeRow(const std::string& product_id, const std::string& image_key,
                   const std::vector<float>& vector) {
  return {product_id, image_key, Sha256(product_id + "/" + image_key),
          ToHalves(vector)};
}

// `n` rows of n products, "p00000" and so on, in clusters of about 25.
inline std::vector<Row> DrawRows(int n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Row> rows;
  for (int i = 0; i < n; ++i) {
    const std::string id = absl::StrFormat("p%05d", i);
    rows.push_back(
        MakeRow(id, id + ".jpg", DrawVector(i % (n / 25 + 1), &random)));
  }
  return rows;
}

}  // namespace vitrine
