#include "common/vector/code_kernels.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <vector>

namespace vitrine {
namespace {

class CodeKernelsTest : public testing::TestWithParam<size_t> {};

// Random codes, rows in any order and any number of them, so that fours and
// what is left of them both occur; and the extremes, where 16 bits overflow.
TEST_P(CodeKernelsTest, GiveTheSumInWholeNumbers) {
  const size_t n = GetParam();
  constexpr size_t kRows = 37;
  const size_t stride = n + 64;
  std::mt19937 random(3);
  std::vector<uint8_t> codes(kRows * stride);
  for (uint8_t& code : codes) code = static_cast<uint8_t>(random());
  for (size_t i = 0; i < n; ++i) codes[i] = 255;
  std::vector<int8_t> dot_query(n);
  std::vector<uint8_t> l1_query(n);
  for (size_t i = 0; i < n; ++i) {
    dot_query[i] = static_cast<int8_t>(random() % 255 - 127);
    l1_query[i] = static_cast<uint8_t>(random());
  }
  for (const bool extreme : {false, true}) {
    if (extreme) {
      std::fill(dot_query.begin(), dot_query.end(), int8_t{-127});
      std::fill(l1_query.begin(), l1_query.end(), uint8_t{0});
    }
    for (size_t count = 0; count <= 11; ++count) {
      std::vector<uint32_t> rows;
      while (rows.size() < count) {
        rows.push_back(rows.empty() ? 0 : random() % kRows);
      }
      const CodeRows x = {codes.data(), stride, rows.data(), count};
      std::vector<int32_t> dots(count), l1s(count);
      for (size_t i = 0; i < count; ++i) {
        for (size_t j = 0; j < n; ++j) {
          const int code = codes[rows[i] * stride + j];
          dots[i] += dot_query[j] * code;
          l1s[i] += std::abs(l1_query[j] - code);
        }
      }
      for (const CodeKernels& kernels : AllCodeKernels()) {
        if (!kernels.supported()) continue;
        std::vector<int32_t> got(count);
        kernels.dot(dot_query.data(), n, x, got.data());
        EXPECT_EQ(got, dots) << kernels.name;
        kernels.l1(l1_query.data(), n, x, got.data());
        EXPECT_EQ(got, l1s) << kernels.name;
      }
      std::vector<int32_t> got(count);
      DotCodes(dot_query.data(), n, x, got.data());
      EXPECT_EQ(got, dots);
      L1Codes(l1_query.data(), n, x, got.data());
      EXPECT_EQ(got, l1s);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, CodeKernelsTest,
                         testing::Values(64, 128, 192, 512, 4096));

}  // namespace
}  // namespace vitrine
