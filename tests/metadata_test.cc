#include "common/catalog/metadata.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

using storage::ProductRecord;

struct Loaded {
  std::unique_ptr<Metadata> metadata;
  CatalogProblems problems;

  ProductRecord Describe(std::string_view id) const {
    ProductRecord record;
    const auto row = metadata->Find(id);
    EXPECT_TRUE(row) << id;
    if (row) metadata->Describe(*row, &record);
    return record;
  }
  int Count(ProblemKind kind) const {
    int n = 0;
    for (const auto& problem : problems) n += problem.kind == kind;
    return n;
  }
};

Loaded Table(std::string text, std::string_view name = "styles.csv",
             std::string_view category = "") {
  Loaded loaded;
  auto metadata =
      ParseTableMetadata(std::move(text), name, category, &loaded.problems);
  EXPECT_TRUE(metadata.ok()) << metadata.status();
  if (metadata.ok()) loaded.metadata = *std::move(metadata);
  return loaded;
}

Loaded Lines(std::string text, std::string_view category = "") {
  Loaded loaded;
  auto metadata = ParseJsonlMetadata(std::move(text), "products.jsonl",
                                     category, &loaded.problems);
  EXPECT_TRUE(metadata.ok()) << metadata.status();
  if (metadata.ok()) loaded.metadata = *std::move(metadata);
  return loaded;
}

constexpr char kStyles[] =
    "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,"
    "usage,productDisplayName\n"
    "15970,Men,Apparel,Topwear,Shirts,Navy Blue,Fall,2011,Casual,Turtle Check "
    "Men Navy Blue Shirt\n"
    "39386,Men,Apparel,Bottomwear,Jeans,Blue,Summer,2012,Casual,Peter England "
    "Men Party Blue Jeans, slim, 32\n"
    "59263,Women,Accessories,Watches,Watches,Silver,Winter,,,Titan Women "
    "Silver Watch\n";

TEST(TableMetadata, ReadsTheFashionTable) {
  const Loaded l = Table(kStyles);
  EXPECT_TRUE(l.problems.empty());
  ASSERT_EQ(l.metadata->rows(), 3u);
  EXPECT_EQ(l.metadata->category_attribute(), "articleType");
  const ProductRecord jeans = l.Describe("39386");
  EXPECT_EQ(jeans.title(), "Peter England Men Party Blue Jeans, slim, 32");
  EXPECT_EQ(jeans.category(), "Jeans");
  EXPECT_EQ(jeans.attributes().at("year").number(), 2012);
  EXPECT_EQ(jeans.attributes().at("baseColour").text(), "Blue");
  EXPECT_EQ(jeans.attributes_size(), 7);
  // A missing value is no value, and does not make the year a text.
  EXPECT_FALSE(l.Describe("59263").attributes().contains("year"));
  EXPECT_FALSE(l.Describe("59263").attributes().contains("usage"));
}

TEST(TableMetadata, ReadsTheClothingTable) {
  const Loaded l = Table(
      "image,sender_id,label,kids\na-1,148,T-Shirt,False\nb-2,94,Not "
      "sure,True\n",
      "images.csv");
  const ProductRecord record = l.Describe("b-2");
  EXPECT_EQ(record.category(), "Not sure");
  EXPECT_EQ(record.attributes().at("sender_id").number(), 94);
  EXPECT_TRUE(record.attributes().at("kids").flag());
  EXPECT_EQ(record.title(), "");
}

TEST(TableMetadata, AColumnIsANumberOnlyWhereAllItsValuesAre) {
  const Loaded l = Table(
      "id,size,code,ean,price,mixed\n"
      "a,38,007,12345678901234567890,1.50,1\n"
      "b,XL,12,4006381333931,-2e3,True\n");
  const auto record = l.Describe("a");
  const auto& a = record.attributes();
  EXPECT_EQ(a.at("size").text(), "38");
  EXPECT_EQ(a.at("code").text(), "007");
  EXPECT_EQ(a.at("ean").text(), "12345678901234567890");
  EXPECT_EQ(a.at("price").number(), 1.5);
  EXPECT_EQ(a.at("mixed").text(), "1");
}

TEST(TableMetadata, NeverTakesWordsForNumbers) {
  const Loaded l = Table("id,a,b,c\n1,nan,inf,0x1F\n");
  const ProductRecord record = l.Describe("1");
  for (const auto& [name, value] : record.attributes()) {
    EXPECT_TRUE(value.has_text()) << name;
  }
}

TEST(TableMetadata, TheLastOfTwoRowsOfOneIdCounts) {
  const Loaded l = Table("id,label\n1,old\n2,x\n1,new\n");
  EXPECT_EQ(l.metadata->rows(), 2u);
  EXPECT_EQ(l.Describe("1").category(), "new");
  ASSERT_EQ(l.problems.size(), 1u);
  EXPECT_EQ(l.problems[0].kind, ProblemKind::kDuplicateRow);
  EXPECT_EQ(l.problems[0].line, 4);
  EXPECT_EQ(l.metadata->line(*l.metadata->Find("1")), 4);
}

TEST(TableMetadata, LeavesOutRowsWithoutAnId) {
  const Loaded l = Table("id,label\n,Shirt\n2,Hat\n");
  EXPECT_EQ(l.metadata->rows(), 1u);
  EXPECT_EQ(l.Count(ProblemKind::kBadRow), 1);
}

TEST(TableMetadata, TakesFileNamesForIds) {
  const Loaded l =
      Table("filename,label\nimages/a.JPG,Hat\n./b.png,Cap\n", "images.csv");
  EXPECT_TRUE(l.metadata->Find("a"));
  EXPECT_TRUE(l.metadata->Find("b"));
}

TEST(TableMetadata, TheCategoryCanBeNamed) {
  const Loaded l = Table(kStyles, "styles.csv", "gender");
  EXPECT_EQ(l.Describe("59263").category(), "Women");
  EXPECT_EQ(l.Describe("59263").attributes().at("articleType").text(),
            "Watches");
}

TEST(TableMetadata, RefusesAColumnThatIsNotThere) {
  CatalogProblems problems;
  auto metadata =
      ParseTableMetadata(kStyles, "styles.csv", "colour", &problems);
  EXPECT_EQ(metadata.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(metadata.status().message());
  EXPECT_NE(message.find("colour"), std::string::npos) << message;
  EXPECT_NE(message.find("baseColour"), std::string::npos) << message;
  metadata = ParseTableMetadata("a,b\n1,2\n", "images.csv", "", &problems);
  EXPECT_EQ(metadata.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(JsonlMetadata, ReadsProductsAndTheirPictures) {
  const Loaded l = Lines(
      R"({"id":"A","title":"Shirt","category":"Tops","images":["a1.jpg","./b//a2.jpg"]})"
      "\n\n"
      R"({"id":"B","attributes":{"price":3}})");
  ASSERT_EQ(l.metadata->rows(), 2u);
  EXPECT_EQ(l.metadata->line(1), 3);
  EXPECT_EQ(l.Describe("A").category(), "Tops");
  EXPECT_EQ(l.Describe("B").attributes().at("price").number(), 3);
  ASSERT_EQ(l.metadata->pictures().size(), 2u);
  EXPECT_EQ(l.metadata->pictures()[1].first, "b/a2.jpg");
  EXPECT_TRUE(l.problems.empty());
}

TEST(JsonlMetadata, ReportsABadLineWithItsNumberAndReadsOn) {
  const Loaded l = Lines("{\"id\":\"A\"}\n{\"id\":\"B\",\n{\"id\":\"C\"}\n");
  EXPECT_EQ(l.metadata->rows(), 2u);
  ASSERT_EQ(l.problems.size(), 1u);
  EXPECT_EQ(l.problems[0].kind, ProblemKind::kBadRow);
  EXPECT_EQ(l.problems[0].line, 2);
  EXPECT_NE(l.problems[0].message.find("products.jsonl line 2"),
            std::string::npos);
}

TEST(JsonlMetadata, TheLastOfTwoLinesOfOneIdCounts) {
  const Loaded l =
      Lines(R"({"id":"A","title":"old","images":["1.jpg","2.jpg"]})"
            "\n"
            R"({"id":"A","title":"new","images":["2.jpg"]})");
  EXPECT_EQ(l.metadata->rows(), 1u);
  EXPECT_EQ(l.Describe("A").title(), "new");
  ASSERT_EQ(l.metadata->pictures().size(), 1u);
  EXPECT_EQ(l.metadata->pictures()[0].first, "2.jpg");
  EXPECT_EQ(l.Count(ProblemKind::kDuplicateRow), 1);
  EXPECT_EQ(l.Count(ProblemKind::kPictureOfTwoRows), 0);
}

TEST(JsonlMetadata, ReportsAPictureThatTwoProductsName) {
  const Loaded l = Lines(R"({"id":"A","images":["1.jpg"]})"
                         "\n"
                         R"({"id":"B","images":["1.jpg"]})");
  EXPECT_EQ(l.Count(ProblemKind::kPictureOfTwoRows), 1);
  ASSERT_EQ(l.metadata->pictures().size(), 1u);
  EXPECT_EQ(l.metadata->id(l.metadata->pictures()[0].second), "B");
}

TEST(JsonlMetadata, RefusesPathsOutOfTheCatalogue) {
  const Loaded l =
      Lines(R"({"id":"A","images":["../1.jpg","/etc/passwd","ok.jpg"]})");
  EXPECT_EQ(l.Count(ProblemKind::kPathEscapes), 2);
  EXPECT_EQ(l.metadata->pictures().size(), 1u);
}

TEST(JsonlMetadata, TheCategoryCanBeAnAttribute) {
  const std::string text =
      R"({"id":"A","category":"x","attributes":{"kind":"Shirt"}})"
      "\n"
      R"({"id":"B","attributes":{"colour":"red"}})";
  const Loaded l = Lines(text, "kind");
  EXPECT_EQ(l.Describe("A").category(), "Shirt");
  EXPECT_EQ(l.Describe("A").attributes_size(), 0);
  EXPECT_EQ(l.Describe("B").category(), "");
  CatalogProblems problems;
  const auto wrong =
      ParseJsonlMetadata(text, "products.jsonl", "sort", &problems);
  EXPECT_EQ(wrong.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(wrong.status().message()).find("colour, kind"),
            std::string::npos);
}

TEST(TableMetadata, ReadsWhenProductsAreOffered) {
  const Loaded l = Table(
      "id,label,Visible From,visible_until\n"
      "1,Dress,2026-03-01,2026-03-02T12:00:00Z\n"
      "2,Dress,,\n"
      "3,Dress,soon,2026-03-02\n");
  const ProductRecord first = l.Describe("1");
  EXPECT_EQ(first.visible_from_unix_ms(), 1'772'323'200'000);
  EXPECT_EQ(first.visible_until_unix_ms(), 1'772'452'800'000);
  EXPECT_EQ(first.attributes_size(), 0);
  EXPECT_EQ(l.Describe("2").visible_from_unix_ms(), 0);
  EXPECT_EQ(l.Describe("2").visible_until_unix_ms(), 0);
  // What is no time counts as missing, and the rest is read.
  EXPECT_EQ(l.Describe("3").visible_from_unix_ms(), 0);
  EXPECT_EQ(l.Describe("3").visible_until_unix_ms(), 1'772'409'600'000);
  ASSERT_EQ(l.problems.size(), 1u);
  EXPECT_EQ(l.problems[0].kind, ProblemKind::kBadRow);
  EXPECT_EQ(l.problems[0].line, 4);
  EXPECT_EQ(l.problems[0].product_id, "3");
  EXPECT_NE(l.problems[0].message.find(
                "styles.csv line 4: \"Visible From\" is \"soon\""),
            std::string::npos)
      << l.problems[0].message;
  EXPECT_NE(l.problems[0].message.find("2026-03-01T09:30:00Z"),
            std::string::npos);
}

TEST(JsonlMetadata, ReadsWhenProductsAreOffered) {
  const Loaded l =
      Lines(R"({"id":"1","visible_from":"2026-03-01","visible_until":null})"
            "\n"
            R"({"id":"2","visible_until":1772323200})"
            "\n");
  EXPECT_EQ(l.Describe("1").visible_from_unix_ms(), 1'772'323'200'000);
  EXPECT_EQ(l.Describe("1").visible_until_unix_ms(), 0);
  EXPECT_EQ(l.Describe("2").visible_until_unix_ms(), 0);
  ASSERT_EQ(l.problems.size(), 1u);
  EXPECT_NE(l.problems[0].message.find("\"visible_until\" is 1772323200"),
            std::string::npos)
      << l.problems[0].message;
}

}  // namespace
}  // namespace vitrine
