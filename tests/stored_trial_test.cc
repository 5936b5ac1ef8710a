#include "common/model/stored_trial.h"

#include <gtest/gtest.h>

#include "tests/indexer_world.h"
#include "tests/test_util/narrow_embedder.h"

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

class StoredTrialTest : public ::testing::Test {
 protected:
  StoredTrialTest() {
    testing::WriteAll(world_.root() / "narrow.pt", "a second bundle");
    world_.options().index.load_embedder =
        [this](const std::filesystem::path& bundle, const EmbedTrial& trial,
               int) -> absl::StatusOr<std::unique_ptr<Embedder>> {
      const bool is_first = testing::ReadAll(bundle) == testing::kFakeBundle;
      (is_first ? handed_ : handed_to_second_).push_back(trial);
      auto embedder =
          is_first ? LoadFakeEmbedder(bundle) : NarrowEmbedder::Load(bundle);
      if (!embedder.ok()) return embedder.status();
      return std::make_unique<TriedEmbedder>(*std::move(embedder));
    };
    world_.Put("a.jpg", 1);
    EXPECT_TRUE(world_.Once().ok());
  }
  // That the first load knew of no trial, and the others of it.
  static void ExpectTriedOnce(const std::vector<EmbedTrial>& handed,
                              size_t loads) {
    ASSERT_EQ(handed.size(), loads);
    ExpectSame(handed[0], EmbedTrial());
    for (size_t i = 1; i < loads; ++i) ExpectSame(handed[i], kTrial);
  }

  testing::IndexerWorld world_;
  std::vector<EmbedTrial> handed_, handed_to_second_;
};

TEST_F(StoredTrialTest, IsHandedToTheModelWhenAnIndexerStartsAgain) {
  ASSERT_TRUE(world_.Once().ok());
  ExpectTriedOnce(handed_, 2);
}

TEST_F(StoredTrialTest, IsHandedToTheModelWhenAnotherMetricIsAskedFor) {
  world_.options().index.metric = storage::VectorSet::METRIC_MANHATTAN;
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(world_.Newest()->set().metric(),
            storage::VectorSet::METRIC_MANHATTAN);
  ASSERT_GT(handed_.size(), 2u);
  ExpectTriedOnce(handed_, handed_.size());
}

// Which is loaded to begin its vectors, to make them and to serve.
TEST_F(StoredTrialTest, IsHandedToASecondModelOnceItWasTried) {
  world_.options().index.model = world_.root() / "narrow.pt";
  ASSERT_TRUE(world_.Once().ok());
  EXPECT_EQ(world_.Newest()->set().model(), ToHex(Sha256("a second bundle")));
  ExpectTriedOnce(handed_to_second_, 3);
  ExpectTriedOnce(handed_, 2);
}

}  // namespace
}  // namespace vitrine
