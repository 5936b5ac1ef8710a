// What a model's card says of a part of its vectors.
#pragma once

#include <string>

namespace vitrine {

// A part of the vector: its numbers stand together and are scaled together.
struct Block {
  std::string name;
  int dim = 0;       // A multiple of 64.
  float weight = 0;  // The weights of all blocks add up to 1.
};

}  // namespace vitrine
