#include "common/vector/kernels.h"

#include <immintrin.h>

#include <cmath>

#include "common/vector/cpu.h"
#include "common/vector/half.h"

namespace vitrine {
namespace {

#define VITRINE_AVX2 __attribute__((target("avx2,fma,f16c")))

VITRINE_AVX2 inline __m256 LoadHalf(const uint16_t* x) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
}

VITRINE_AVX2 inline float HorizontalSum(__m256 v) {
  __m128 sum =
      _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

// Four accumulators hide the latency of the fused multiply-add.
VITRINE_AVX2 float DotHalfAvx2(const float* q, const uint16_t* x, size_t n) {
  __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
  for (size_t i = 0; i < n; i += 32) {
    a = _mm256_fmadd_ps(_mm256_loadu_ps(q + i), LoadHalf(x + i), a);
    b = _mm256_fmadd_ps(_mm256_loadu_ps(q + i + 8), LoadHalf(x + i + 8), b);
    c = _mm256_fmadd_ps(_mm256_loadu_ps(q + i + 16), LoadHalf(x + i + 16), c);
    d = _mm256_fmadd_ps(_mm256_loadu_ps(q + i + 24), LoadHalf(x + i + 24), d);
  }
  return HorizontalSum(_mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d)));
}

VITRINE_AVX2 inline __m256 AbsDifference(const float* q, const uint16_t* x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return _mm256_andnot_ps(sign, _mm256_sub_ps(_mm256_loadu_ps(q), LoadHalf(x)));
}

VITRINE_AVX2 float L1HalfAvx2(const float* q, const uint16_t* x, size_t n) {
  __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
  for (size_t i = 0; i < n; i += 32) {
    a = _mm256_add_ps(AbsDifference(q + i, x + i), a);
    b = _mm256_add_ps(AbsDifference(q + i + 8, x + i + 8), b);
    c = _mm256_add_ps(AbsDifference(q + i + 16, x + i + 16), c);
    d = _mm256_add_ps(AbsDifference(q + i + 24, x + i + 24), d);
  }
  return HorizontalSum(_mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d)));
}

bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") &&
                          __builtin_cpu_supports("fma") && CpuHasF16c();
  return has;
}

}  // namespace

float DotHalfPortable(const float* q, const uint16_t* x, size_t n) {
  float sum[8] = {};
  for (size_t i = 0; i < n; i += 8) {
    for (size_t j = 0; j < 8; ++j) sum[j] += q[i + j] * FloatFromHalf(x[i + j]);
  }
  float total = 0;
  for (float s : sum) total += s;
  return total;
}

float L1HalfPortable(const float* q, const uint16_t* x, size_t n) {
  float sum[8] = {};
  for (size_t i = 0; i < n; i += 8) {
    for (size_t j = 0; j < 8; ++j)
      sum[j] += std::fabs(q[i + j] - FloatFromHalf(x[i + j]));
  }
  float total = 0;
  for (float s : sum) total += s;
  return total;
}

float DotHalf(const float* q, const uint16_t* x, size_t n) {
  return HasAvx2() ? DotHalfAvx2(q, x, n) : DotHalfPortable(q, x, n);
}

float L1Half(const float* q, const uint16_t* x, size_t n) {
  return HasAvx2() ? L1HalfAvx2(q, x, n) : L1HalfPortable(q, x, n);
}

}  // namespace vitrine
