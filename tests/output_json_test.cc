#include "clients/cli/output_json.h"

#include <gtest/gtest.h>

namespace vitrine::cli {
namespace {

v1::SearchResponse Answer() {
  v1::SearchResponse response;
  response.set_generation(42);
  response.set_model("abc");
  response.set_metric(v1::METRIC_COSINE);
  response.mutable_plan()->set_kind(v1::QueryPlan::KIND_GRAPH_WALK);
  response.mutable_plan()->set_recall_basis(
      v1::QueryPlan::RECALL_BASIS_MEASURED);
  response.mutable_plan()->set_recall(0.98f);
  v1::Hit* hit = response.add_hits();
  hit->set_product_id("1163");
  hit->set_score(0.97312345f);
  hit->set_image("images/1163.jpg");
  hit->set_category("Dress");
  hit->set_thumbnail("jpeg");
  (*hit->mutable_attributes())["price"].set_number(19.99);
  (*hit->mutable_attributes())["new"].set_flag(true);
  (*hit->mutable_attributes())["sizes"].mutable_list()->add_values("S");
  v1::BlockScore* block = hit->add_block_scores();
  block->set_block("shape");
  block->set_cosine(0.1f);
  return response;
}

TEST(SearchJson, IsOneLineWithTheAgreedNames) {
  std::string line = ToLine(SearchJson("a b.jpg", Answer(), false));
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  Json json = Json::parse(line);
  EXPECT_EQ(json["query"], "a b.jpg");
  EXPECT_EQ(json["generation"], 42);
  EXPECT_EQ(json["model"], "abc");
  EXPECT_EQ(json["metric"], "cosine");
  EXPECT_EQ(json["plan"]["kind"], "graph_walk");
  EXPECT_EQ(json["plan"]["recall_basis"], "measured");
  EXPECT_EQ(json["plan"]["recall"], 0.98);
  const Json& hit = json["hits"][0];
  EXPECT_EQ(hit["product_id"], "1163");
  EXPECT_EQ(hit["image"], "images/1163.jpg");
  EXPECT_EQ(hit["category"], "Dress");
  EXPECT_EQ(hit["same_content"], false);
  EXPECT_EQ(hit["attributes"]["price"], 19.99);
  EXPECT_EQ(hit["attributes"]["new"], true);
  EXPECT_EQ(hit["attributes"]["sizes"][0], "S");
}

TEST(SearchJson, PrintsScoresWithoutTheTailOfADouble) {
  std::string line = ToLine(SearchJson("q", Answer(), false));
  EXPECT_NE(line.find("\"score\":0.973123,"), std::string::npos) << line;
  EXPECT_NE(line.find("\"shape\":0.1}"), std::string::npos) << line;
}

TEST(RecommendJson, TellsOfBoostsAndColours) {
  v1::RecommendResponse response;
  v1::Hit* hit = response.add_complements()->add_hits();
  EXPECT_FALSE(
      RecommendJson("q", response, false)["complements"][0]["hits"][0].contains(
          "boost"));
  hit->set_boost(1.5f);
  hit->mutable_colour_harmony()->set_relation(
      v1::ColourHarmony::RELATION_COMPLEMENTARY);
  hit->mutable_colour_harmony()->set_colour("Green");
  hit->mutable_colour_harmony()->set_goes_with("Red");
  const Json json =
      RecommendJson("q", response, false)["complements"][0]["hits"][0];
  EXPECT_EQ(json["boost"], 1.5);
  EXPECT_EQ(json["colour_harmony"]["relation"], "complementary");
  EXPECT_EQ(json["colour_harmony"]["colour"], "Green");
  EXPECT_EQ(json["colour_harmony"]["goes_with"], "Red");
}

TEST(SearchJson, ShowsThumbnailsOnlyWhereAskedFor) {
  EXPECT_FALSE(
      SearchJson("q", Answer(), false)["hits"][0].contains("thumbnail"));
  EXPECT_EQ(SearchJson("q", Answer(), true)["hits"][0]["thumbnail"],
            "anBlZw==");
}

TEST(ToLine, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(Json::parse(ToLine(SearchJson("caf\xe9.jpg", {}, false)))["query"],
            "caf\uFFFD.jpg");
}

TEST(EmbedJson, KeepsEveryBitOfTheVector) {
  v1::Vector vector;
  for (float value : {0.1f, 1.0f / 3, -1.17549435e-38f, 3.4028235e38f}) {
    vector.add_values(value);
  }
  std::string line = ToLine(EmbedJson("q", vector, "m"));
  EXPECT_NE(line.find("[0.1,0.33333334,"), std::string::npos) << line;
  Json json = Json::parse(line);
  for (int i = 0; i < vector.values_size(); ++i) {
    EXPECT_EQ(json["vector"][i].get<float>(), vector.values(i));
  }
}

TEST(ErrorJson, NamesReasonFieldAndCode) {
  v1::Error error;
  error.set_reason(v1::ERROR_REASON_UNKNOWN_PRODUCT);
  error.set_message("no product 7");
  error.set_field("examples[0].product_id");
  error.set_code(5);
  EXPECT_EQ(ToLine(ErrorJson("7", error)),
            "{\"query\":\"7\",\"error\":{\"reason\":\"UNKNOWN_PRODUCT\","
            "\"message\":\"no product 7\",\"field\":\"examples[0].product_id\","
            "\"code\":\"NOT_FOUND\"}}\n");
}

TEST(DescribeJson, HasTheAgreedNames) {
  v1::DescribeIndexResponse response;
  response.set_images(3);
  response.set_products(2);
  response.set_generation(5);
  response.mutable_model()->set_id("abc");
  response.mutable_model()->set_name("lite0");
  response.set_metric(v1::METRIC_EUCLIDEAN);
  response.set_dim(512);
  response.mutable_published_at()->set_seconds(1700000000);
  v1::AttributeSummary* attribute = response.add_attributes();
  attribute->set_name("price");
  attribute->set_type(v1::ATTRIBUTE_TYPE_NUMBER);
  Json json = DescribeJson(response);
  EXPECT_EQ(json["images"], 3);
  EXPECT_EQ(json["products"], 2);
  EXPECT_EQ(json["generation"], 5);
  EXPECT_EQ(json["model"], "abc");
  EXPECT_EQ(json["metric"], "euclidean");
  EXPECT_EQ(json["dim"], 512);
  EXPECT_EQ(json["published_at"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(json["model_card"]["name"], "lite0");
  EXPECT_EQ(json["attributes"][0]["type"], "number");
}

TEST(SearchJson, HasFacetsWhereTheyWereAskedFor) {
  v1::SearchResponse response = Answer();
  EXPECT_FALSE(SearchJson("q", response, false).contains("facets"));
  v1::Facet* facet = response.add_facets();
  facet->set_attribute("colour");
  facet->add_counts()->set_value("Red");
  facet->mutable_counts(0)->set_count(3);
  facet->set_others(2);
  EXPECT_EQ(SearchJson("q", response, false)["facets"],
            Json::parse(R"([{"attribute": "colour",
                             "counts": [{"value": "Red", "count": 3}],
                             "others": 2}])"));
}

TEST(ProductJson, SaysWhenTheProductIsOffered) {
  v1::Product product;
  EXPECT_FALSE(ProductJson(product).contains("visible_from"));
  EXPECT_FALSE(ProductJson(product).contains("visible_until"));
  product.mutable_visible_from()->set_seconds(1'772'323'200);
  product.mutable_visible_until()->set_seconds(1'772'409'600);
  EXPECT_EQ(ProductJson(product)["visible_from"], "2026-03-01T00:00:00Z");
  EXPECT_EQ(ProductJson(product)["visible_until"], "2026-03-02T00:00:00Z");
}

}  // namespace
}  // namespace vitrine::cli
