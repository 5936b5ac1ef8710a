// The hot loops over codes: a query against many rows of one unsigned byte a
// number. Chosen once for the processor: AVX-512 VNNI, AVX2, or portable; all
// give the same integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vitrine {

// The code of 0; codes reach as far below it as above.
inline constexpr int kCodeZero = 128;
inline constexpr float kCodeSteps = 127;

// Rows of codes, `stride` bytes apart; those to compare with, in this order.
struct CodeRows {
  const uint8_t* codes = nullptr;
  size_t stride = 0;
  const uint32_t* rows = nullptr;
  size_t count = 0;
};

// out[i] = Σ q_j x_j over the first n codes of row i. `n` is a multiple of 64
// and at most 4096; no alignment is needed.
void DotCodes(const int8_t* q, size_t n, const CodeRows& x, int32_t* out);

// out[i] = Σ |q_j - x_j|, likewise.
void L1Codes(const uint8_t* q, size_t n, const CodeRows& x, int32_t* out);

// One implementation, for tests and comparison.
struct CodeKernels {
  const char* name;
  bool (*supported)();
  decltype(&DotCodes) dot;
  decltype(&L1Codes) l1;
};
// Fastest first; the last is portable.
std::span<const CodeKernels> AllCodeKernels();

}  // namespace vitrine
