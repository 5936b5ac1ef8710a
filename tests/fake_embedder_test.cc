#include "common/model/fake_embedder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/base/hash.h"
#include "tests/test_util.h"
#include "tests/test_util/cosine.h"

namespace vitrine {
namespace {

class FakeEmbedderTest : public ::testing::Test {
 protected:
  FakeEmbedderTest() {
    testing::WriteAll(dir_ / "bundle", "any bytes");
    embedder_ = std::move(LoadFakeEmbedder(dir_ / "bundle")).value();
  }

  // An even picture with a square of another colour in its middle.
  std::vector<uint8_t> Picture(uint8_t r, uint8_t g, uint8_t b,
                               int square) const {
    std::vector<uint8_t> pixels;
    for (int y = 0; y < 32; ++y) {
      for (int x = 0; x < 32; ++x) {
        bool inside = std::abs(x - 16) < square && std::abs(y - 16) < square;
        pixels.insert(pixels.end(),
                      {inside ? r : uint8_t(250), inside ? g : uint8_t(250),
                       inside ? b : uint8_t(250)});
      }
    }
    return pixels;
  }

  std::vector<float> Embed(const std::vector<uint8_t>& pixels) {
    int n = int(pixels.size()) / (32 * 32 * 3);
    std::vector<float> vectors(size_t(n) * embedder_->card().dim());
    EXPECT_TRUE(embedder_->Embed(pixels.data(), n, vectors.data()).ok());
    return vectors;
  }

  testing::TempDir dir_;
  std::unique_ptr<Embedder> embedder_;
};

TEST_F(FakeEmbedderTest, HasACardAndTheBundlesId) {
  const ModelCard& card = embedder_->card();
  EXPECT_EQ(card.id, ToHex(Sha256("any bytes")));
  EXPECT_EQ(card.dim(), 128);
  EXPECT_EQ(embedder_->bundle_path(), dir_ / "bundle");
}

TEST_F(FakeEmbedderTest, TellsShapeAndColourApart) {
  std::vector<float> red = Embed(Picture(200, 20, 20, 8));
  std::vector<float> blue = Embed(Picture(20, 20, 200, 8));
  std::vector<float> large_red = Embed(Picture(200, 20, 20, 14));
  EXPECT_GT(testing::Cosine(&red[0], &blue[0], 64),
            testing::Cosine(&red[0], &large_red[0], 64));
  EXPECT_GT(testing::Cosine(&red[64], &large_red[64], 64),
            testing::Cosine(&large_red[64], &blue[64], 64));
}

TEST_F(FakeEmbedderTest, IsNeverZero) {
  std::vector<float> even = Embed(std::vector<uint8_t>(32 * 32 * 3, 0));
  EXPECT_NEAR(testing::Cosine(&even[0], &even[0], 64), 1, 1e-6);
  EXPECT_NEAR(testing::Cosine(&even[64], &even[64], 64), 1, 1e-6);
}

TEST_F(FakeEmbedderTest, GivesEachPictureOfABatchItsOwnVector) {
  std::vector<uint8_t> a = Picture(200, 20, 20, 8), b = Picture(0, 90, 0, 3);
  std::vector<float> expected = Embed(a), second = Embed(b);
  expected.insert(expected.end(), second.begin(), second.end());
  a.insert(a.end(), b.begin(), b.end());
  EXPECT_EQ(Embed(a), expected);
}

TEST_F(FakeEmbedderTest, NeedsItsFile) {
  EXPECT_EQ(LoadFakeEmbedder(dir_ / "none").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace vitrine
