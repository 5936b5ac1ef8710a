// Every bad rule of what is to come sooner, or how often, is refused with a
// message that names the value and the remedy, and the limit.
#include <functional>
#include <limits>
#include <optional>

#include "server/boosts.h"
#include "server/recommend.h"
#include "server/search_handler.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

class BadBoostsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::mt19937 random(1);
    ASSERT_OK(
        index_.Add({{"a",
                     "Dress",
                     {{"a.jpg", DrawVector(0, &random)}},
                     {{"brand", "Acme"}}},
                    {"b", "Shoes", {{"b.jpg", DrawVector(1, &random)}}, {}}}));
    serving_ = index_.Open();
  }

  static void Expect(const absl::Status& status, const std::string& field,
                     const std::string& message, std::optional<double> limit) {
    const v1::Error error = ErrorOf(status);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(error.reason(), v1::ERROR_REASON_INVALID_PARAMETER);
    EXPECT_EQ(error.field(), field);
    EXPECT_THAT(error.message(), ::testing::HasSubstr(message));
    ASSERT_EQ(error.has_limit(), limit.has_value()) << status;
    if (limit) {
      EXPECT_FLOAT_EQ(static_cast<float>(error.limit()),
                      static_cast<float>(*limit));
    }
  }
  // Searches and recommends with one boost, of brand=Acme by 2 but for what is
  // spoilt.
  void Refuses(const std::function<void(BoostList*)>& spoil,
               const std::string& field, const std::string& message,
               std::optional<double> limit = std::nullopt) {
    BoostList boosts;
    v1::Boost* boost = boosts.Add();
    boost->mutable_filter()->mutable_condition()->set_attribute("brand");
    boost->mutable_filter()->mutable_condition()->mutable_any_of()->add_values(
        "Acme");
    boost->set_factor(2);
    v1::SearchRequest search;
    search.add_examples()->set_product_id("a");
    *search.mutable_boosts() = boosts;
    v1::RecommendRequest recommend;
    recommend.set_product_id("a");
    *recommend.mutable_boosts() = boosts;
    ASSERT_OK(AnswerOf(*serving_, search));
    ASSERT_OK(HandleRecommend(*serving_, recommend, Call()));
    spoil(search.mutable_boosts());
    spoil(recommend.mutable_boosts());
    Expect(AnswerOf(*serving_, search).status(), field, message, limit);
    Expect(HandleRecommend(*serving_, recommend, Call()).status(), field,
           message, limit);
  }
  void RefusesRecommend(const std::function<void(v1::RecommendRequest*)>& spoil,
                        const std::string& field, const std::string& message,
                        std::optional<double> limit = std::nullopt) {
    v1::RecommendRequest request;
    request.set_product_id("a");
    spoil(&request);
    Expect(HandleRecommend(*serving_, request, Call()).status(), field, message,
           limit);
  }

  ServingIndex index_;
  std::shared_ptr<const Serving> serving_;
};

TEST_F(BadBoostsTest, FactorsOutOfRange) {
  for (const float wrong : {0.0f, -1.0f, 0.05f}) {
    Refuses([&](auto* b) { b->at(0).set_factor(wrong); }, "boosts[0].factor",
            "right is 0.1 to 10", 0.1);
  }
  for (const float wrong : {10.5f, std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
    Refuses([&](auto* b) { b->at(0).set_factor(wrong); }, "boosts[0].factor",
            "right is 0.1 to 10", 10);
  }
}

TEST_F(BadBoostsTest, TooMany) {
  Refuses(
      [](auto* b) {
        while (b->size() < 33) *b->Add() = b->at(0);
      },
      "boosts", "boosts has 33 entries; right is 0 to 32", 32);
  Refuses(
      [](auto* b) {
        auto* values = b->at(0).mutable_filter()->mutable_condition();
        values->set_attribute("product_id");
        for (int i = 0; i < 10'000; ++i)
          values->mutable_any_of()->add_values(std::to_string(i));
      },
      "boosts[0].filter.condition.any_of.values",
      "10001 values; right is at most 10000", 10'000);
}

TEST_F(BadBoostsTest, FiltersWithoutMeaning) {
  Refuses([](auto* b) { b->at(0).clear_filter(); }, "boosts[0].filter",
          "boosts[0].filter is empty");
  Refuses(
      [](auto* b) {
        b->Add()->set_factor(2);
        b->at(1).mutable_filter()->mutable_condition()->set_attribute("brand");
      },
      "boosts[1].filter.condition", "does not say what must hold of");
}

TEST_F(BadBoostsTest, AttributesThatNoProductHas) {
  Refuses(
      [](auto* b) {
        b->at(0).mutable_filter()->mutable_condition()->set_attribute("brnd");
      },
      "boosts[0].filter",
      "names the attribute 'brnd', which no product has; right is category, "
      "product_id or one of brand");
  RefusesRecommend(
      [](auto* r) {
        r->add_diversity()->set_attribute("brnd");
        r->mutable_diversity(0)->set_limit(1);
      },
      "diversity[0].attribute", "names the attribute 'brnd'");
}

TEST_F(BadBoostsTest, LimitsAndCountsOfRecommendations) {
  RefusesRecommend([](auto* r) { r->add_diversity()->set_limit(1); },
                   "diversity[0].attribute", "names no attribute; give one");
  RefusesRecommend([](auto* r) { r->add_diversity()->set_attribute("brand"); },
                   "diversity[0].limit", "is 0; right is 1 to 1000", 1);
  RefusesRecommend(
      [](auto* r) {
        while (r->diversity_size() < 9) r->add_diversity();
      },
      "diversity", "diversity has 9 entries; right is 0 to 8", 8);
  RefusesRecommend(
      [](auto* r) {
        while (r->exclude_product_ids_size() <= 10'000)
          r->add_exclude_product_ids("a");
      },
      "exclude_product_ids", "10001 entries; right is 0 to 10000", 10'000);
  RefusesRecommend([](auto* r) { r->set_candidates_per_slot(1001); },
                   "candidates_per_slot", "right is 0 to 1000", 1000);
}

}  // namespace
}  // namespace vitrine
