#include "common/vector/half.h"

#include <immintrin.h>

#include <bit>

#include "common/vector/cpu.h"

namespace vitrine {
namespace {

__attribute__((target("avx,f16c"))) void HalvesFromFloatsF16c(const float* from,
                                                              size_t n,
                                                              uint16_t* to) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(to + i),
        _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
  }
  for (; i < n; ++i) to[i] = HalfFromFloat(from[i]);
}

bool HasF16c() {
  static const bool has = __builtin_cpu_supports("avx") && CpuHasF16c();
  return has;
}

}  // namespace

uint16_t HalfFromFloat(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x7f800000) {  // Infinity or NaN.
    return static_cast<uint16_t>(sign | 0x7c00 |
                                 (magnitude > 0x7f800000 ? 0x200 : 0));
  }
  if (magnitude >= 0x477ff000)
    return static_cast<uint16_t>(sign | 0x7c00);  // ≥ 65520.
  if (magnitude < 0x38800000) {  // Subnormal: let the float unit round it.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(
        sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000));
  }
  const uint32_t odd = magnitude >> 13 & 1;
  return static_cast<uint16_t>(sign |
                               ((magnitude - 0x38000000 + 0xfff + odd) >> 13));
}

float FloatFromHalf(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 31;
  const uint32_t mantissa = half & 0x3ff;
  if (exponent == 31)
    return std::bit_cast<float>(sign | 0x7f800000 | mantissa << 13);
  if (exponent == 0) {
    const float value = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -value : value;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

void HalvesFromFloats(const float* from, size_t n, uint16_t* to) {
  if (HasF16c()) return HalvesFromFloatsF16c(from, n, to);
  for (size_t i = 0; i < n; ++i) to[i] = HalfFromFloat(from[i]);
}

void FloatsFromHalves(const uint16_t* from, size_t n, float* to) {
  for (size_t i = 0; i < n; ++i) to[i] = FloatFromHalf(from[i]);
}

}  // namespace vitrine
