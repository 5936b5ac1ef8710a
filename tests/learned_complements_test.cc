#include "server/learned_complements.h"

#include <gmock/gmock.h>

#include "common/base/hash.h"
#include "tests/recommend_fixture.h"
#include "tests/test_util/complements_file.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::ElementsAre;

class LearnedComplementsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    v1::Complements file = ComplementsOfModel(std::string(64, 'a'));
    AddProjection(&file, "Shirt", "top", "shoes", 0, 1);
    AddProjection(&file, "", "top", "shoes", 0, 2);
    AddProjection(&file, "", "", "shoes", 0, 3);
    // It makes nothing of a product without the number that it reads.
    AddProjection(&file, "", "top", "bag", 5, 1);
    AddProjection(&file, "", "", "bag", 0, 4);
    ASSERT_OK_AND_ASSIGN(complements_,
                         Complements::Parse(ComplementsFileOf(file), "a"));
    vector_[0] = 1;
    vector_[128] = 1;
    NormaliseBlocks(TestBlocks(), vector_.data());
  }
  // What it looks for first, and by what; -1 where by the rule.
  std::pair<int, v1::ComplementBasis> Learn(std::string_view category,
                                            std::string_view slot,
                                            std::string_view to_slot) {
    const auto learned =
        LearnComplements(complements_.get(), category, slot, to_slot, vector_);
    if (!learned) return {-1, v1::COMPLEMENT_BASIS_RULE};
    const auto& found = learned->query.vector;
    return {
        static_cast<int>(std::max_element(found.begin(), found.begin() + 128) -
                         found.begin()),
        learned->basis};
  }

  std::vector<float> vector_ = std::vector<float>(192);
  std::shared_ptr<const Complements> complements_;
};

TEST_F(LearnedComplementsTest, GoesByTheCategoryThenTheSlotThenAll) {
  using ::testing::Pair;
  EXPECT_THAT(Learn("Shirt", "top", "shoes"),
              Pair(1, v1::COMPLEMENT_BASIS_LEARNED_CATEGORY));
  EXPECT_THAT(Learn("Blouse", "top", "shoes"),
              Pair(2, v1::COMPLEMENT_BASIS_LEARNED_SLOT));
  EXPECT_THAT(Learn("", "top", "shoes"),
              Pair(2, v1::COMPLEMENT_BASIS_LEARNED_SLOT));
  EXPECT_THAT(Learn("Hat", "headwear", "shoes"),
              Pair(3, v1::COMPLEMENT_BASIS_LEARNED_ANY));
  EXPECT_THAT(Learn("", "", "shoes"),
              Pair(3, v1::COMPLEMENT_BASIS_LEARNED_ANY));
  EXPECT_THAT(Learn("Shirt", "top", "headwear"),
              Pair(-1, v1::COMPLEMENT_BASIS_RULE));
}

TEST_F(LearnedComplementsTest, PassesOverAProjectionThatSaysNothing) {
  EXPECT_THAT(Learn("Shirt", "top", "bag"),
              ::testing::Pair(4, v1::COMPLEMENT_BASIS_LEARNED_ANY));
}

TEST_F(LearnedComplementsTest, HasNothingWithoutAFile) {
  EXPECT_FALSE(LearnComplements(nullptr, "Shirt", "top", "shoes", vector_));
}

class LearnedRecommendTest : public RecommendTest {
 protected:
  static v1::ComplementBasis BasisOf(const v1::RecommendResponse& response,
                                     const std::string& name) {
    for (const auto& slot : response.complements()) {
      if (slot.slot() == name) return slot.basis();
    }
    return v1::COMPLEMENT_BASIS_UNSPECIFIED;
  }
  void SetUp() override {
    RecommendTest::SetUp();
    // Shoes of colour 2 go with shirts of colour 1, and bags of colour 0 with
    // all of it.
    v1::Complements file = ComplementsOfModel(index_.model());
    AddProjection(&file, "Shirt", "top", "shoes", 128 + 1, 128 + 2);
    AddProjection(&file, "", "", "bag", 128 + 1, 128 + 0);
    bytes_ = ComplementsFileOf(file);
    ASSERT_OK(index_.builder().PutComplements(bytes_));
    ASSERT_OK(index_.Add({}));
    serving_ = index_.Open();
  }

  std::string bytes_;
};

TEST_F(LearnedRecommendTest, GoesByWhatWasLearnedAndElseByTheRule) {
  v1::RecommendRequest request = For("Shirt0-1");
  const v1::RecommendResponse response = Recommend(request);
  EXPECT_EQ(response.learned_complements(), ToHex(Sha256(bytes_)));
  ASSERT_THAT(Slots(response),
              ElementsAre("layer", "bottom", "shoes", "headwear", "bag"));
  for (const std::string& id : InSlot(response, "shoes"))
    EXPECT_TRUE(id.ends_with("-2")) << id;
  for (const std::string& id : InSlot(response, "bag"))
    EXPECT_TRUE(id.ends_with("-0")) << id;
  for (const std::string& id : InSlot(response, "bottom"))
    EXPECT_TRUE(id.ends_with("-1")) << id;
  EXPECT_EQ(BasisOf(response, "shoes"), v1::COMPLEMENT_BASIS_LEARNED_CATEGORY);
  EXPECT_EQ(BasisOf(response, "bag"), v1::COMPLEMENT_BASIS_LEARNED_ANY);
  EXPECT_EQ(BasisOf(response, "bottom"), v1::COMPLEMENT_BASIS_RULE);

  request.set_by_rule(true);
  const v1::RecommendResponse by_rule = Recommend(request);
  EXPECT_EQ(BasisOf(by_rule, "shoes"), v1::COMPLEMENT_BASIS_RULE);
  for (const std::string& id : InSlot(by_rule, "shoes"))
    EXPECT_TRUE(id.ends_with("-1")) << id;
}

TEST_F(LearnedRecommendTest, IsToldTheSlotOfAVectorThatTellsNoCategory) {
  v1::RecommendRequest request;
  const std::vector<float> vector = Look(1, 1);
  request.mutable_product()->mutable_vector()->mutable_values()->Assign(
      vector.begin(), vector.end());
  request.set_k_similar(0);
  request.add_slots("shoes");
  EXPECT_EQ(BasisOf(Recommend(request), "shoes"), v1::COMPLEMENT_BASIS_RULE);
  request.set_learned_from_category("Shirt");
  request.set_learned_from_slot("top");
  EXPECT_EQ(BasisOf(Recommend(request), "shoes"),
            v1::COMPLEMENT_BASIS_LEARNED_CATEGORY);
}

TEST_F(LearnedRecommendTest, IsNeverServedWithAnotherModel) {
  index_.UseModel("another bundle");
  ASSERT_OK(index_.Add({}));
  std::string degraded;
  ASSERT_OK_AND_ASSIGN(
      const auto snapshot,
      Snapshot::OpenNewest(index_.paths(), nullptr, &degraded));
  EXPECT_EQ(snapshot->generation(), 2u);
  EXPECT_THAT(degraded, ::testing::HasSubstr("fitted to the vectors of model"));
}

}  // namespace
}  // namespace vitrine
