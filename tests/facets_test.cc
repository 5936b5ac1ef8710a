#include "common/index/facets.h"

#include "tests/test_util/random_products.h"
#include "tests/test_util/search_fixture.h"

namespace vitrine {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class FacetsTest : public SearchFixture {
 protected:
  static std::vector<std::pair<std::string, int64_t>> CountsOf(
      const v1::Facet& facet) {
    std::vector<std::pair<std::string, int64_t>> counts;
    for (const v1::Facet::Count& count : facet.counts()) {
      counts.emplace_back(count.value(), count.count());
    }
    return counts;
  }
  Row RowOf(const std::string& id, const std::string& key) {
    return MakeRow(id, key, DrawVector(0, &random_));
  }
  ProductDrawer drawer_{5};
};

TEST_F(FacetsTest, CountsWhatTheRecordsSay) {
  // Two shards and three segments; some products have rows in both shards, some
  // in none, some no record.
  std::vector<Row> rows[2];
  std::map<std::string, storage::ProductRecord> known;
  for (int segment = 0; segment < 3; ++segment) {
    Products products;
    for (int i = 0; i < 150; ++i) {
      const std::string id = absl::StrCat("p", drawer_.Draw(250));
      products[id] = drawer_.DrawProduct();
    }
    for (const auto& [id, product] : products) known[id] = *product;
    ASSERT_OK(builder_.PutProducts(products));
  }
  for (int i = 0; i < 280; ++i) {
    const std::string id = absl::StrCat("p", i);
    if (drawer_.Draw(3) != 0) rows[0].push_back(RowOf(id, "a"));
    if (drawer_.Draw(3) == 0) rows[1].push_back(RowOf(id, "b"));
    if (drawer_.Draw(3) == 0) rows[1].push_back(RowOf(id, "c"));
  }
  for (const auto& shard : rows) ASSERT_OK(builder_.AddShard(shard));
  ASSERT_OK(builder_.DeleteRows(0, {0, 5, 9}));
  const auto snapshot = Publish();
  const std::vector<std::string> attributes = {
      "colour", "price", "onSale", "tags", "size", "category", "nobody's"};
  for (int turn = 0; turn < 20; ++turn) {
    const v1::Filter filter = drawer_.DrawFilter(3);
    const auto selected =
        snapshot->selector().Select(&filter, /*now_unix_ms=*/0);
    const RowFilter* rows_asked = turn == 0 ? nullptr : selected.get();
    const auto facets =
        snapshot->selector().CountFacets(attributes, rows_asked, 1000);
    ASSERT_EQ(facets.size(), attributes.size());
    for (size_t a = 0; a < attributes.size(); ++a) {
      std::map<std::string, int64_t> expected;
      for (const auto& [id, product] : known) {
        int live = 0;
        snapshot->ForEachRowOf(id, [&](const Shard&, uint32_t) { ++live; });
        const auto value = AttributeOf(id, product, attributes[a]);
        if (live == 0 || !value ||
            (turn > 0 && !Satisfies(id, product, filter))) {
          continue;
        }
        std::set<std::string> texts(value->list().values().begin(),
                                    value->list().values().end());
        if (value->has_text()) texts = {value->text()};
        if (value->has_number()) texts = {absl::StrCat(value->number())};
        if (value->has_flag()) texts = {value->flag() ? "true" : "false"};
        for (const std::string& text : texts) ++expected[text];
      }
      EXPECT_EQ(facets[a].attribute(), attributes[a]);
      EXPECT_EQ(facets[a].others(), 0);
      const auto counts = CountsOf(facets[a]);
      EXPECT_EQ((std::map<std::string, int64_t>(counts.begin(), counts.end())),
                expected)
          << attributes[a] << " " << filter.ShortDebugString();
      EXPECT_TRUE(std::is_sorted(
          counts.begin(), counts.end(), [](const auto& x, const auto& y) {
            return x.second != y.second ? x.second > y.second
                                        : x.first < y.first;
          }));
    }
  }
}

TEST_F(FacetsTest, NamesTheMostFrequentAndCountsTheOthers) {
  Products products;
  std::vector<Row> rows;
  auto add = [&](const std::string& colour, int n) {
    for (int i = 0; i < n; ++i) {
      const std::string id = absl::StrCat(colour, i);
      products[id].emplace();
      (*products[id]->mutable_attributes())["colour"].set_text(colour);
      rows.push_back(RowOf(id, "a"));
    }
  };
  add("red", 3);
  add("green", 2);
  add("blue", 2);
  add("grey", 1);
  ASSERT_OK(builder_.PutProducts(products));
  ASSERT_OK(builder_.AddShard(rows));
  const auto facets =
      Publish()->selector().CountFacets({"colour"}, nullptr, /*max_values=*/2);
  ASSERT_EQ(facets.size(), 1u);
  EXPECT_THAT(CountsOf(facets[0]),
              ElementsAre(Pair("red", 3), Pair("blue", 2)));
  EXPECT_EQ(facets[0].others(), 3);
}

}  // namespace
}  // namespace vitrine
