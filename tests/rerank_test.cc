#include "server/rerank.h"

#include <gmock/gmock.h>

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::IsEmpty;

using Hits = google::protobuf::RepeatedPtrField<v1::Hit>;

const std::vector<Block>& Blocks() {
  static const auto* const blocks = new std::vector<Block>{
      {"shape", 4, 0.5f}, {"print", 4, 0.25f}, {"colour", 4, 0.25f}};
  return *blocks;
}

// Candidates "0", "1", ..., each a little less similar, of brands in turn.
Hits Candidates(int n, int brands) {
  Hits hits;
  for (int i = 0; i < n; ++i) {
    v1::Hit* hit = hits.Add();
    hit->set_product_id(std::to_string(i));
    hit->set_score(1 - 0.001f * static_cast<float>(i));
    hit->set_distance(0.001f * static_cast<float>(i));
    (*hit->mutable_attributes())["brand"].set_text("b" +
                                                   std::to_string(i % brands));
  }
  return hits;
}

std::vector<std::string> Ids(const Hits& hits) {
  std::vector<std::string> ids;
  for (const v1::Hit& hit : hits) ids.push_back(hit.product_id());
  return ids;
}

v1::SearchRequest Rules(int k) {
  v1::SearchRequest rules;
  rules.set_k(k);
  return rules;
}

void BoostId(const std::string& id, float factor, v1::SearchRequest* rules) {
  v1::Boost* boost = rules->add_boosts();
  auto* condition = boost->mutable_filter()->mutable_condition();
  condition->set_attribute("product_id");
  condition->mutable_any_of()->add_values(id);
  boost->set_factor(factor);
}

TEST(Reranker, OrdersByScoreTimesBoostAndKeepsTheScore) {
  v1::SearchRequest rules = Rules(3);
  rules.set_offset(1);
  BoostId("7", 1.5f, &rules);
  BoostId("0", 0.5f, &rules);
  Reranker reranker(rules);
  EXPECT_EQ(reranker.candidates(), 100);
  Hits hits = Candidates(10, 2);
  ASSERT_TRUE(reranker.Choose(/*all=*/true, &hits));
  // "7" comes first, and is skipped.
  EXPECT_THAT(Ids(hits), ElementsAre("1", "2", "3"));
  rules.set_offset(0);
  hits = Candidates(10, 2);
  ASSERT_TRUE(Reranker(rules).Choose(true, &hits));
  EXPECT_THAT(Ids(hits), ElementsAre("7", "1", "2"));
  EXPECT_THAT(hits[0].score(), FloatEq(0.993f));
  EXPECT_THAT(hits[0].distance(), FloatEq(0.007f));
  EXPECT_EQ(hits[0].boost(), 1.5f);
  EXPECT_EQ(hits[1].boost(), 1);
}

TEST(Reranker, TheProductThatIsAskedForStaysFirst) {
  v1::SearchRequest rules = Rules(2);
  BoostId("0", 0.1f, &rules);
  BoostId("3", 10, &rules);
  Hits hits = Candidates(5, 1);
  ASSERT_TRUE(Reranker(rules, std::nullopt, "0").Choose(true, &hits));
  EXPECT_THAT(Ids(hits), ElementsAre("0", "3"));
}

TEST(Reranker, LooksAtMoreWhereLimitsLetTooFewStand) {
  v1::SearchRequest rules = Rules(3);
  rules.add_diversity()->set_attribute("brand");
  rules.mutable_diversity(0)->set_limit(1);
  Reranker reranker(rules);
  EXPECT_FALSE(reranker.fields().omit_attributes());
  for (const int asked : {100, 400, 1000}) {
    EXPECT_EQ(reranker.candidates(), asked);
    Hits hits = Candidates(asked, 2);
    // No more than a thousand are looked at.
    ASSERT_EQ(reranker.Choose(/*all=*/false, &hits), asked == 1000);
    if (asked == 1000) {
      EXPECT_THAT(Ids(hits), ElementsAre("0", "1"));
    }
  }
  Hits hits = Candidates(5, 2);
  ASSERT_TRUE(Reranker(rules).Choose(/*all=*/true, &hits));
  EXPECT_THAT(Ids(hits), ElementsAre("0", "1"));
}

TEST(Reranker, GivesTheFieldsThatAreAskedFor) {
  v1::SearchRequest rules = Rules(1);
  rules.mutable_fields()->set_omit_attributes(true);
  BoostId("1", 2, &rules);
  Reranker reranker(rules);
  EXPECT_FALSE(reranker.fields().omit_attributes());
  Hits hits = Candidates(2, 1);
  ASSERT_TRUE(reranker.Choose(true, &hits));
  EXPECT_THAT(Ids(hits), ElementsAre("1"));
  EXPECT_THAT(hits[0].attributes(), IsEmpty());
}

// A complement of these cosines and, where it is not empty, this colour.
v1::Hit Complement(const std::string& id, float shape, float print,
                   float colour, const std::string& name) {
  v1::Hit hit;
  hit.set_product_id(id);
  for (const auto& [block, cosine] :
       {std::pair("shape", shape), std::pair("print", print),
        std::pair("colour", colour)}) {
    v1::BlockScore* score = hit.add_block_scores();
    score->set_block(block);
    score->set_cosine(cosine);
  }
  if (!name.empty()) (*hit.mutable_attributes())["colour"].set_text(name);
  return hit;
}

TEST(Reranker, PutsTheHarmonyOfColoursInPlaceOfTheirSimilarity) {
  const v1::SearchRequest rules = Rules(10);
  Hits hits;
  *hits.Add() = Complement("same", 0.9f, 0.3f, 0.5f, "Red");
  *hits.Add() = Complement("black", 0.9f, 0.3f, -0.5f, "Black");
  *hits.Add() = Complement("clash", 0.9f, 0.3f, 0.9f, "Lavender");
  *hits.Add() = Complement("unknown", 0.9f, 0.3f, 0.5f, "Multi");
  ASSERT_TRUE(Reranker(rules, Harmony{"Red", Blocks()}).Choose(true, &hits));
  EXPECT_THAT(Ids(hits), ElementsAre("black", "same", "unknown", "clash"));
  // Style is (0.5 x 0.9 + 0.25 x 0.3) / 0.75 = 0.7.
  EXPECT_THAT(hits[0].score(), FloatEq(0.4f * 0.7f + 0.6f));
  EXPECT_THAT(hits[1].score(), FloatEq(0.4f * 0.7f + 0.6f * 0.95f));
  EXPECT_THAT(hits[2].score(), FloatEq(0.4f * 0.7f + 0.6f * 0.5f));
  EXPECT_FALSE(hits[2].has_colour_harmony());
  EXPECT_EQ(hits[3].colour_harmony().relation(),
            v1::ColourHarmony::RELATION_DISCORDANT);
  EXPECT_THAT(hits[3].distance(), FloatEq(1 - hits[3].score()));
}

TEST(Reranker, WithoutABlockOfColourStyleStandsInForUnknownColours) {
  const v1::SearchRequest rules = Rules(10);
  const std::vector<Block> blocks = {{"shape", 4, 1}};
  Hits hits;
  for (const char* name : {"Lavender", "", "Black"}) {
    v1::Hit* hit = hits.Add();
    *hit = Complement(name, 0.6f, 0, 0, name);
    hit->mutable_block_scores()->DeleteSubrange(1, 2);
  }
  ASSERT_TRUE(Reranker(rules, Harmony{"Red", blocks}).Choose(true, &hits));
  EXPECT_THAT(Ids(hits), ElementsAre("Black", "", "Lavender"));
  EXPECT_THAT(hits[1].score(), FloatEq(0.6f));
}

TEST(Reranker, ColourEmphasisGivesColourItsShare) {
  const std::vector<float> emphasis = ColourEmphasis(Blocks(), 0.6f);
  ASSERT_EQ(emphasis.size(), 3u);
  EXPECT_THAT(emphasis[2] * 0.25f, FloatEq(0.6f));
  EXPECT_THAT(emphasis[0] * 0.5f + emphasis[1] * 0.25f, FloatEq(0.4f));
  EXPECT_THAT(ColourEmphasis({{"shape", 4, 1}}, 0.6f), IsEmpty());
  EXPECT_THAT(ColourEmphasis({{"colour", 4, 1}}, 0.6f), IsEmpty());
}

}  // namespace
}  // namespace vitrine
