// IEEE 754 binary16 as it lies in shards, kept in uint16_t.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vitrine {

// Rounds to nearest, ties to even; too large becomes infinity.
uint16_t HalfFromFloat(float value);
float FloatFromHalf(uint16_t half);

// n numbers each.
void HalvesFromFloats(const float* from, size_t n, uint16_t* to);
void FloatsFromHalves(const uint16_t* from, size_t n, float* to);

}  // namespace vitrine
