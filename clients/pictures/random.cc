#include "clients/pictures/random.h"

#include <numeric>

namespace vitrine {
namespace {

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
// Generators, 2014): neighbouring ids give unrelated states.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

Random::Random(uint64_t seed, uint64_t id, uint64_t stream)
    : engine_(Mix(Mix(Mix(seed) ^ id) ^ stream)) {}

int Random::Weighted(std::span<const double> weights) {
  double left = Unit() * std::accumulate(weights.begin(), weights.end(), 0.0);
  for (size_t i = 0; i + 1 < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0) return static_cast<int>(i);
  }
  return static_cast<int>(weights.size()) - 1;
}

}  // namespace vitrine
