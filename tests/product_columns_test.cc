#include "common/index/product_columns.h"

#include "tests/test_util/random_products.h"
#include "tests/test_util/search_fixture.h"

namespace vitrine {
namespace {

class ProductColumnsTest : public SearchFixture {
 protected:
  ProductSegment Write(const Products& products) {
    EXPECT_OK(builder_.PutProducts(products));
    return ProductSegment(Publish()->products().segments().back());
  }
  // The values of a column by record, from marking one code at a time.
  static std::map<uint32_t, AttributeValue> ValuesOf(
      const ProductColumn& column, uint32_t records) {
    std::map<uint32_t, AttributeValue> values;
    for (size_t code = 1; code < column.values().size(); ++code) {
      std::vector<uint8_t> marked(column.values().size());
      marked[code] = 1;
      Bitmap rows(records);
      column.Mark(marked, &rows);
      rows.ForEach([&](uint32_t record) {
        EXPECT_TRUE(values.try_emplace(record, column.values()[code]).second);
      });
    }
    return values;
  }
};

TEST_F(ProductColumnsTest, KeepsEachValueOnceAndRareColumnsToo) {
  Products products;
  for (int i = 0; i < 200; ++i) {
    auto& product = products[absl::StrCat("p", 1000 + i)].emplace();
    auto& attributes = *product.mutable_attributes();
    attributes["colour"].set_text(i % 3 == 0 ? "red" : "blue");
    attributes["tags"].mutable_list()->add_values("b");
    attributes["tags"].mutable_list()->add_values("a");
    if (i == 77) attributes["rare"].set_number(5);
    if (i == 78) attributes["unset"];
  }
  const ProductSegment segment = Write(products);
  EXPECT_FALSE(segment.has_columns());
  const ProductColumns& columns = segment.columns();
  EXPECT_TRUE(segment.has_columns());
  EXPECT_EQ(&segment.columns(), &columns);
  EXPECT_EQ(columns.products().Count(), 200u);

  const ProductColumn* colours = columns.Find("colour");
  ASSERT_NE(colours, nullptr);
  EXPECT_EQ(colours->values().size(), 3u);
  const auto by_record = ValuesOf(*colours, 200);
  ASSERT_EQ(by_record.size(), 200u);
  for (const auto& [record, value] : by_record) {
    EXPECT_EQ(std::get<std::string_view>(value),
              record % 3 == 0 ? "red" : "blue");
  }
  const ProductColumn* tags = columns.Find("tags");
  ASSERT_NE(tags, nullptr);
  ASSERT_EQ(tags->values().size(), 2u);
  EXPECT_EQ(std::get<std::vector<std::string_view>>(tags->values()[1]),
            (std::vector<std::string_view>{"a", "b"}));
  const ProductColumn* rare = columns.Find("rare");
  ASSERT_NE(rare, nullptr);
  EXPECT_EQ(ValuesOf(*rare, 200),
            (std::map<uint32_t, AttributeValue>{{77, 5.0}}));
  EXPECT_EQ(columns.Find("unset"), nullptr);
  EXPECT_EQ(columns.Find("category"), nullptr);
}

TEST_F(ProductColumnsTest, CountsTheRecordsThatAreAskedFor) {
  Products products;
  for (int i = 0; i < 130; ++i) {
    auto& product = products[absl::StrCat("p", 1000 + i)].emplace();
    auto& attributes = *product.mutable_attributes();
    attributes["often"].set_number(i % 2);
    if (i % 10 == 0) attributes["seldom"].set_number(i % 20);
  }
  const ProductSegment segment = Write(products);
  Bitmap records(130);
  for (uint32_t record : {0u, 1u, 10u, 63u, 64u, 129u}) records.Set(record);
  for (const auto& [name, first, second] :
       {std::tuple("often", 3, 3), std::tuple("seldom", 1, 1)}) {
    const ProductColumn* column = segment.columns().Find(name);
    ASSERT_NE(column, nullptr);
    std::vector<int64_t> counts(column->values().size());
    column->Count(records.words().data(), &counts);
    EXPECT_EQ(counts[1], first) << name;
    EXPECT_EQ(counts[2], second) << name;
  }
}

TEST_F(ProductColumnsTest, LeavesOutWhatIsNoProduct) {
  Products products;
  products["a"].emplace().set_category("Dress");
  products["b"] = std::nullopt;
  products["d"].emplace().set_visible_until_unix_ms(5);
  const ProductSegment segment = Write(products);
  EXPECT_EQ(segment.columns().products().Count(), 2u);
  EXPECT_EQ(ValuesOf(*segment.columns().Find("category"), 4).size(), 1u);
  ASSERT_EQ(segment.windows().size(), 1u);
  EXPECT_EQ(segment.windows()[0].record, 2u);
  EXPECT_EQ(segment.windows()[0].until_unix_ms, 5);
  EXPECT_LT(segment.windows()[0].from_unix_ms, -1'000'000'000'000'000);
}

}  // namespace
}  // namespace vitrine
