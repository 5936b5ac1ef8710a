#include "clients/cli/filter_flag.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cmath>

namespace vitrine::cli {
namespace {

void ExpectParsed(const std::string& text, const std::string& expected) {
  v1::Filter filter;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(expected, &filter));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(
      ParseCondition(text), filter))
      << text << ": " << ParseCondition(text).ShortDebugString();
}

std::string Refused(const std::string& text) {
  try {
    ParseCondition(text);
  } catch (const CLI::ValidationError& error) {
    return error.what();
  }
  return "";
}

TEST(ParseCondition, ReadsEachKind) {
  ExpectParsed("category=Shirt|Dress", R"(condition {
      attribute: "category" any_of { values: "Shirt" values: "Dress" } })");
  ExpectParsed("onSale=true", R"(condition {
      attribute: "onSale" any_of { values: "true" } })");
  ExpectParsed("price<=50", R"(condition {
      attribute: "price" range { max: 50 } })");
  ExpectParsed("price>=-1.5", R"(condition {
      attribute: "price" range { min: -1.5 } })");
  ExpectParsed("season?", R"(condition { attribute: "season" exists: true })");
  ExpectParsed("!season?", R"(none { filters {
      condition { attribute: "season" exists: true } } })");
  ExpectParsed("!colour=Red|Navy Blue", R"(none { filters { condition {
      attribute: "colour" any_of { values: "Red" values: "Navy Blue" } } } })");
}

TEST(ParseCondition, LeavesOutTheEndOfAnOpenRange) {
  const double below = ParseCondition("price<50").condition().range().max();
  EXPECT_LT(below, 50);
  EXPECT_EQ(std::nextafter(below, 100), 50);
  const double above = ParseCondition("price>50").condition().range().min();
  EXPECT_GT(above, 50);
  EXPECT_EQ(std::nextafter(above, 0), 50);
}

TEST(ParseCondition, TakesCharactersAfterABackslashAsTheyAre) {
  ExpectParsed(R"(brand=A\|B|C\\)", R"(condition {
      attribute: "brand" any_of { values: "A|B" values: "C\\" } })");
  ExpectParsed(R"(a\=b=c=d)", R"(condition {
      attribute: "a=b" any_of { values: "c=d" } })");
  ExpectParsed(R"(\!odd=1)", R"(condition {
      attribute: "!odd" any_of { values: "1" } })");
}

TEST(ParseCondition, SaysWhatWouldBeRight) {
  for (const auto& [text, part] :
       {std::pair("colour", "NAME=VALUE"), std::pair("", "NAME=VALUE"),
        std::pair("=Red", "NAME=VALUE"), std::pair("!", "NAME=VALUE"),
        std::pair("colour!=Red", "write !colour=Red"),
        std::pair("colour==Red", "one = too many"),
        std::pair("price=<50", "wrong way round"),
        std::pair("!!colour=Red", "one ! too many"),
        std::pair("colour=", "lacks a value"),
        std::pair("colour=Red||Blue", "lacks a value"),
        std::pair("price<=cheap", "'cheap', which is no number"),
        std::pair("price<", "is no number"), std::pair("price>nan", "'nan'"),
        std::pair("season?yes", "write season?"),
        std::pair("colour=\xff", "not UTF-8")}) {
    const std::string message = Refused(text);
    EXPECT_NE(message.find(part), std::string::npos) << text << ": " << message;
    EXPECT_NE(message.find("--filter"), std::string::npos) << message;
  }
}

TEST(ParseBoost, ReadsAConditionAndAFactor) {
  v1::Boost boost = ParseBoost("email=me@shop|you@shop@0.25");
  EXPECT_EQ(boost.factor(), 0.25f);
  EXPECT_EQ(boost.filter().condition().attribute(), "email");
  EXPECT_EQ(boost.filter().condition().any_of().values(1), "you@shop");
  boost = ParseBoost("price<=50@2");
  EXPECT_EQ(boost.factor(), 2);
  EXPECT_EQ(boost.filter().condition().range().max(), 50);
}

TEST(ParseBoost, SaysWhatWouldBeRight) {
  auto refused = [](const std::string& text) -> std::string {
    try {
      ParseBoost(text);
    } catch (const CLI::ValidationError& error) {
      return error.what();
    }
    return "";
  };
  for (const char* wrong : {"brand=Acme", "brand=Acme@", "brand=Acme@x", "",
                            "brand=Acme@1.5x", "brand=me@shop"}) {
    const std::string message = refused(wrong);
    EXPECT_NE(message.find("is no boost: give a condition and a factor, such "
                           "as brand=Acme@1.5"),
              std::string::npos)
        << message;
  }
  const std::string message = refused("brand@2");
  EXPECT_TRUE(message.starts_with("--boost: 'brand' is no condition"))
      << message;
}

TEST(AllOf, NeedsNoListForOne) {
  const v1::Filter one = ParseCondition("a=1");
  EXPECT_TRUE(AllOf({one}).has_condition());
  const v1::Filter both = AllOf({one, ParseCondition("!b?")});
  ASSERT_EQ(both.all().filters_size(), 2);
  EXPECT_TRUE(both.all().filters(1).has_none());
}

}  // namespace
}  // namespace vitrine::cli
