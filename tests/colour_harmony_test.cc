#include "server/colour_harmony.h"

#include <gmock/gmock.h>

namespace vitrine {
namespace {

using Harmony = v1::ColourHarmony;

Harmony::Relation Relation(const std::string& a, const std::string& b) {
  return RelationOf(ColoursNamed(a), ColoursNamed(b));
}

TEST(ColourHarmony, KnowsTheRelationsOfColourTheory) {
  struct Case {
    const char* a;
    const char* b;
    Harmony::Relation relation;
  };
  const Case cases[] = {
      // The opposites of the wheel of painters, and what is beside them.
      {"Red", "Green", Harmony::RELATION_COMPLEMENTARY},
      {"Blue", "Orange", Harmony::RELATION_COMPLEMENTARY},
      {"Yellow", "Violet", Harmony::RELATION_COMPLEMENTARY},
      {"Yellow", "Lavender", Harmony::RELATION_COMPLEMENTARY},
      {"Blue", "Brown", Harmony::RELATION_COMPLEMENTARY},
      // Its two triads.
      {"Red", "Yellow", Harmony::RELATION_TRIADIC},
      {"Yellow", "Blue", Harmony::RELATION_TRIADIC},
      {"Blue", "Red", Harmony::RELATION_TRIADIC},
      {"Orange", "Green", Harmony::RELATION_TRIADIC},
      {"Green", "Purple", Harmony::RELATION_TRIADIC},
      // Neighbours.
      {"Blue", "Teal", Harmony::RELATION_ANALOGOUS},
      {"Blue", "Green", Harmony::RELATION_ANALOGOUS},
      {"Red", "Rust", Harmony::RELATION_ANALOGOUS},
      {"Yellow", "Lime Green", Harmony::RELATION_ANALOGOUS},
      {"Magenta", "Red", Harmony::RELATION_ANALOGOUS},  // Across 0 degrees.
      // One hue.
      {"Red", "Maroon", Harmony::RELATION_MONOCHROME},
      {"Pink", "Burgundy", Harmony::RELATION_MONOCHROME},
      {"Pink", "Red", Harmony::RELATION_MONOCHROME},
      // Neutrals go with all, and with each other.
      {"Black", "Red", Harmony::RELATION_NEUTRAL},
      {"Orange", "Navy Blue", Harmony::RELATION_NEUTRAL},
      {"White", "Grey", Harmony::RELATION_NEUTRAL},
      {"Blue Denim", "Green", Harmony::RELATION_NEUTRAL},
      {"Beige", "Purple", Harmony::RELATION_NEUTRAL},
      // None of these.
      {"Orange", "Pink", Harmony::RELATION_DISCORDANT},
      {"Red", "Lavender", Harmony::RELATION_DISCORDANT},
      {"Yellow", "Peach", Harmony::RELATION_DISCORDANT},
      {"Mustard", "Red", Harmony::RELATION_DISCORDANT},
      // Nothing is known.
      {"Multi", "Red", Harmony::RELATION_UNSPECIFIED},
      {"", "", Harmony::RELATION_UNSPECIFIED},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(Relation(one.a, one.b), one.relation) << one.a << ", " << one.b;
    EXPECT_EQ(Relation(one.b, one.a), one.relation) << one.b << ", " << one.a;
  }
}

TEST(ColourHarmony, OfSeveralColoursTheLeastRelationCounts) {
  EXPECT_EQ(Relation("Green", "Red/White"), Harmony::RELATION_COMPLEMENTARY);
  EXPECT_EQ(Relation("Mustard and black", "red"), Harmony::RELATION_DISCORDANT);
  EXPECT_EQ(Relation("black, white", "Red"), Harmony::RELATION_NEUTRAL);
}

TEST(ColourHarmony, ReadsNamesAsShopsWriteThem) {
  auto hue = [](const std::string& text) {
    const std::vector<NamedColour> colours = ColoursNamed(text);
    EXPECT_EQ(colours.size(), 1u) << text;
    if (colours.empty()) return -2.0f;
    return colours[0].is_neutral ? -1.0f : colours[0].hue;
  };
  EXPECT_EQ(hue("red"), 0);
  EXPECT_EQ(hue("Dark-RED"), 0);
  EXPECT_EQ(hue("light blue melange"), 240);
  EXPECT_EQ(hue("Navy Blue"), -1);
  EXPECT_EQ(hue("off-white"), -1);
  EXPECT_EQ(hue("Grey Melange"), -1);
  EXPECT_EQ(hue("Sea Green"), 195);
  EXPECT_EQ(hue("Turquoise Blue"), 210);
  EXPECT_EQ(hue("Coffee Brown"), 45);
  EXPECT_EQ(ColoursNamed("Red / White").size(), 2u);
  EXPECT_EQ(ColoursNamed("red & white, black").size(), 3u);
  for (const char* unknown :
       {"", "Multi", "Metallic", "Redder", "#ff0000", "/"})
    EXPECT_TRUE(ColoursNamed(unknown).empty()) << unknown;
}

TEST(ColourHarmony, FindsTheAttributeThatTellsTheColour) {
  google::protobuf::Map<std::string, v1::AttributeValue> attributes;
  EXPECT_EQ(ColourOf(attributes), "");
  attributes["brand"].set_text("Red");
  attributes["price"].set_number(3);
  EXPECT_EQ(ColourOf(attributes), "");
  attributes["COLOR"].set_text("Green");
  EXPECT_EQ(ColourOf(attributes), "Green");
  attributes["baseColour"].set_text("Multi");  // Tells nothing.
  EXPECT_EQ(ColourOf(attributes), "Green");
  attributes["base_colour"].mutable_list()->add_values("Red");
  attributes["base_colour"].mutable_list()->add_values("White");
  EXPECT_EQ(ColourOf(attributes), "Red/White");
}

TEST(ColourHarmony, OfNamesThatDifferInCaseTheLowerCounts) {
  google::protobuf::Map<std::string, v1::AttributeValue> attributes;
  attributes["colour"].set_text("Red");
  attributes["Colour"].set_text("Blue");
  EXPECT_EQ(ColourOf(attributes), "Blue");
}

TEST(ColourHarmony, ValuesFallFromTheQuietToTheDiscordant) {
  float last = 1.01f;
  for (const auto relation :
       {Harmony::RELATION_NEUTRAL, Harmony::RELATION_MONOCHROME,
        Harmony::RELATION_ANALOGOUS, Harmony::RELATION_COMPLEMENTARY,
        Harmony::RELATION_TRIADIC, Harmony::RELATION_DISCORDANT}) {
    EXPECT_LT(ValueOf(relation), last);
    EXPECT_GT(ValueOf(relation), 0);
    last = ValueOf(relation);
  }
}

}  // namespace
}  // namespace vitrine
