// What a model's card says of a part of its vectors.
#pragma once

#include <string>

namespace vitrine {

// Kernels read blocks in steps of so many numbers.
inline constexpr int kBlockMultiple = 64;
// Of a vector.
inline constexpr int kMaxDim = 4096;

// A part of the vector: its numbers stand together and are scaled together.
struct Block {
  std::string name;
  int dim = 0;       // A multiple of kBlockMultiple.
  float weight = 0;  // The weights of all blocks add up to 1.
};

}  // namespace vitrine
