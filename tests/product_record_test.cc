#include "common/index/product_record.h"

#include <gtest/gtest.h>

#include "tests/test_util/random_products.h"

namespace vitrine {
namespace {

TEST(ProductRecord, ReadsWhatTheMessageSays) {
  ProductDrawer drawer(3);
  ProductRecordView view;
  for (int i = 0; i < 500; ++i) {
    storage::ProductRecord product = drawer.DrawProduct();
    product.set_source("queue");
    product.set_version(7);
    product.add_images()->set_key("a.jpg");
    product.set_visible_from_unix_ms(drawer.Draw(2) * -1'000);
    product.set_visible_until_unix_ms(drawer.Draw(2) * 2'000'000'000'000);
    const std::string bytes = product.SerializeAsString();
    ASSERT_TRUE(ReadProductRecord(bytes, &view));
    EXPECT_EQ(view.category, product.category());
    EXPECT_EQ(view.visible_from_unix_ms, product.visible_from_unix_ms());
    EXPECT_EQ(view.visible_until_unix_ms, product.visible_until_unix_ms());
    ASSERT_EQ(view.attributes.size(), product.attributes().size());
    for (std::string_view entry : view.attributes) {
      std::string_view name, value_bytes;
      ASSERT_TRUE(ReadAttributeEntry(entry, &name, &value_bytes));
      const storage::Attribute& attribute =
          product.attributes().at(std::string(name));
      AttributeValue value;
      const bool has_value = ReadAttribute(value_bytes, &value);
      switch (attribute.kind_case()) {
        case storage::Attribute::kText:
          ASSERT_TRUE(has_value);
          EXPECT_EQ(std::get<std::string_view>(value), attribute.text());
          break;
        case storage::Attribute::kNumber:
          ASSERT_TRUE(has_value);
          EXPECT_EQ(std::get<double>(value), attribute.number());
          break;
        case storage::Attribute::kFlag:
          ASSERT_TRUE(has_value);
          EXPECT_EQ(std::get<bool>(value), attribute.flag());
          break;
        case storage::Attribute::kList: {
          ASSERT_TRUE(has_value);
          std::vector<std::string_view> texts(attribute.list().values().begin(),
                                              attribute.list().values().end());
          std::sort(texts.begin(), texts.end());
          texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
          EXPECT_EQ(std::get<std::vector<std::string_view>>(value), texts);
          break;
        }
        case storage::Attribute::KIND_NOT_SET:
          EXPECT_FALSE(has_value);
      }
    }
  }
}

TEST(ProductRecord, RefusesBytesThatEndEarly) {
  storage::ProductRecord product;
  product.set_category("Dress");
  (*product.mutable_attributes())["price"].set_number(7.5);
  (*product.mutable_attributes())["tags"].mutable_list()->add_values("red");
  const std::string bytes = product.SerializeAsString();
  for (size_t size = 0; size < bytes.size(); ++size) {
    ProductRecordView view;
    storage::ProductRecord parsed;
    const std::string part = bytes.substr(0, size);
    EXPECT_EQ(ReadProductRecord(part, &view), parsed.ParseFromString(part))
        << size;
  }
}

// Whatever the bytes, nothing is read beyond them.
TEST(ProductRecord, SurvivesDamage) {
  ProductDrawer drawer(5);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = drawer.DrawProduct().SerializeAsString();
    for (int flips = 0; flips < 3; ++flips) {
      bytes[static_cast<size_t>(drawer.Draw(static_cast<int>(bytes.size())))] =
          static_cast<char>(drawer.Draw(256));
    }
    const std::string_view exactly(bytes);
    ProductRecordView view;
    if (!ReadProductRecord(exactly, &view)) continue;
    for (std::string_view entry : view.attributes) {
      std::string_view name, value_bytes;
      AttributeValue value;
      if (!ReadAttributeEntry(entry, &name, &value_bytes)) continue;
      ReadAttribute(value_bytes, &value);
      EXPECT_LE(name.size() + value_bytes.size(), bytes.size());
    }
  }
}

}  // namespace
}  // namespace vitrine
