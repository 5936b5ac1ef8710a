// Recommendations over partitions are those of one index of the same products.
#include "server/fan_out_recommend.h"

#include <gmock/gmock.h>

#include <iostream>
#include <thread>

#include "server/boosts.h"
#include "tests/test_util/complements_file.h"
#include "tests/test_util/environment.h"
#include "tests/test_util/partitioned_index.h"

namespace vitrine {
namespace {

// An answer as text, but for what differs between one index and several.
std::string Comparable(v1::RecommendResponse response) {
  response.clear_generation();
  response.clear_timings();
  // Partitions that were not asked for complements tell of none.
  if (response.complements().empty()) response.clear_learned_complements();
  response.set_category_confidence(
      std::round(response.category_confidence() * 1e4f) / 1e4f);
  RoundHits(response.mutable_similar());
  for (v1::SlotRecommendation& slot : *response.mutable_complements())
    RoundHits(slot.mutable_hits());
  return response.DebugString();
}

class FanOutRecommendTest : public ::testing::Test {
 protected:
  int Draw(int n) { return served_.Draw(n); }

  void DrawBoosts(BoostList* boosts) {
    for (int i = 1 + Draw(2); i > 0; --i) {
      v1::Boost* boost = boosts->Add();
      *boost->mutable_filter() = served_.index.drawer().DrawFilter(2);
      boost->set_factor(0.25f * static_cast<float>(1 + Draw(12)));
    }
  }

  v1::RecommendRequest DrawRequest() {
    v1::RecommendRequest request;
    const DrawnProduct& product = served_.DrawProduct();
    switch (Draw(3)) {
      case 0:
        request.set_product_id(product.id);
        break;
      case 1:
        request.mutable_image()->set_content(
            DrawPicture(Draw(5), Draw(256), Draw(256), Draw(256)));
        break;
      default: {
        v1::ProductExample* example = request.mutable_product();
        const auto vector = DrawVector(Draw(8), &served_.index.random());
        example->mutable_vector()->mutable_values()->Assign(vector.begin(),
                                                            vector.end());
        if (Draw(2) == 0) example->set_category(product.record.category());
        if (Draw(2) == 0) example->set_category("elsewhere's");
        if (Draw(2) == 0)
          (*example->mutable_attributes())["Gender"].set_text("women");
        if (Draw(2) == 0)
          (*example->mutable_attributes())["Colour"].set_text("orange/black");
        // A picture that the catalogue has under this product.
        const Row& row = product.rows[0];
        example->add_content_sha256s(
            std::string(row.sha256.begin(), row.sha256.end()));
        if (Draw(2) == 0) example->set_product_id(product.id);
      }
    }
    if (Draw(4) == 0) request.set_category("dresses");
    if (Draw(8) == 0) request.set_category("nobody's");
    if (Draw(2) == 0) request.set_k_similar(Draw(30));
    if (Draw(2) == 0) request.set_k_per_slot(Draw(6));
    if (Draw(4) == 0) request.add_exclude_product_ids(served_.DrawProduct().id);
    if (Draw(4) == 0) request.set_min_confidence(0.1f * Draw(10));
    if (Draw(4) == 0)
      *request.mutable_filter() = served_.index.drawer().DrawFilter(2);
    if (Draw(3) == 0) request.add_slots("shoes");
    if (Draw(3) == 0) DrawBoosts(request.mutable_boosts());
    if (Draw(4) == 0) {
      v1::Diversity* limit = request.add_diversity();
      limit->set_attribute(
          std::vector<std::string>{"colour", "tags", "nobody's"}[Draw(12) % 3]);
      limit->set_limit(Draw(3));
    }
    request.mutable_fields()->set_omit_attributes(Draw(2) == 0);
    return request;
  }

  // Asks the one index and the partitions the same; counts slots of the one
  // that were filled by what was learned.
  void CompareManyAnswers(int* learned);

  // Gives an index learned complements, and waits for its servers.
  void Learn(ServingIndex* index, float strength) {
    v1::Complements file = ComplementsOfModel(index->model());
    for (const std::string to : {"bottom", "shoes", "top"}) {
      AddProjection(&file, "", "", to, 3, 130);
      AddProjection(&file, "", to == "top" ? "shoes" : "top", to, 1, 140);
      AddProjection(&file, "Dress", "one-piece", to, 2, 150);
    }
    for (v1::Projection& one : *file.mutable_projections())
      one.set_bias(7, strength);
    ASSERT_OK(index->builder().PutComplements(ComplementsFileOf(file)));
    ASSERT_OK(index->builder().Publish());
  }
  void AwaitGeneration(const TestServer& server, uint64_t generation) {
    while (true) {
      const v1::DescribeIndexResponse described = server.Describe();
      bool there = described.partitions().empty() &&
                   described.generation() >= generation;
      if (!described.partitions().empty()) {
        there = true;
        for (const auto& partition : described.partitions())
          there = there && partition.generation() >= generation;
      }
      if (there) return;
      std::this_thread::yield();
    }
  }

  const uint32_t seed_ =
      static_cast<uint32_t>(testing::NumberFromEnvironment("VITRINE_SEED", 11));
  ServedPartitions served_{240, seed_};
};

void FanOutRecommendTest::CompareManyAnswers(int* learned) {
  std::cout << "seed " << seed_ << " (VITRINE_SEED)\n";
  int similar = 0, complements = 0, harmonies = 0, boosted = 0;
  for (int i = 0; i < 200; ++i) {
    const v1::RecommendRequest request = DrawRequest();
    v1::RecommendResponse right, answer;
    const grpc::Status expected = served_.one.Recommend(request, &right);
    for (const TestServer* server :
         {&served_.by_folders, &served_.by_backends}) {
      const grpc::Status status = server->Recommend(request, &answer);
      ASSERT_EQ(status.error_code(), expected.error_code())
          << status.error_message() << "\nfor " << request.ShortDebugString();
      ASSERT_EQ(status.error_message(), expected.error_message());
      if (!status.ok()) continue;
      ASSERT_EQ(Comparable(answer), Comparable(right))
          << "request " << i << ": " << request.ShortDebugString();
    }
    for (const v1::Hit& hit : right.similar()) boosted += hit.has_boost();
    for (const v1::SlotRecommendation& slot : right.complements()) {
      for (const v1::Hit& hit : slot.hits())
        harmonies += hit.has_colour_harmony();
    }
    similar += right.similar_size();
    complements += right.complements_size();
    for (const v1::SlotRecommendation& slot : right.complements())
      *learned += slot.basis() > v1::COMPLEMENT_BASIS_RULE;
  }
  EXPECT_GT(similar, 500);
  EXPECT_GT(complements, 50);
  EXPECT_GT(harmonies + *learned, 50);
  EXPECT_GT(boosted, 50);
}

TEST_F(FanOutRecommendTest, AnswersAsOneIndexOfTheSameProducts) {
  int learned = 0;
  CompareManyAnswers(&learned);
  EXPECT_EQ(learned, 0);
}

TEST_F(FanOutRecommendTest, GoesByWhatAllPartitionsHaveLearned) {
  Learn(&served_.index.whole(), 0.1f);
  for (size_t i = 0; i < served_.index.parts(); ++i)
    Learn(&served_.index.part(i), 0.1f);
  for (const TestServer* server :
       {&served_.one, &served_.by_folders, &served_.by_backends})
    AwaitGeneration(*server, 2);
  int learned = 0;
  CompareManyAnswers(&learned);
  EXPECT_GT(learned, 30);
}

TEST_F(FanOutRecommendTest,
       GoesByTheRuleWherePartitionsHaveLearnedDifferently) {
  for (size_t i = 1; i < served_.index.parts(); ++i)
    Learn(&served_.index.part(i), i == 1 ? 0.1f : 0.2f);
  for (const auto* server : {&served_.by_folders, &served_.by_backends}) {
    while (true) {
      const v1::DescribeIndexResponse described = server->Describe();
      if (described.partitions_size() == 3 &&
          described.partitions(1).generation() == 2 &&
          described.partitions(2).generation() == 2)
        break;
      std::this_thread::yield();
    }
  }
  int learned = 0;
  CompareManyAnswers(&learned);
  EXPECT_EQ(learned, 0);
}

}  // namespace
}  // namespace vitrine
