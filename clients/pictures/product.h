// One product of the sample catalogue: what is said of it, and its pictures.
#pragma once

#include <cstdint>
#include <string>

#include "clients/pictures/garment.h"
#include "clients/pictures/scene.h"

namespace vitrine {

struct SampleProduct {
  uint64_t seed = 0;
  uint64_t id = 0;
  const GarmentKind* kind = nullptr;
  std::string gender;
  std::string base_colour;
  Pattern pattern = Pattern::kSolid;
  std::string season;
  int year = 0;
  std::string usage;
  std::string display_name;  // may hold commas
  int pictures = 1;
};

// Depends on (seed, id) alone, so that a small catalogue is the beginning of a
// large one.
SampleProduct DescribeProduct(uint64_t seed, uint64_t id);

// Its picture number `n`, from 0. `board` is scratch space. The same arguments
// give the same pixels, whatever was drawn before and on however many threads;
// on a CPU with other vector instructions a few pixels may differ by a level.
Picture DrawProduct(const SampleProduct& product, int n, Board& board);

// The columns of styles.csv, and a product's line, both without a newline. The
// last column holds commas without quotes, as the Fashion Product Images set's
// does.
std::string StylesHeader();
std::string StylesRow(const SampleProduct& product);

// "1.jpg", "1_2.jpg", …: the file in images/ of picture number `n`.
std::string PictureName(const SampleProduct& product, int n);

}  // namespace vitrine
