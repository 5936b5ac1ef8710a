#include "common/vector/codes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "common/vector/half.h"
#include "tests/test_util/graphs.h"
#include "tests/test_util/vectors.h"

namespace vitrine {
namespace {

constexpr size_t kDim = 192;
constexpr size_t kRows = 500;

class CodesTest : public testing::Test {
 protected:
  CodesTest() {
    for (size_t i = 0; i < kRows; ++i) {
      const std::vector<uint16_t> row =
          ToHalves(DrawVector(static_cast<int>(i) % 20, &random_));
      vectors_.insert(vectors_.end(), row.begin(), row.end());
    }
    EncodedRows coded = EncodeRows(TestBlocks(), vectors_);
    ranges_ = coded.ranges;
    codes_ = std::move(coded.bytes);
    rows_.resize(kRows);
    std::iota(rows_.begin(), rows_.end(), 0);
  }

  CodeRows All() const { return {codes_.data(), kDim, rows_.data(), kRows}; }
  float At(size_t row, size_t i) const {
    return FloatFromHalf(vectors_[row * kDim + i]);
  }

  std::mt19937 random_{5};
  std::vector<uint16_t> vectors_;
  std::vector<float> ranges_;
  std::vector<uint8_t> codes_;
  std::vector<uint32_t> rows_;
};

TEST_F(CodesTest, ARangeIsTheLargestNumberOfABlock) {
  ASSERT_EQ(ranges_.size(), 2u);
  std::vector<float> largest(2);
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t i = 0; i < kDim; ++i) {
      float& of_block = largest[i < 128 ? 0 : 1];
      of_block = std::max(of_block, std::fabs(At(row, i)));
    }
  }
  EXPECT_EQ(ranges_, largest);
  const std::vector<uint16_t> nothing(kDim, 0);
  EXPECT_EQ(EncodeRows(TestBlocks(), nothing).ranges,
            (std::vector{1.0f, 1.0f}));
}

// Pictures of one flat colour: two numbers hold all of the length, and are as
// rare as what a range might be tempted to cut off.
TEST_F(CodesTest, RowsOfAFewLargeNumbersAreToldApart) {
  constexpr size_t kFlat = 20;
  for (size_t flat = 0; flat < kFlat; ++flat) {
    std::vector<float> row(kDim, 0.001f);
    row[128] = 1;
    row[129] = 0.1f * static_cast<float>(flat);
    NormaliseBlocks(TestBlocks(), row.data());
    HalvesFromFloats(row.data(), kDim, vectors_.data() + flat * kDim);
  }
  const EncodedRows coded = EncodeRows(TestBlocks(), vectors_);
  std::vector<float> got(kRows);
  for (size_t flat = 0; flat < kFlat; ++flat) {
    std::vector<float> query(kDim);
    FloatsFromHalves(vectors_.data() + flat * kDim, kDim, query.data());
    const DotCodeQuery estimate(TestBlocks(), coded.ranges, query);
    estimate.Estimate({coded.codes.data(), kDim, rows_.data(), kRows},
                      got.data());
    const float best = *std::max_element(got.begin(), got.end());
    EXPECT_LE(best - got[flat], 7 * estimate.error());
  }
}

TEST_F(CodesTest, ACodeLiesWithinHalfAStepOfItsNumber) {
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t i = 0; i < kDim; ++i) {
      const float step = ranges_[i < 128 ? 0 : 1] / 127;
      const float coded =
          static_cast<float>(codes_[row * kDim + i] - 128) * step;
      const float most = 127 * step;
      EXPECT_NEAR(coded, std::clamp(At(row, i), -most, most), 0.501f * step);
    }
  }
}

// The errors of rounding are independent: for a query of unit length they add
// up to about a step of the query's and one of the rows' codes.
TEST_F(CodesTest, EstimatesLieNearTheDotProducts) {
  for (const std::vector<float>& emphasis :
       {std::vector{1.0f, 1.0f}, {0.0f, 5.0f}, {1.0f, 0.1f}}) {
    std::vector<float> query = DrawVector(3, &random_);
    for (size_t i = 0; i < kDim; ++i) query[i] *= emphasis[i < 128 ? 0 : 1];
    std::vector<float> got(kRows);
    const DotCodeQuery coded(TestBlocks(), ranges_, query);
    coded.Estimate(All(), got.data());
    const float length = std::sqrt(
        std::inner_product(query.begin(), query.end(), query.begin(), 0.0f));
    double squares = 0;
    for (size_t row = 0; row < kRows; ++row) {
      double dot = 0;
      for (size_t i = 0; i < kDim; ++i) dot += query[i] * At(row, i);
      squares += (got[row] - dot) * (got[row] - dot);
      EXPECT_NEAR(got[row], dot, 0.012 * length);
    }
    const double error = std::sqrt(squares / kRows);
    EXPECT_LT(error, 0.003 * length);
    // Numbers without emphasis are 0 and err by nothing.
    EXPECT_LT(error, 1.1 * coded.error());
    EXPECT_GT(error, 0.6 * coded.error());
  }
}

TEST_F(CodesTest, EstimatesLieNearTheManhattanDistances) {
  const std::vector<float> query = DrawVector(3, &random_);
  const std::vector<float> scales = {1.5f, 0.25f};
  std::vector<float> got(kRows);
  const L1CodeQuery coded(TestBlocks(), ranges_, query, scales);
  coded.Estimate(All(), got.data());
  double squares = 0;
  for (size_t row = 0; row < kRows; ++row) {
    double sum = 0;
    for (size_t i = 0; i < kDim; ++i) {
      sum += scales[i < 128 ? 0 : 1] * std::fabs(query[i] - At(row, i));
    }
    EXPECT_NEAR(got[row], sum, 0.02 * sum);
    squares += (got[row] - sum) * (got[row] - sum);
  }
  EXPECT_NEAR(std::sqrt(squares / kRows), coded.error(), 0.25 * coded.error());
}

TEST_F(CodesTest, SomeRowsAreEstimatedAsAllAre) {
  const DotCodeQuery query(TestBlocks(), ranges_, DrawVector(3, &random_));
  std::vector<float> all(kRows);
  query.Estimate(All(), all.data());
  const std::vector<uint32_t> some = {499, 3, 3, 77, 0};
  std::vector<float> got(some.size());
  query.Estimate({codes_.data(), kDim, some.data(), some.size()}, got.data());
  for (size_t i = 0; i < some.size(); ++i) EXPECT_EQ(got[i], all[some[i]]);
}

}  // namespace
}  // namespace vitrine
