// The hot loops: a float32 query against a stored float16 row. Chosen once for
// the processor (AVX2 with FMA and F16C, or portable).
#pragma once

#include <cstddef>
#include <cstdint>

namespace vitrine {

// Σ q_i x_i. `n` is a multiple of 64; no alignment is needed.
float DotHalf(const float* q, const uint16_t* x, size_t n);

// Σ |q_i - x_i|, likewise.
float L1Half(const float* q, const uint16_t* x, size_t n);

// The portable versions, for tests and comparison.
float DotHalfPortable(const float* q, const uint16_t* x, size_t n);
float L1HalfPortable(const float* q, const uint16_t* x, size_t n);

}  // namespace vitrine
