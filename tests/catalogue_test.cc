#include "server/catalogue.h"

#include "common/index/filter.h"
#include "tests/test_util/random_products.h"
#include "tests/test_util/search_fixture.h"

namespace vitrine {
namespace {

// What a catalogue tells, read from the records one by one.
struct Told {
  int64_t products = 0;
  std::map<std::string, int64_t> categories;
  std::map<std::string, int64_t> attributes;

  friend bool operator==(const Told&, const Told&) = default;
};

// As filters have it, to which an empty list is a value too.
bool HasValue(const storage::Attribute& attribute) {
  return attribute.kind_case() != storage::Attribute::KIND_NOT_SET;
}

class CatalogueTest : public SearchFixture {
 protected:
  static Told ReadOneByOne(const Snapshot& snapshot) {
    Told told;
    snapshot.products().ForEach({}, [&](std::string_view, std::string_view v) {
      storage::ProductRecord product;
      EXPECT_TRUE(product.ParseFromArray(v.data(), static_cast<int>(v.size())));
      ++told.products;
      if (!product.category().empty()) ++told.categories[product.category()];
      for (const auto& [name, attribute] : product.attributes()) {
        if (name != "category" && HasValue(attribute)) ++told.attributes[name];
      }
      return true;
    });
    return told;
  }
  static Told TellingOf(const Catalogue& catalogue) {
    Told told;
    told.products = catalogue.products();
    for (const auto& category : catalogue.categories())
      told.categories[category.name] = category.products;
    for (const auto& attribute : catalogue.attributes())
      told.attributes[attribute.name()] = attribute.products();
    return told;
  }
  std::shared_ptr<const Snapshot> Follow(const Snapshot* previous) {
    EXPECT_OK(builder_.Publish());
    auto snapshot =
        Snapshot::Open(builder_.paths(), builder_.manifest(), previous);
    EXPECT_OK(snapshot);
    return *snapshot;
  }
  // The newest `count` segments become one.
  void MergeSegments(const Snapshot& snapshot, int count) {
    auto* segments = builder_.manifest().mutable_product_segments();
    const auto merged = snapshot.products().Merge(static_cast<size_t>(count));
    segments->DeleteSubrange(segments->size() - count, count);
    ASSERT_OK_AND_ASSIGN(
        *segments->Add(),
        WriteProductSegment(
            builder_.paths().products() / absl::StrCat("merged", ++merges_),
            merged));
  }
  static storage::ProductRecord Made(
      const std::string& category,
      const std::map<std::string, std::vector<std::string>>& attributes) {
    storage::ProductRecord product;
    product.set_category(category);
    for (const auto& [name, values] : attributes) {
      storage::Attribute& attribute = (*product.mutable_attributes())[name];
      if (values.size() == 1) {
        attribute.set_text(values[0]);
      } else {
        attribute.mutable_list()->mutable_values()->Assign(values.begin(),
                                                           values.end());
      }
    }
    return product;
  }
  // The ids of the products that go into a slot with `traits`.
  static std::vector<std::string> InSlot(const Snapshot& snapshot,
                                         std::string_view slot,
                                         const TraitValues& traits) {
    const Catalogue catalogue(snapshot, SlotTable::Default());
    const auto filter = catalogue.FilterOfSlot(slot, traits);
    std::vector<std::string> ids;
    if (!filter) return ids;
    EXPECT_OK(CheckFilter(*filter, "filter"));
    const RowSelector& selector = snapshot.selector();
    selector.ForEach(selector.MatchingRecords(*filter), "",
                     [&](std::string_view id, std::string_view) {
                       ids.emplace_back(id);
                       return true;
                     });
    return ids;
  }

  int merges_ = 0;
};

// Generations add, change and delete products, and merge segments; each is told
// from the last one and anew.
TEST_F(CatalogueTest, CountsWhatTheRecordsSay) {
  ASSERT_OK(builder_.AddShard(DrawRows(10, 1)));
  ProductDrawer drawer(3);
  std::shared_ptr<const Snapshot> snapshot;
  for (int generation = 0; generation < 16; ++generation) {
    Products products;
    for (int i = generation == 0 ? 200 : 1 + drawer.Draw(20); i > 0; --i) {
      const std::string id = absl::StrCat("p", drawer.Draw(300));
      products[id] = std::nullopt;
      if (drawer.Draw(5) != 0) products[id] = drawer.DrawProduct();
    }
    ASSERT_OK(builder_.PutProducts(products));
    if (generation % 5 == 4) {
      const auto before = Follow(snapshot.get());
      const int segments = builder_.manifest().product_segments_size();
      ASSERT_NO_FATAL_FAILURE(
          MergeSegments(*before, generation == 14 ? segments : segments - 1));
    }
    snapshot = Follow(snapshot.get());
    const Told told = ReadOneByOne(*snapshot);
    const Catalogue catalogue(*snapshot, SlotTable::Default());
    const Told telling = TellingOf(catalogue);
    EXPECT_EQ(telling.products, told.products) << generation;
    EXPECT_EQ(telling.categories, told.categories) << generation;
    EXPECT_EQ(telling.attributes, told.attributes) << generation;
    ASSERT_OK_AND_ASSIGN(
        const auto anew,
        Snapshot::Open(builder_.paths(), builder_.manifest(), nullptr));
    EXPECT_TRUE(TellingOf(Catalogue(*anew, SlotTable::Default())) == telling)
        << generation;
  }
}

// As a repair leaves out a segment whose file is broken.
TEST_F(CatalogueTest, CountsAgainWhatALostSegmentHadReplaced) {
  ASSERT_OK(builder_.AddShard(DrawRows(10, 1)));
  ASSERT_OK(builder_.PutProducts(
      {{"a", Made("Dress", {})}, {"b", Made("Shirt", {})}}));
  ASSERT_OK(builder_.PutProducts({{"a", Made("Skirt", {})}}));
  const auto first = Follow(nullptr);
  EXPECT_EQ(Catalogue(*first, SlotTable::Default()).categories()[0].name,
            "Shirt");
  builder_.manifest().mutable_product_segments()->RemoveLast();
  const auto second = Follow(first.get());
  const Catalogue catalogue(*second, SlotTable::Default());
  ASSERT_EQ(catalogue.categories().size(), 2);
  EXPECT_EQ(catalogue.categories()[0].name, "Dress");
}

TEST_F(CatalogueTest, TellsTypesOfAttributesAndWhereTheyAreMixed) {
  ASSERT_OK(builder_.AddShard(DrawRows(10, 1)));
  storage::ProductRecord product;
  auto& attributes = *product.mutable_attributes();
  attributes["colour"].set_text("red");
  attributes["price"].set_number(2);
  attributes["sale"].set_flag(true);
  attributes["tags"].mutable_list()->add_values("new");
  attributes["size"].set_text("M");
  storage::ProductRecord other;
  (*other.mutable_attributes())["size"].set_number(38);
  ASSERT_OK(builder_.PutProducts({{"a", product}, {"b", other}}));
  const auto snapshot = Follow(nullptr);
  const Catalogue catalogue(*snapshot, SlotTable::Default());
  std::map<std::string, v1::AttributeType> types;
  for (const auto& one : catalogue.attributes()) types[one.name()] = one.type();
  EXPECT_EQ(types, (std::map<std::string, v1::AttributeType>{
                       {"colour", v1::ATTRIBUTE_TYPE_TEXT},
                       {"price", v1::ATTRIBUTE_TYPE_NUMBER},
                       {"sale", v1::ATTRIBUTE_TYPE_FLAG},
                       {"size", v1::ATTRIBUTE_TYPE_MIXED},
                       {"tags", v1::ATTRIBUTE_TYPE_LIST}}));
}

TEST_F(CatalogueTest, TakesIntoASlotWhatAgreesInEachTrait) {
  ASSERT_OK(builder_.AddShard(DrawRows(10, 1)));
  storage::ProductRecord numbered = Made("Shoes", {});
  (*numbered.mutable_attributes())["season"].set_number(2012);
  ASSERT_OK(builder_.PutProducts({
      {"dress", Made("Dress", {{"gender", {"Women"}}})},
      {"men", Made("Shoes", {{"gender", {"Men"}}})},
      {"women", Made("Shoes", {{"Gender", {"WOMEN"}}})},
      {"untold", Made("Sneakers", {{"colour", {"red"}}})},
      {"unisex", Made("Shoes", {{"gender", {"Unisex"}}})},
      {"either", Made("Shoes", {{"gender", {"Men", "Women"}}})},
      {"winter",
       Made("Shoes", {{"gender", {"Women"}}, {"season", {"Winter"}}})},
      {"numbered", numbered},
      {"numbered in words", Made("Shoes", {{"season", {"2012"}}})},
  }));
  const auto snapshot = Follow(nullptr);
  using Ids = std::vector<std::string>;
  const std::string_view shoes = SlotTable::Default().SlotOf("Shoes");
  EXPECT_EQ(InSlot(*snapshot, shoes, {}),
            (Ids{"either", "men", "numbered", "numbered in words", "unisex",
                 "untold", "winter", "women"}));
  EXPECT_EQ(InSlot(*snapshot, shoes, {{{"women"}, {}, {}, {}}}),
            (Ids{"either", "numbered", "numbered in words", "unisex", "untold",
                 "winter", "women"}));
  EXPECT_EQ(InSlot(*snapshot, shoes, {{{"women"}, {}, {}, {"summer"}}}),
            (Ids{"either", "numbered", "unisex", "untold", "women"}));
  // No product is for girls, and those that tell for whom they are are not.
  EXPECT_EQ(InSlot(*snapshot, shoes, {{{"girls"}, {}, {}, {}}}),
            (Ids{"numbered", "numbered in words", "unisex", "untold"}));
  EXPECT_EQ(InSlot(*snapshot, "no slot", {}), Ids());
}

}  // namespace
}  // namespace vitrine
