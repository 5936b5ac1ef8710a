#include "server/boosts.h"

#include <gmock/gmock.h>

#include "tests/test_util/random_products.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

v1::Boost* AddBoost(const std::string& attribute, const std::string& value,
                    float factor, BoostList* boosts) {
  v1::Boost* boost = boosts->Add();
  auto* condition = boost->mutable_filter()->mutable_condition();
  condition->set_attribute(attribute);
  condition->mutable_any_of()->add_values(value);
  boost->set_factor(factor);
  return boost;
}

TEST(Boosts, MultiplyTheFactorsOfAllThatMatchWithinTheRange) {
  v1::Hit hit;
  hit.set_product_id("7");
  hit.set_category("Dress");
  (*hit.mutable_attributes())["brand"].set_text("Acme");
  (*hit.mutable_attributes())["price"].set_number(20);
  (*hit.mutable_attributes())["sale"].set_flag(true);
  (*hit.mutable_attributes())["tags"].mutable_list()->add_values("new");
  BoostList boosts;
  EXPECT_EQ(Boosts(boosts).FactorOf(hit), 1);
  AddBoost("brand", "Acme", 1.5f, &boosts);
  AddBoost("brand", "Bolt", 3, &boosts);
  EXPECT_FLOAT_EQ(Boosts(boosts).FactorOf(hit), 1.5f);
  AddBoost("product_id", "7", 2, &boosts);
  EXPECT_FLOAT_EQ(Boosts(boosts).FactorOf(hit), 3);
  AddBoost("category", "Dress", 0.5f, &boosts);
  AddBoost("price", "20", 2, &boosts);
  AddBoost("sale", "true", 2, &boosts);
  EXPECT_FLOAT_EQ(Boosts(boosts).FactorOf(hit), 6);
  AddBoost("tags", "new", 10, &boosts);
  EXPECT_FLOAT_EQ(Boosts(boosts).FactorOf(hit), 10);
  boosts.Clear();
  AddBoost("brand", "Acme", 0.1f, &boosts);
  AddBoost("tags", "new", 0.1f, &boosts);
  EXPECT_FLOAT_EQ(Boosts(boosts).FactorOf(hit), 0.1f);
}

// The hit of a product, as an answer has it.
v1::Hit HitOf(const std::string& id, const storage::ProductRecord& record) {
  v1::Hit hit;
  hit.set_product_id(id);
  hit.set_category(record.category());
  for (const auto& [name, attribute] : record.attributes())
    (*hit.mutable_attributes())[name].ParseFromString(
        attribute.SerializeAsString());
  return hit;
}

TEST(Boosts, MatchWhatAFilterOfTheSameRequestWould) {
  ProductDrawer drawer(3);
  int matching = 0, others = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string id = absl::StrCat("p", drawer.Draw(20));
    const storage::ProductRecord record = drawer.DrawProduct();
    BoostList boosts;
    v1::Boost* boost = boosts.Add();
    *boost->mutable_filter() = drawer.DrawFilter(3);
    boost->set_factor(2);
    const bool right = Satisfies(id, record, boost->filter());
    (right ? matching : others) += 1;
    ASSERT_EQ(Boosts(boosts).FactorOf(HitOf(id, record)), right ? 2 : 1)
        << boost->ShortDebugString() << "\n"
        << record.ShortDebugString();
  }
  EXPECT_GT(matching, 300);
  EXPECT_GT(others, 300);
}

TEST(Boosts, AnAttributeThatNoProductHasIsNamed) {
  BoostList boosts;
  DiversityList diversity;
  const std::vector<std::string_view> known = {"brand", "price"};
  AddBoost("brand", "Acme", 2, &boosts);
  AddBoost("category", "Dress", 2, &boosts);
  AddBoost("product_id", "7", 2, &boosts);
  diversity.Add()->set_attribute("price");
  EXPECT_OK(CheckAttributes(boosts, diversity, known));
  auto* list = boosts.Add()->mutable_filter()->mutable_none();
  list->add_filters()->mutable_condition()->set_attribute("colour");
  EXPECT_EQ(CheckAttributes(boosts, diversity, known).message(),
            "boosts[3].filter names the attribute 'colour', which no product "
            "has; right is category, product_id or one of brand, price");
  // An index without products knows no attribute.
  EXPECT_OK(CheckAttributes(boosts, diversity, {}));
  boosts.Clear();
  diversity.Add()->set_attribute("brnd");
  EXPECT_EQ(CheckAttributes(boosts, diversity, known).message(),
            "diversity[1].attribute names the attribute 'brnd', which no "
            "product has; right is category, product_id or one of brand, "
            "price");
}

}  // namespace
}  // namespace vitrine
