#include "common/model/stored_trial.h"

#include <gtest/gtest.h>

#include "tests/indexer_world.h"

namespace vitrine {
namespace {

const EmbedTrial kTrial = {EmbedVariant::kOptimized, {1, 0.5f, -2}, "a Zen 4"};

void ExpectSame(const EmbedTrial& trial, const EmbedTrial& as) {
  EXPECT_EQ(trial.variant, as.variant);
  EXPECT_EQ(trial.vector, as.vector);
  EXPECT_EQ(trial.machine, as.machine);
}

TEST(StoredTrial, ComesBackAsItWas) {
  storage::VectorSet set;
  StoreTrial(kTrial, &set);
  ExpectSame(TrialOf(set), kTrial);
}

TEST(StoredTrial, IsNoneInASetThatHasNone) {
  ExpectSame(TrialOf(storage::VectorSet()), EmbedTrial());
}

// The fake, and what a trial has shown of it.
class TriedEmbedder : public Embedder {
 public:
  explicit TriedEmbedder(std::unique_ptr<Embedder> embedder)
      : embedder_(std::move(embedder)) {}
  const ModelCard& card() const override { return embedder_->card(); }
  const std::filesystem::path& bundle_path() const override {
    return embedder_->bundle_path();
  }
  absl::Status Embed(const uint8_t* pixels, int n, float* out) override {
    return embedder_->Embed(pixels, n, out);
  }
  EmbedTrial trial() const override { return kTrial; }

 private:
  const std::unique_ptr<Embedder> embedder_;
};

TEST(StoredTrial, IsHandedToTheModelWhenAnIndexerStartsAgain) {
  testing::IndexerWorld world;
  std::vector<EmbedTrial> handed;
  world.options().index.load_embedder =
      [&handed](const std::filesystem::path& bundle, const EmbedTrial& trial,
                int) -> absl::StatusOr<std::unique_ptr<Embedder>> {
    handed.push_back(trial);
    auto embedder = LoadFakeEmbedder(bundle);
    if (!embedder.ok()) return embedder.status();
    return std::make_unique<TriedEmbedder>(*std::move(embedder));
  };
  world.Put("a.jpg", 1);
  ASSERT_TRUE(world.Once().ok());
  ASSERT_TRUE(world.Once().ok());
  ASSERT_EQ(handed.size(), 2u);
  ExpectSame(handed[0], EmbedTrial());
  ExpectSame(handed[1], kTrial);
}

}  // namespace
}  // namespace vitrine
