#include "clients/eval/extractor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "common/model/fake_embedder.h"
#include "tests/test_util.h"

namespace vitrine::eval {
namespace {

using ::testing::ElementsAre;

std::unique_ptr<Embedder> FakeEmbedder() {
  auto embedder = LoadFakeEmbedder(testing::SourceDir() / "LICENSE");
  EXPECT_TRUE(embedder.ok()) << embedder.status();
  return embedder.ok() ? *std::move(embedder) : nullptr;
}

std::vector<uint8_t> Plain(int size, uint8_t value) {
  return std::vector<uint8_t>(static_cast<size_t>(size) * size * 3, value);
}

TEST(EmbedAll, GivesEachPictureTheVectorThatItHasAlone) {
  const auto embedder = FakeEmbedder();
  const int size = embedder->card().input_size;
  const auto pixels = [&](int i) -> absl::StatusOr<std::vector<uint8_t>> {
    return Plain(size, static_cast<uint8_t>(40 * i));
  };
  const auto all = EmbedAll(*embedder, 5, 2, pixels, nullptr);
  ASSERT_TRUE(all.ok()) << all.status();
  const int dim = all->dim();
  for (int i = 0; i < 5; ++i) {
    std::vector<float> alone(dim);
    ASSERT_TRUE(embedder->Embed(pixels(i)->data(), 1, alone.data()).ok());
    for (int j = 0; j < dim; ++j) {
      ASSERT_FLOAT_EQ(all->raw[i * dim + j], alone[j]) << i << " " << j;
    }
  }
}

TEST(EmbedAll, PassesOverPicturesThatCannotBeRead) {
  const auto embedder = FakeEmbedder();
  const int size = embedder->card().input_size;
  const auto all = EmbedAll(
      *embedder, 3, 2,
      [&](int i) -> absl::StatusOr<std::vector<uint8_t>> {
        if (i == 1) return absl::InvalidArgumentError("cut off");
        return Plain(size, 90);
      },
      nullptr);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(all->usable, ElementsAre(true, false, true));
}

TEST(BlockChoices, AreAllAndEachAlone) {
  const auto choices =
      BlockChoices({{"shape", 64, 0.8F}, {"colour", 128, 0.2F}});
  ASSERT_EQ(choices.size(), 3u);
  EXPECT_EQ(choices[0].name, "all");
  EXPECT_EQ(choices[2].name, "colour");
  EXPECT_EQ(choices[2].first, 64);
  EXPECT_EQ(choices[2].blocks[0].weight, 1);
  EXPECT_EQ(BlockChoices({{"shape", 64, 1}}).size(), 1u);
}

// Two blocks of two numbers: (3, 4) of length 5, (0, 2) of length 2.
TEST(Scaled, ScalesEachBlockByItsWeight) {
  Vectors vectors;
  vectors.blocks = {{"shape", 2, 0.64F}, {"colour", 2, 0.36F}};
  vectors.raw = {3, 4, 0, 2};
  vectors.usable = {true};
  const auto choices = BlockChoices(vectors.blocks);
  const std::vector<float> unit = Scaled(vectors, choices[0], Normalise::kUnit);
  // Rounded to half precision, as in an index.
  const double expected[] = {0.6 * 0.8, 0.8 * 0.8, 0, 0.6};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(unit[i], expected[i], 5e-4);
  EXPECT_THAT(Scaled(vectors, choices[0], Normalise::kRaw),
              ElementsAre(3, 4, 0, 2));
  EXPECT_THAT(Scaled(vectors, choices[2], Normalise::kUnit), ElementsAre(0, 1));
  EXPECT_THAT(Scaled(vectors, choices[1], Normalise::kRaw), ElementsAre(3, 4));
}

}  // namespace
}  // namespace vitrine::eval
