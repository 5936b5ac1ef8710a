#include "server/selection.h"

#include "server/products.h"
#include "server/recommend.h"
#include "server/search_handler.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kNow = 1'700'000'000'000;

template <typename Hits>
std::vector<std::string> Ids(const Hits& hits) {
  std::vector<std::string> ids;
  for (const v1::Hit& hit : hits) ids.push_back(hit.product_id());
  return ids;
}

class SelectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [id, category, colour] :
         {std::tuple("d1", "Dress", "Red"), std::tuple("d2", "Dress", "Blue"),
          std::tuple("d3", "Dress", "Red"), std::tuple("s1", "Shoes", "Red"),
          std::tuple("s2", "Shoes", "Blue")}) {
      products_.push_back(
          {id,
           category,
           {{std::string(id) + ".jpg", DrawVector(0, &random_)}},
           {{"colour", colour}}});
    }
    ASSERT_OK(index_.Add(products_));
    serving_ = index_.Open();
  }
  // A newer record of a product that is offered in [from, until).
  void Offer(const std::string& id, int64_t from, int64_t until) {
    auto record = serving_->snapshot().FindProduct(id);
    ASSERT_OK(record);
    record->set_visible_from_unix_ms(from);
    record->set_visible_until_unix_ms(until);
    ASSERT_OK(index_.builder().PutProducts({{id, *record}}));
    ASSERT_OK(index_.builder().Publish());
    serving_ = index_.Open();
  }
  static Call At(int64_t unix_ms) {
    Call call;
    call.arrived_at = std::chrono::system_clock::time_point(
        std::chrono::milliseconds(unix_ms));
    return call;
  }
  static v1::SearchRequest ByProduct(const std::string& id) {
    v1::SearchRequest request;
    request.add_examples()->set_product_id(id);
    return request;
  }
  static void Require(const std::string& attribute, const std::string& value,
                      v1::Filter* filter) {
    filter->mutable_condition()->set_attribute(attribute);
    filter->mutable_condition()->mutable_any_of()->add_values(value);
  }

  std::mt19937 random_{1};
  std::vector<TestProduct> products_;
  ServingIndex index_;
  std::shared_ptr<const Serving> serving_;
};

TEST_F(SelectionTest, FindsOnlyWhatMatches) {
  v1::SearchRequest request = ByProduct("d1");
  Require("colour", "Red", request.mutable_filter());
  ASSERT_OK_AND_ASSIGN(const v1::SearchResponse response,
                       AnswerOf(*serving_, request, At(kNow)));
  EXPECT_THAT(Ids(response.hits()), UnorderedElementsAre("d1", "d3", "s1"));
  EXPECT_EQ(response.hits(0).product_id(), "d1");
  EXPECT_EQ(response.plan().rows_matching(), 3);
}

TEST_F(SelectionTest, AnExampleThatDoesNotMatchIsNoHit) {
  v1::SearchRequest request = ByProduct("d2");
  Require("colour", "Red", request.mutable_filter());
  ASSERT_OK_AND_ASSIGN(const v1::SearchResponse response,
                       AnswerOf(*serving_, request, At(kNow)));
  EXPECT_THAT(Ids(response.hits()), UnorderedElementsAre("d1", "d3", "s1"));
}

TEST_F(SelectionTest, WhatNobodyHasIsNoError) {
  v1::SearchRequest request = ByProduct("d2");
  Require("flavour", "Sweet", request.mutable_filter());
  request.add_facets("flavour");
  ASSERT_OK_AND_ASSIGN(const v1::SearchResponse response,
                       AnswerOf(*serving_, request, At(kNow)));
  EXPECT_THAT(Ids(response.hits()), IsEmpty());
  ASSERT_EQ(response.facets_size(), 1);
  EXPECT_EQ(response.facets(0).counts_size(), 0);
}

TEST_F(SelectionTest, CountsAllThatMatchNotTheHitsAlone) {
  v1::SearchRequest request = ByProduct("d1");
  Require("category", "Dress", request.mutable_filter());
  request.add_facets("colour");
  request.set_k(1);
  ASSERT_OK_AND_ASSIGN(const v1::SearchResponse response,
                       AnswerOf(*serving_, request, At(kNow)));
  EXPECT_EQ(response.hits_size(), 1);
  ASSERT_EQ(response.facets_size(), 1);
  const v1::Facet& facet = response.facets(0);
  ASSERT_EQ(facet.counts_size(), 2);
  EXPECT_EQ(facet.counts(0).value(), "Red");
  EXPECT_EQ(facet.counts(0).count(), 2);
  EXPECT_EQ(facet.counts(1).value(), "Blue");
  EXPECT_EQ(facet.counts(1).count(), 1);
}

TEST_F(SelectionTest, RefusesAFacetThatIsAskedForTwice) {
  v1::SearchRequest request = ByProduct("d1");
  for (const char* attribute : {"colour", "category", "colour"})
    request.add_facets(attribute);
  EXPECT_STATUS(AnswerOf(*serving_, request, At(kNow)),
                absl::StatusCode::kInvalidArgument,
                "facets[2] is \"colour\" again");
}

TEST_F(SelectionTest, FindsProductsInTheirWindowsOnly) {
  Offer("d3", kNow, kNow + 1'000);
  v1::SearchRequest request = ByProduct("d3");
  request.add_facets("category");
  for (const auto& [now, offered] :
       {std::pair(kNow - 1, false), std::pair(kNow, true),
        std::pair(kNow + 999, true), std::pair(kNow + 1'000, false)}) {
    ASSERT_OK_AND_ASSIGN(const v1::SearchResponse response,
                         AnswerOf(*serving_, request, At(now)));
    // Out of its window it still counts as an example.
    EXPECT_EQ(response.hits_size(), offered ? 5 : 4) << now - kNow;
    EXPECT_EQ(response.hits(0).product_id() == "d3", offered) << now - kNow;
    EXPECT_EQ(response.facets(0).counts(0).count(), offered ? 3 : 2);
  }
}

TEST_F(SelectionTest, RecommendsOnlyWhatMatchesAndIsOffered) {
  Offer("s1", kNow, 0);
  v1::RecommendRequest request;
  request.set_product_id("d1");
  ASSERT_OK_AND_ASSIGN(v1::RecommendResponse response,
                       HandleRecommend(*serving_, request, At(kNow)));
  EXPECT_THAT(Ids(response.similar()), UnorderedElementsAre("d2", "d3"));
  ASSERT_EQ(response.complements_size(), 1);
  EXPECT_THAT(Ids(response.complements(0).hits()),
              UnorderedElementsAre("s1", "s2"));
  ASSERT_OK_AND_ASSIGN(response,
                       HandleRecommend(*serving_, request, At(kNow - 1)));
  EXPECT_THAT(Ids(response.complements(0).hits()), ElementsAre("s2"));
  Require("colour", "Red", request.mutable_filter());
  ASSERT_OK_AND_ASSIGN(response, HandleRecommend(*serving_, request, At(kNow)));
  EXPECT_THAT(Ids(response.similar()), ElementsAre("d3"));
  EXPECT_THAT(Ids(response.complements(0).hits()), ElementsAre("s1"));
}

TEST_F(SelectionTest, ShowsProductsOutOfTheirWindows) {
  Offer("d3", 1'500, kNow);
  v1::GetProductRequest request;
  request.set_product_id("d3");
  ASSERT_OK_AND_ASSIGN(const v1::GetProductResponse response,
                       HandleGetProduct(*serving_, request));
  EXPECT_EQ(response.product().visible_from().seconds(), 1);
  EXPECT_EQ(response.product().visible_from().nanos(), 500'000'000);
  EXPECT_EQ(response.product().visible_until().seconds(), kNow / 1'000);
  request.set_product_id("d1");
  ASSERT_OK_AND_ASSIGN(const v1::GetProductResponse always,
                       HandleGetProduct(*serving_, request));
  EXPECT_FALSE(always.product().has_visible_from());
  EXPECT_FALSE(always.product().has_visible_until());
  ASSERT_OK_AND_ASSIGN(
      const v1::ListProductsResponse listed,
      NextProducts(serving_->snapshot(), "", /*records=*/nullptr,
                   /*vectors=*/false));
  EXPECT_EQ(listed.products_size(), 5);
  EXPECT_TRUE(listed.products(2).has_visible_until());
}

}  // namespace
}  // namespace vitrine
