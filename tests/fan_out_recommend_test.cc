// Recommendations over partitions are those of one index of the same products.
#include "server/fan_out_recommend.h"

#include <gmock/gmock.h>

#include <iostream>

#include "tests/test_util/environment.h"
#include "tests/test_util/partitioned_index.h"

namespace vitrine {
namespace {

// An answer as text, but for what differs between one index and several.
std::string Comparable(v1::RecommendResponse response) {
  response.clear_generation();
  response.clear_timings();
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
    request.mutable_fields()->set_omit_attributes(Draw(2) == 0);
    return request;
  }

  const uint32_t seed_ =
      static_cast<uint32_t>(testing::NumberFromEnvironment("VITRINE_SEED", 11));
  ServedPartitions served_{240, seed_};
};

TEST_F(FanOutRecommendTest, AnswersAsOneIndexOfTheSameProducts) {
  std::cout << "seed " << seed_ << " (VITRINE_SEED)\n";
  int similar = 0, complements = 0;
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
    similar += right.similar_size();
    complements += right.complements_size();
  }
  EXPECT_GT(similar, 500);
  EXPECT_GT(complements, 50);
}

}  // namespace
}  // namespace vitrine
