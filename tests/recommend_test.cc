#include "server/recommend.h"

#include <algorithm>
#include <set>
#include <utility>

#include "tests/recommend_fixture.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

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

TEST_F(RecommendTest, OrdersComplementsByTheHarmonyOfColours) {
  ASSERT_OK(
      AddMore({Product("top", "Shirt", 20, 9, {{"baseColour", "Red"}}),
               // By the vectors alone of the very colour, and first.
               Product("clash", "Heels", 20, 9, {{"baseColour", "Lavender"}}),
               Product("green", "Heels", 20, 11, {{"Color", "Dark Green"}}),
               Product("black", "Heels", 20, 12, {{"baseColour", "Black"}}),
               Product("yellow", "Heels", 20, 13, {{"baseColour", "Yellow"}}),
               Product("multi", "Heels", 20, 9, {{"baseColour", "Multi"}})}));
  v1::RecommendRequest request = For("top");
  request.add_slots("shoes");
  request.set_k_per_slot(5);
  v1::RecommendResponse response = Recommend(request);
  // That of a colour that is not known counts by its similarity, about 1 here.
  std::vector<std::string> shoes = InSlot(response, "shoes");
  ASSERT_EQ(shoes.size(), 5u);
  EXPECT_NE(std::find(shoes.begin(), shoes.begin() + 2, "multi"),
            shoes.begin() + 2);
  std::erase(shoes, "multi");
  EXPECT_THAT(shoes, ElementsAre("black", "green", "yellow", "clash"));
  float last = 1;
  for (const v1::Hit& hit : response.complements(0).hits()) {
    EXPECT_LE(hit.score(), last);
    last = hit.score();
    EXPECT_NEAR(hit.distance(), 1 - hit.score(), 1e-6);
    if (hit.product_id() == "multi") {
      EXPECT_FALSE(hit.has_colour_harmony());
    } else if (hit.product_id() == "green") {
      EXPECT_EQ(hit.colour_harmony().relation(),
                v1::ColourHarmony::RELATION_COMPLEMENTARY);
      EXPECT_EQ(hit.colour_harmony().colour(), "Dark Green");
      EXPECT_EQ(hit.colour_harmony().goes_with(), "Red");
    }
    EXPECT_FALSE(hit.has_boost());
  }
  // What is similar is not to differ.
  for (const v1::Hit& hit : response.similar())
    EXPECT_FALSE(hit.has_colour_harmony());
  request.mutable_fields()->set_omit_attributes(true);
  response = Recommend(request);
  EXPECT_THAT(response.complements(0).hits(0).attributes(), IsEmpty());
  EXPECT_TRUE(response.complements(0).hits(2).has_colour_harmony());
}

TEST_F(RecommendTest, ExcludesLimitsAndBoosts) {
  std::vector<TestProduct> more = {Product("top", "Shirt", 20, 9)};
  for (int i = 0; i < 6; ++i) {
    const std::string brand = i < 4 ? "Acme" : "Bolt";
    const std::string n = std::to_string(i);
    more.push_back(Product("shirt" + n, "Shirt", 20, 9, {{"brand", brand}}));
    more.push_back(Product("heel" + n, "Heels", 20, 9, {{"brand", brand}}));
  }
  ASSERT_OK(AddMore(more));
  v1::RecommendRequest request = For("top");
  request.add_slots("shoes");
  request.set_k_similar(20);
  std::vector<std::string> plain = Ids(Recommend(request).similar());
  std::erase_if(plain, [](const std::string& id) {
    return id == "shirt4" || id == "shirt5";  // Bolt's.
  });
  request.set_k_similar(3);

  v1::Diversity* limit = request.add_diversity();
  limit->set_attribute("brand");
  limit->set_limit(1);
  auto count = [](const google::protobuf::RepeatedPtrField<v1::Hit>& hits,
                  const std::string& brand) {
    return std::count_if(hits.begin(), hits.end(), [&](const v1::Hit& hit) {
      const auto found = hit.attributes().find("brand");
      return found != hit.attributes().end() && found->second.text() == brand;
    });
  };
  v1::RecommendResponse response = Recommend(request);
  ASSERT_EQ(response.similar_size(), 3);
  ASSERT_EQ(response.complements(0).hits_size(), 3);
  for (const auto* hits :
       {&response.similar(), &response.complements(0).hits()}) {
    EXPECT_EQ(count(*hits, "Acme"), 1);
    EXPECT_EQ(count(*hits, "Bolt"), 1);
  }

  request.clear_diversity();
  v1::Boost* boost = request.add_boosts();
  boost->set_factor(1.5f);
  auto* condition = boost->mutable_filter()->mutable_condition();
  condition->set_attribute("brand");
  condition->mutable_any_of()->add_values("Bolt");
  response = Recommend(request);
  for (const auto* hits :
       {&response.similar(), &response.complements(0).hits()}) {
    ASSERT_EQ(hits->size(), 3);
    EXPECT_EQ(count(*hits, "Bolt"), 2);
    EXPECT_EQ((*hits)[0].boost(), 1.5f);
    EXPECT_EQ((*hits)[1].boost(), 1.5f);
    EXPECT_EQ((*hits)[2].boost(), 1);
    EXPECT_LE((*hits)[0].score(), 1);
  }
  EXPECT_EQ(response.similar(2).product_id(), plain[0]);
  EXPECT_GT(response.similar(2).score(), 0.9);

  request.add_exclude_product_ids(response.similar(0).product_id());
  EXPECT_THAT(
      Ids(Recommend(request).similar()),
      ElementsAre(response.similar(1).product_id(), plain[0], plain[1]));
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
