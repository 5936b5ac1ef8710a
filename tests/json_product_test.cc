#include "common/catalog/json_product.h"

#include <gtest/gtest.h>

#include <tuple>

namespace vitrine {
namespace {

TEST(JsonProduct, ReadsALine) {
  JsonProduct product;
  std::vector<std::string> complaints;
  ASSERT_TRUE(ParseJsonProduct(
      R"({"id":"A1","title":"Shirt","category":"Tops",
          "attributes":{"colour":"red","price":12.5,"kids":false,
                        "tags":["a","b"],"none":null},
          "images":["x.jpg","y.jpg"]})",
      JsonForm::kLine, &product, &complaints));
  EXPECT_TRUE(complaints.empty());
  EXPECT_EQ(product.id, "A1");
  EXPECT_EQ(product.title, "Shirt");
  EXPECT_EQ(product.category, "Tops");
  EXPECT_EQ(product.images, (std::vector<std::string>{"x.jpg", "y.jpg"}));
  const auto& attributes = product.attributes.attributes();
  ASSERT_EQ(attributes.size(), 4u);
  EXPECT_EQ(attributes.at("colour").text(), "red");
  EXPECT_EQ(attributes.at("price").number(), 12.5);
  EXPECT_TRUE(attributes.at("kids").has_flag());
  EXPECT_EQ(attributes.at("tags").list().values_size(), 2);
}

TEST(JsonProduct, ALineMayDeleteItsProduct) {
  for (const auto& [text, form, deleted, complaint] :
       std::vector<std::tuple<std::string, JsonForm, bool, std::string>>{
           {R"({"id":"A","deleted":true})", JsonForm::kLine, true, ""},
           {R"({"id":"A","deleted":false})", JsonForm::kLine, false, ""},
           {R"({"id":"A","deleted":null})", JsonForm::kLine, false, ""},
           {R"({"id":"A","deleted":"yes"})", JsonForm::kLine, false,
            "\"deleted\" is \"yes\" where true or false belongs; the product "
            "is kept"},
           {R"({"deleted":true})", JsonForm::kSidecar, false,
            "the field \"deleted\" is not known; known are product_id, title, "
            "category, attributes, visible_from and visible_until; what else "
            "there is to say goes under attributes"}}) {
    JsonProduct product;
    std::vector<std::string> complaints;
    EXPECT_TRUE(ParseJsonProduct(text, form, &product, &complaints));
    EXPECT_EQ(product.deleted, deleted) << text;
    EXPECT_EQ(complaints, complaint.empty()
                              ? std::vector<std::string>{}
                              : std::vector<std::string>{complaint});
  }
}

TEST(JsonProduct, TakesANumberForAnId) {
  JsonProduct product;
  std::vector<std::string> complaints;
  ASSERT_TRUE(ParseJsonProduct(R"({"id": 1163})", JsonForm::kLine, &product,
                               &complaints));
  EXPECT_EQ(product.id, "1163");
}

TEST(JsonProduct, KeepsWhatIsRightBesideWhatIsWrong) {
  JsonProduct product;
  std::vector<std::string> complaints;
  ASSERT_TRUE(ParseJsonProduct(
      R"({"product_id":"A1","title":["no"],"price":3,
          "attributes":{"ok":"yes","deep":{"a":1},"mixed":["a",1],"":"x"}})",
      JsonForm::kSidecar, &product, &complaints));
  EXPECT_EQ(product.id, "A1");
  EXPECT_FALSE(product.title);
  EXPECT_EQ(product.attributes.attributes_size(), 1);
  ASSERT_EQ(complaints.size(), 5u);
  const std::string all = ::testing::PrintToString(complaints);
  for (const char* value : {"deep", "mixed", "price", "title"}) {
    EXPECT_NE(all.find(value), std::string::npos) << all;
  }
}

TEST(JsonProduct, RefusesWhatIsNoProduct) {
  for (const char* text :
       {"", "{", "[]", "3", "null", "{\"title\":\"no id\"}", "{\"id\":\"\"}",
        "{\"id\":true}", "{\"id\":\"caf\xE9\"}", "{\"id\":1}{\"id\":2}",
        "{\"id\":1e999}"}) {
    JsonProduct product;
    std::vector<std::string> complaints;
    EXPECT_FALSE(ParseJsonProduct(text, JsonForm::kLine, &product, &complaints))
        << text;
    EXPECT_FALSE(complaints.empty()) << text;
  }
}

TEST(JsonProduct, RefusesDeepNestingUnparsed) {
  for (int depth : {33, 400'000}) {
    const std::string text =
        "{\"id\":\"a\",\"attributes\":{\"x\":" + std::string(depth, '[') +
        std::string(depth, ']') + "}}";
    JsonProduct product;
    std::vector<std::string> complaints;
    EXPECT_FALSE(
        ParseJsonProduct(text, JsonForm::kLine, &product, &complaints));
    ASSERT_EQ(complaints.size(), 1u);
    EXPECT_NE(complaints[0].find("32 levels"), std::string::npos);
  }
  JsonProduct product;
  std::vector<std::string> complaints;
  EXPECT_TRUE(ParseJsonProduct(
      R"({"id":"a","title":")" + std::string(100, '[') + R"(\" [["})",
      JsonForm::kLine, &product, &complaints));
  EXPECT_TRUE(complaints.empty());
}

TEST(JsonProduct, ASidecarSaysWhenAProductIsOffered) {
  JsonProduct product;
  std::vector<std::string> complaints;
  ASSERT_TRUE(ParseJsonProduct(
      R"({"visible_from":"2026-03-01T00:00:00Z","visible_until":"never"})",
      JsonForm::kSidecar, &product, &complaints));
  EXPECT_EQ(product.visible_from_unix_ms, 1'772'323'200'000);
  EXPECT_EQ(product.visible_until_unix_ms, std::nullopt);
  ASSERT_EQ(complaints.size(), 1u);
  EXPECT_NE(complaints[0].find("\"visible_until\" is \"never\""),
            std::string::npos);
}

}  // namespace
}  // namespace vitrine
