#include "common/model/model_card.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace vitrine {
namespace {

using Json = nlohmann::json;

Json GoodCard() {
  return Json::parse(R"({
    "name": "lite0", "version": "1", "input_size": 256, "resize": "letterbox",
    "blocks": [{"name": "shape", "dim": 384, "weight": 0.8},
               {"name": "colour", "dim": 128, "weight": 0.2}],
    "precision": "float32", "origin": "here", "licence": "Apache-2.0",
    "trained_on": "", "a later field": [1, 2]})");
}

void ExpectRefused(const Json& card, const std::string& part) {
  absl::StatusOr<ModelCard> parsed = ParseModelCard(card.dump());
  ASSERT_FALSE(parsed.ok()) << part;
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(parsed.status().message().find(part), absl::string_view::npos)
      << parsed.status() << " says nothing of " << part;
}

TEST(ParseModelCard, ReadsEveryField) {
  absl::StatusOr<ModelCard> card = ParseModelCard(GoodCard().dump());
  ASSERT_TRUE(card.ok()) << card.status();
  EXPECT_EQ(card->id, "");
  EXPECT_EQ(card->name, "lite0");
  EXPECT_EQ(card->version, "1");
  EXPECT_EQ(card->input_size, 256);
  EXPECT_EQ(card->resize, ResizeMode::kLetterbox);
  ASSERT_EQ(card->blocks.size(), 2u);
  EXPECT_EQ(card->blocks[0].name, "shape");
  EXPECT_EQ(card->blocks[0].dim, 384);
  EXPECT_FLOAT_EQ(card->blocks[1].weight, 0.2f);
  EXPECT_EQ(card->precision, "float32");
  EXPECT_EQ(card->licence, "Apache-2.0");
  EXPECT_EQ(card->dim(), 512);
}

TEST(ParseModelCard, RefusesWhatIsNoObject) {
  for (const char* text : {"", "{", "[]", "3", "{\"name\": }"}) {
    absl::StatusOr<ModelCard> card = ParseModelCard(text);
    EXPECT_EQ(card.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ParseModelCard, RefusesAMissingField) {
  const Json good = GoodCard();
  for (const auto& [name, value] : good.items()) {
    if (name == "a later field") continue;
    Json card = GoodCard();
    card.erase(name);
    ExpectRefused(card, name);
  }
  for (const char* name : {"name", "dim", "weight"}) {
    Json card = GoodCard();
    card["blocks"][1].erase(name);
    ExpectRefused(card, name);
  }
}

TEST(ParseModelCard, RefusesAFieldOfAnotherType) {
  const Json good = GoodCard();
  for (const auto& [name, value] : good.items()) {
    if (name == "a later field") continue;
    Json card = GoodCard();
    card[name] = Json::parse(R"({"x": 1})");
    ExpectRefused(card, name);
  }
}

TEST(ParseModelCard, RefusesValuesOutOfRangeAndNamesThem) {
  struct Case {
    const char* pointer;
    Json value;
    const char* part;
  };
  const Case cases[] = {
      {"/input_size", 0, "input_size 0;"},
      {"/input_size", 1025, "1025"},
      {"/input_size", 256.5, "256.5"},
      {"/input_size", 1ull << 40, "1099511627776"},
      {"/resize", "stretch", "`stretch`"},
      {"/precision", "int8", "`int8`"},
      {"/name", "", "empty `name`"},
      {"/blocks", Json::array(), "blocks"},
      {"/blocks/0", 7, "blocks[0]"},
      {"/blocks/0/dim", 100, "100"},
      {"/blocks/0/dim", -64, "-64"},
      {"/blocks/0/dim", 8192, "8192"},
      {"/blocks/0/weight", 0, "weight 0"},
      {"/blocks/0/weight", -0.8, "-0.8"},
      {"/blocks/0/weight", 0.81, "add up to 1.01"},
      {"/blocks/0/name", "colour", "two blocks named `colour`"},
  };
  for (const Case& c : cases) {
    Json card = GoodCard();
    card[Json::json_pointer(c.pointer)] = c.value;
    ExpectRefused(card, c.part);
  }
}

TEST(ParseModelCard, AllowsForRoundingInTheWeights) {
  Json card = GoodCard();
  card["blocks"][0]["weight"] = 0.8005;
  EXPECT_TRUE(ParseModelCard(card.dump()).ok());
}

}  // namespace
}  // namespace vitrine
