#include "server/recommend.h"

#include <algorithm>
#include <set>
#include <utility>

#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> Ids(
    const google::protobuf::RepeatedPtrField<v1::Hit>& hits) {
  std::vector<std::string> ids;
  for (const v1::Hit& hit : hits) ids.push_back(hit.product_id());
  return ids;
}

std::vector<std::string> Slots(const v1::RecommendResponse& response) {
  std::vector<std::string> slots;
  for (const auto& slot : response.complements()) slots.push_back(slot.slot());
  return slots;
}

std::vector<std::string> InSlot(const v1::RecommendResponse& response,
                                const std::string& name) {
  for (const auto& slot : response.complements()) {
    if (slot.slot() == name) return Ids(slot.hits());
  }
  return {};
}

class RecommendTest : public ::testing::Test {
 protected:
  // A vector of one shape and one colour.
  std::vector<float> Look(int shape, int colour) {
    std::vector<float> vector(192);
    vector[static_cast<size_t>(shape)] = 1;
    vector[128 + static_cast<size_t>(colour)] = 1;
    // Apart from each other, but nearer to their own kind than to any other.
    for (float& x : vector) x += 0.02f * noise_(random_);
    NormaliseBlocks(TestBlocks(), vector.data());
    return vector;
  }
  TestProduct Product(const std::string& id, const std::string& category,
                      int shape, int colour,
                      std::map<std::string, std::string> attributes = {}) {
    return {id,
            category,
            {{id + ".jpg", Look(shape, colour)}},
            std::move(attributes)};
  }
  // Several products of each kind in three colours: "shoes0-red" and so on.
  void SetUp() override {
    const char* const kinds[] = {"Dress", "Shirt",    "Trousers", "Shoes",
                                 "Hat",   "Handbags", "Jackets",  "Perfume"};
    for (int kind = 0; kind < 8; ++kind) {
      for (int colour = 0; colour < 3; ++colour) {
        for (int i = 0; i < 4; ++i) {
          products_.push_back(Product(std::string(kinds[kind]) +
                                          std::to_string(i) + "-" +
                                          std::to_string(colour),
                                      kinds[kind], kind, colour));
        }
      }
    }
    ASSERT_OK(index_.Add(products_));
    serving_ = index_.Open();
  }
  absl::Status AddMore(const std::vector<TestProduct>& products) {
    VITRINE_RETURN_IF_ERROR(index_.Add(products));
    serving_ = index_.Open();
    return absl::OkStatus();
  }
  v1::RecommendResponse Recommend(const v1::RecommendRequest& request) {
    auto response = HandleRecommend(*serving_, request, Call());
    EXPECT_OK(response);
    return response.ok() ? *response : v1::RecommendResponse();
  }
  static v1::RecommendRequest For(const std::string& product_id) {
    v1::RecommendRequest request;
    request.set_product_id(product_id);
    return request;
  }

  std::mt19937 random_{5};
  std::normal_distribution<float> noise_;
  std::vector<TestProduct> products_;
  ServingIndex index_;
  std::shared_ptr<const Serving> serving_;
};

TEST_F(RecommendTest, GivesSimilarOfTheCategoryAndComplementsOfOtherSlots) {
  const v1::RecommendResponse response = Recommend(For("Shirt0-1"));
  EXPECT_EQ(response.category(), "Shirt");
  EXPECT_EQ(response.category_confidence(), 1);
  EXPECT_EQ(response.slot(), "top");
  EXPECT_TRUE(response.restricted_to_category());
  EXPECT_EQ(response.similar_size(), 10);
  for (const v1::Hit& hit : response.similar()) {
    EXPECT_EQ(hit.category(), "Shirt");
    EXPECT_NE(hit.product_id(), "Shirt0-1");
  }
  EXPECT_THAT(Slots(response),
              ElementsAre("layer", "bottom", "shoes", "headwear", "bag"));
  for (const auto& slot : response.complements()) {
    ASSERT_EQ(slot.hits_size(), 3) << slot.slot();
    for (const v1::Hit& hit : slot.hits()) {
      // Of the same colour.
      EXPECT_TRUE(hit.product_id().ends_with("-1")) << hit.product_id();
    }
  }
  EXPECT_EQ(response.generation(), 1u);
  EXPECT_EQ(response.model(), index_.model());
  EXPECT_GT(response.timings().search_ms(), 0);
}

TEST_F(RecommendTest, NeverPutsADressOnTrousers) {
  EXPECT_THAT(Slots(Recommend(For("Dress0-0"))),
              ElementsAre("layer", "shoes", "headwear", "bag"));
  v1::RecommendRequest request = For("Trousers0-0");
  request.add_slots("one-piece");
  request.add_slots("bottom");
  request.add_slots("shoes");
  EXPECT_THAT(Slots(Recommend(request)), ElementsAre("shoes"));
}

TEST_F(RecommendTest, AnUnmappedCategoryHasNoComplements) {
  const v1::RecommendResponse response = Recommend(For("Perfume0-0"));
  EXPECT_EQ(response.category(), "Perfume");
  EXPECT_EQ(response.slot(), "");
  EXPECT_THAT(response.complements(), IsEmpty());
  EXPECT_EQ(response.similar_size(), 10);
}

TEST_F(RecommendTest, HonoursCountsAndExclusions) {
  v1::RecommendRequest request = For("Shirt0-1");
  request.set_k_similar(0);
  request.set_k_per_slot(1);
  v1::RecommendResponse response = Recommend(request);
  EXPECT_THAT(response.similar(), IsEmpty());
  const std::vector<std::string> shoes = InSlot(response, "shoes");
  ASSERT_EQ(shoes.size(), 1u);
  request.add_exclude_product_ids(shoes[0]);
  const std::vector<std::string> others = InSlot(Recommend(request), "shoes");
  ASSERT_EQ(others.size(), 1u);
  EXPECT_NE(others[0], shoes[0]);
  request.set_k_similar(2);
  request.set_k_per_slot(0);
  response = Recommend(request);
  EXPECT_EQ(response.similar_size(), 2);
  EXPECT_THAT(response.complements(), IsEmpty());
}

TEST_F(RecommendTest, GuessesTheCategoryOfAnUnknownLabelByItsNeighbours) {
  ASSERT_OK(AddMore({Product("x", "Not sure", 3, 1)}));
  const v1::RecommendResponse response = Recommend(For("x"));
  EXPECT_EQ(response.category(), "Shoes");
  EXPECT_EQ(response.slot(), "shoes");
  EXPECT_GT(response.category_confidence(), 0.9);
  EXPECT_TRUE(response.restricted_to_category());
  EXPECT_EQ(response.similar(0).category(), "Shoes");
}

TEST_F(RecommendTest, RestrictsNothingBelowTheConfidence) {
  // Between dresses and trousers, of a colour that neither has.
  std::vector<float> between(192);
  between[0] = between[2] = 1;
  between[140] = 1;
  NormaliseBlocks(TestBlocks(), between.data());
  ASSERT_OK(AddMore({{"x", "", {{"x.jpg", between}}, {}}}));
  v1::RecommendRequest request = For("x");
  request.set_min_confidence(0.95f);
  v1::RecommendResponse response = Recommend(request);
  EXPECT_LT(response.category_confidence(), 0.95);
  EXPECT_GE(response.category_confidence(), 0.5);
  EXPECT_FALSE(response.restricted_to_category());
  EXPECT_EQ(response.slot(), "");
  std::set<std::string> categories;
  for (const v1::Hit& hit : response.similar())
    categories.insert(hit.category());
  EXPECT_THAT(categories, UnorderedElementsAre("Dress", "Trousers"));
  // What goes with both, since it may be either.
  EXPECT_THAT(Slots(response),
              ElementsAre("layer", "shoes", "headwear", "bag"));
  // The caller may know better.
  request.set_category("dresses");
  response = Recommend(request);
  EXPECT_EQ(response.category(), "Dress");
  EXPECT_EQ(response.category_confidence(), 1);
  EXPECT_TRUE(response.restricted_to_category());
}

TEST_F(RecommendTest, AgreesInGenderSeasonAndUsage) {
  ASSERT_OK(AddMore(
      {Product(
           "top", "Shirt", 20, 9,
           {{"gender", "Women"}, {"season", "Summer"}, {"usage", "Casual"}}),
       // Nearest, but for others.
       Product("men", "Heels", 20, 9, {{"gender", "Men"}}),
       Product("winter", "Heels", 20, 9,
               {{"gender", "Women"}, {"season", "Winter"}}),
       Product("formal", "Heels", 20, 9,
               {{"gender", "Women"}, {"usage", "Formal"}}),
       Product("summer", "Heels", 21, 9,
               {{"gender", "women"}, {"season", "SUMMER"}}),
       Product("unisex", "Heels", 21, 10, {{"gender", "Unisex"}}),
       Product("for winter alone", "Belts", 20, 9, {{"season", "Winter"}})}));
  v1::RecommendRequest request = For("top");
  request.set_k_per_slot(20);
  request.add_slots("shoes");
  request.add_slots("accessory");
  const v1::RecommendResponse response = Recommend(request);
  const std::vector<std::string> shoes = InSlot(response, "shoes");
  // The twelve without attributes, which agree with all, and two.
  ASSERT_EQ(shoes.size(), 14u);
  EXPECT_EQ(shoes[0], "summer");
  EXPECT_EQ(std::count(shoes.begin(), shoes.end(), "unisex"), 1);
  for (const char* other : {"men", "winter", "formal"}) {
    EXPECT_EQ(std::count(shoes.begin(), shoes.end(), other), 0) << other;
  }
  // A slot of which nothing agrees is left out.
  EXPECT_EQ(response.complements_size(), 1);
}

TEST_F(RecommendTest, RecommendsForAPicture) {
  const std::string dress = DrawPicture(1, 200, 20, 20);
  ASSERT_OK(AddMore(
      {{"own", "Gowns", {{"own.jpg", {}, dress}}, {}},
       {"near", "Gowns", {{"near.jpg", {}, DrawPicture(1, 190, 20, 20)}}, {}},
       {"also",
        "Gowns",
        {{"also.jpg", {}, DrawPicture(1, 180, 20, 20)}},
        {}}}));
  v1::RecommendRequest request;
  request.mutable_image()->set_content(dress);
  request.set_k_similar(2);
  v1::RecommendResponse response = Recommend(request);
  // The catalogue knows this very picture.
  EXPECT_EQ(response.category(), "Gowns");
  EXPECT_EQ(response.category_confidence(), 1);
  EXPECT_EQ(response.slot(), "one-piece");
  // It is never recommended, whoever sells it.
  EXPECT_THAT(Ids(response.similar()), ElementsAre("near", "also"));
  EXPECT_GT(response.timings().embed_ms(), 0);
  // A new picture is told by its neighbours.
  request.mutable_image()->set_content(DrawPicture(1, 195, 20, 20));
  response = Recommend(request);
  EXPECT_EQ(response.category(), "Gowns");
  EXPECT_GT(response.category_confidence(), 0);
  EXPECT_LT(response.category_confidence(), 1);
}

TEST_F(RecommendTest, AnswersFromAnEmptyIndex) {
  ServingIndex empty;
  ASSERT_OK(empty.Add({}));
  serving_ = empty.Open();
  v1::RecommendRequest request;
  request.mutable_image()->set_content(DrawPicture(1, 200, 20, 20));
  const v1::RecommendResponse response = Recommend(request);
  EXPECT_THAT(response.similar(), IsEmpty());
  EXPECT_THAT(response.complements(), IsEmpty());
  EXPECT_EQ(response.category(), "");
}

TEST_F(RecommendTest, FollowsTheTableThatIsGiven) {
  ASSERT_OK_AND_ASSIGN(
      SlotTable table,
      SlotTable::Parse("Dress,gown\nHat,crown\nShoes,feet\nnever gown feet\n",
                       "mine.txt"));
  serving_ = index_.Open(table);
  EXPECT_THAT(Slots(Recommend(For("Dress0-0"))), ElementsAre("crown"));
  serving_.reset();
}

}  // namespace
}  // namespace vitrine
