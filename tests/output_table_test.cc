#include "clients/cli/output_table.h"

#include <gtest/gtest.h>

namespace vitrine::cli {
namespace {

v1::Hit Hit(const std::string& id, float score, bool same_content) {
  v1::Hit hit;
  hit.set_product_id(id);
  hit.set_score(score);
  hit.set_same_content(same_content);
  hit.set_category("Dress");
  hit.set_image(id + ".jpg");
  return hit;
}

TEST(SearchTable, IsAlignedUnderALineOfOrigin) {
  v1::SearchResponse response;
  response.set_generation(42);
  response.set_model("1a2b3c4d5e6f");
  response.mutable_timings()->set_embed_ms(7.04f);
  *response.add_hits() = Hit("1163", 1, true);
  *response.add_hits() = Hit("7", 0.973f, false);
  EXPECT_EQ(SearchTable("dress.jpg", response, 0, 12.34),
            "dress.jpg: generation 42, model 1a2b3c4d, 12.3 ms (embed 7)\n"
            "  #   score  product  category  image\n"
            "  1   100 %  1163     Dress     1163.jpg\n"
            "  2  97.3 %  7        Dress     7.jpg\n");
}

TEST(SearchTable, CountsRanksFromTheOffset) {
  v1::SearchResponse response;
  *response.add_hits() = Hit("7", 0.5f, false);
  EXPECT_NE(SearchTable("q", response, 10, 0).find("\n  11  50.0 %"),
            std::string::npos);
}

TEST(SearchTable, SaysWhenNothingMatches) {
  EXPECT_NE(SearchTable("q", {}, 0, 0).find("no product matches"),
            std::string::npos);
}

TEST(SearchTable, LetsNoEscapeOfATitleReachTheTerminal) {
  v1::SearchResponse response;
  *response.add_hits() = Hit("7", 0.5f, false);
  response.mutable_hits(0)->set_title("\x1b]0;owned\x07");
  EXPECT_EQ(SearchTable("q", response, 0, 0).find('\x1b'), std::string::npos);
}

TEST(RecommendTable, ShowsEachSlot) {
  v1::RecommendResponse response;
  response.set_category("Dress");
  response.set_category_confidence(0.83f);
  response.set_slot("one-piece");
  response.set_restricted_to_category(true);
  *response.add_similar() = Hit("1", 0.9f, false);
  response.add_complements()->set_slot("shoes");
  *response.mutable_complements(0)->add_hits() = Hit("2", 0.8f, false);
  std::string table = RecommendTable("q", response, 0);
  EXPECT_NE(table.find("q: Dress (83 % sure), one-piece; "), std::string::npos)
      << table;
  EXPECT_NE(table.find("of the same category"), std::string::npos);
  EXPECT_NE(table.find("to go with it: shoes\n"), std::string::npos);
}

TEST(RecommendTable, TellsOfBoostsAndColours) {
  v1::RecommendResponse response;
  *response.add_complements()->add_hits() = Hit("2", 0.8f, false);
  EXPECT_EQ(RecommendTable("q", response, 0).find("boost"), std::string::npos);
  EXPECT_EQ(RecommendTable("q", response, 0).find("colour"), std::string::npos);
  v1::Hit& hit = *response.mutable_complements(0)->mutable_hits(0);
  hit.set_boost(1.5f);
  hit.mutable_colour_harmony()->set_relation(
      v1::ColourHarmony::RELATION_ANALOGOUS);
  hit.mutable_colour_harmony()->set_colour("Teal");
  const std::string table = RecommendTable("q", response, 0);
  EXPECT_NE(table.find("× 1.5"), std::string::npos) << table;
  EXPECT_NE(table.find("Teal, analogous"), std::string::npos) << table;
}

TEST(DescribeTable, WarnsFirstOfADegradedIndex) {
  v1::DescribeIndexResponse response;
  response.set_degraded(true);
  response.set_degraded_reason("manifests/000042.pb fails its checksum");
  response.set_products(3890);
  std::string table = DescribeTable(response);
  EXPECT_TRUE(table.starts_with("DEGRADED")) << table;
  EXPECT_NE(table.find("000042.pb"), std::string::npos);
  EXPECT_NE(table.find("3,890"), std::string::npos);
}

TEST(ErrorLine, NamesTheQueryOnce) {
  v1::Error error;
  error.set_message("the picture ends early");
  EXPECT_EQ(ErrorLine("a.jpg", error),
            "vitrine: a.jpg: the picture ends early\n");
  error.set_message("cannot open a.jpg: No such file or directory");
  EXPECT_EQ(ErrorLine("a.jpg", error),
            "vitrine: cannot open a.jpg: No such file or directory\n");
}

TEST(SearchTable, ShowsTheFirstTenValuesOfAFacet) {
  v1::SearchResponse response;
  v1::Facet* facet = response.add_facets();
  facet->set_attribute("colour");
  for (int i = 0; i < 12; ++i) {
    v1::Facet::Count* count = facet->add_counts();
    count->set_value(i == 0 ? "Red" : "shade " + std::to_string(i));
    count->set_count(i == 0 ? 1234 : 20 - i);
  }
  facet->set_others(5);
  response.add_facets()->set_attribute("flavour");
  const std::string text = SearchTable("q", response, 0, 0);
  EXPECT_NE(text.find("\n\n  colour    products\n  Red          1,234\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  shade 9         11\n  (others)        24\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("no product that matches has the attribute flavour\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace vitrine::cli
