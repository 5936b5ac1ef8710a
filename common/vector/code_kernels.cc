#include "common/vector/code_kernels.h"

// GCC 12 takes the undefined vectors in its own header for a mistake (bug
// 105593).
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <cstdlib>

namespace vitrine {
namespace {

#define VITRINE_AVX2 __attribute__((target("avx2")))
#define VITRINE_VNNI \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

constexpr size_t kLine = 64;
// Rows are scattered: by the time that one is compared, the lines of the next
// ones are on their way.
constexpr size_t kAhead = 4;

inline const uint8_t* RowAt(const CodeRows& x, size_t i) {
  return x.codes + size_t{x.rows[i]} * x.stride;
}

inline void Prefetch(const CodeRows& x, size_t i, size_t n) {
  if (i >= x.count) return;
  const uint8_t* row = RowAt(x, i);
  for (size_t byte = 0; byte < n; byte += kLine) __builtin_prefetch(row + byte);
}

void DotPortable(const int8_t* q, size_t n, const CodeRows& x, int32_t* out) {
  for (size_t i = 0; i < x.count; ++i) {
    const uint8_t* row = RowAt(x, i);
    int32_t sum = 0;
    for (size_t j = 0; j < n; ++j) sum += int32_t{q[j]} * row[j];
    out[i] = sum;
  }
}

void L1Portable(const uint8_t* q, size_t n, const CodeRows& x, int32_t* out) {
  for (size_t i = 0; i < x.count; ++i) {
    const uint8_t* row = RowAt(x, i);
    int32_t sum = 0;
    for (size_t j = 0; j < n; ++j) sum += std::abs(int32_t{q[j]} - row[j]);
    out[i] = sum;
  }
}

VITRINE_AVX2 inline int32_t Sum(__m256i v) {
  __m128i sum =
      _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0b01001110));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0b10110001));
  return _mm_cvtsi128_si32(sum);
}

// The numbers of 16 codes.
VITRINE_AVX2 inline __m256i Widened(const uint8_t* codes) {
  return _mm256_cvtepu8_epi16(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
}
VITRINE_AVX2 inline __m256i Widened(const int8_t* query) {
  return _mm256_cvtepi8_epi16(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(query)));
}
VITRINE_AVX2 inline __m256i Load32(const uint8_t* codes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
}

// Row by row; `step` adds what 32 codes of a row come to.
template <typename Query, typename Step>
VITRINE_AVX2 inline __attribute__((always_inline)) void OneByOne(
    const Query* q, size_t n, const CodeRows& x, int32_t* out,
    const Step& step) {
  for (size_t i = 0; i < std::min(kAhead, x.count); ++i) Prefetch(x, i, n);
  for (size_t i = 0; i < x.count; ++i) {
    Prefetch(x, i + kAhead, n);
    const uint8_t* row = RowAt(x, i);
    __m256i sum = _mm256_setzero_si256();
    for (size_t j = 0; j < n; j += 32) sum = step(sum, q + j, row + j);
    out[i] = Sum(sum);
  }
}

// maddubs would saturate: products of whole bytes are added as 32 bits.
struct DotStepAvx2 {
  VITRINE_AVX2 __m256i operator()(__m256i sum, const int8_t* query,
                                  const uint8_t* codes) const {
    const __m256i low = _mm256_madd_epi16(Widened(query), Widened(codes));
    const __m256i high =
        _mm256_madd_epi16(Widened(query + 16), Widened(codes + 16));
    return _mm256_add_epi32(sum, _mm256_add_epi32(low, high));
  }
};
// The sums are of 64 bits, and small: their lower halves are they.
struct L1StepAvx2 {
  VITRINE_AVX2 __m256i operator()(__m256i sum, const uint8_t* query,
                                  const uint8_t* codes) const {
    return _mm256_add_epi32(sum, _mm256_sad_epu8(Load32(query), Load32(codes)));
  }
};

VITRINE_AVX2 void DotAvx2(const int8_t* q, size_t n, const CodeRows& x,
                          int32_t* out) {
  OneByOne(q, n, x, out, DotStepAvx2());
}
VITRINE_AVX2 void L1Avx2(const uint8_t* q, size_t n, const CodeRows& x,
                         int32_t* out) {
  OneByOne(q, n, x, out, L1StepAvx2());
}

VITRINE_VNNI inline __m512i Load(const void* from) {
  return _mm512_loadu_si512(from);
}

VITRINE_VNNI inline __m256i Halved(__m512i v) {
  return _mm256_add_epi32(_mm512_castsi512_si256(v),
                          _mm512_extracti64x4_epi64(v, 1));
}

// Four sums at once.
VITRINE_VNNI inline __m128i Sums(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m256i ab = _mm256_hadd_epi32(Halved(a), Halved(b));
  const __m256i cd = _mm256_hadd_epi32(Halved(c), Halved(d));
  const __m256i abcd = _mm256_hadd_epi32(ab, cd);
  return _mm_add_epi32(_mm256_castsi256_si128(abcd),
                       _mm256_extracti128_si256(abcd, 1));
}

// Rows by fours, which share the loads of the query; `step` adds what 64 codes
// of a row come to.
template <typename Query, typename Step>
VITRINE_VNNI inline __attribute__((always_inline)) void ByFours(
    const Query* q, size_t n, const CodeRows& x, int32_t* out,
    const Step& step) {
  for (size_t i = 0; i < std::min(kAhead, x.count); ++i) Prefetch(x, i, n);
  size_t i = 0;
  for (; i + 4 <= x.count; i += 4) {
    for (size_t next = 0; next < 4; ++next) Prefetch(x, i + kAhead + next, n);
    const uint8_t* rows[4] = {RowAt(x, i), RowAt(x, i + 1), RowAt(x, i + 2),
                              RowAt(x, i + 3)};
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (size_t j = 0; j < n; j += 64) {
      const __m512i query = Load(q + j);
      a = step(a, query, Load(rows[0] + j));
      b = step(b, query, Load(rows[1] + j));
      c = step(c, query, Load(rows[2] + j));
      d = step(d, query, Load(rows[3] + j));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), Sums(a, b, c, d));
  }
  for (; i < x.count; ++i) {
    const uint8_t* row = RowAt(x, i);
    __m512i a = _mm512_setzero_si512();
    for (size_t j = 0; j < n; j += 64) a = step(a, Load(q + j), Load(row + j));
    out[i] = _mm512_reduce_add_epi32(a);
  }
}

struct DotStep {
  VITRINE_VNNI __m512i operator()(__m512i sum, __m512i query,
                                  __m512i codes) const {
    return _mm512_dpbusd_epi32(sum, codes, query);
  }
};
struct L1Step {
  VITRINE_VNNI __m512i operator()(__m512i sum, __m512i query,
                                  __m512i codes) const {
    return _mm512_add_epi32(sum, _mm512_sad_epu8(query, codes));
  }
};

VITRINE_VNNI void DotVnni(const int8_t* q, size_t n, const CodeRows& x,
                          int32_t* out) {
  ByFours(q, n, x, out, DotStep());
}
VITRINE_VNNI void L1Vnni(const uint8_t* q, size_t n, const CodeRows& x,
                         int32_t* out) {
  ByFours(q, n, x, out, L1Step());
}

bool HasVnni() {
  return __builtin_cpu_supports("avx512vnni") &&
         __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}
bool HasAvx2() { return __builtin_cpu_supports("avx2"); }
bool Always() { return true; }

constexpr CodeKernels kKernels[] = {
    {"avx512vnni", HasVnni, DotVnni, L1Vnni},
    {"avx2", HasAvx2, DotAvx2, L1Avx2},
    {"portable", Always, DotPortable, L1Portable},
};

const CodeKernels& Best() {
  static const CodeKernels& best =
      *std::find_if(std::begin(kKernels), std::end(kKernels),
                    [](const CodeKernels& one) { return one.supported(); });
  return best;
}

}  // namespace

std::span<const CodeKernels> AllCodeKernels() { return kKernels; }

void DotCodes(const int8_t* q, size_t n, const CodeRows& x, int32_t* out) {
  Best().dot(q, n, x, out);
}

void L1Codes(const uint8_t* q, size_t n, const CodeRows& x, int32_t* out) {
  Best().l1(q, n, x, out);
}

}  // namespace vitrine
