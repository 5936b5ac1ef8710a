#include "common/index/hit_selection.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/test_util/search_fixture.h"

namespace vitrine {
namespace {

class HitSelectionTest : public SearchFixture {
 protected:
  // `n` products of brands "b0" to "b4" and sizes; every tenth without a brand.
  std::vector<Row> AddProducts(int n, const GraphParams* graph) {
    std::vector<Row> rows = DrawRows(n, 1);
    EXPECT_OK(builder_.AddShard(rows, graph));
    std::map<std::string, std::optional<storage::ProductRecord>> products;
    for (int i = 0; i < n; ++i) {
      storage::ProductRecord& record = products[rows[i].product_id].emplace();
      record.set_category(i % 2 == 0 ? "Dress" : "Hat");
      auto& attributes = *record.mutable_attributes();
      if (i % 10 != 9) {
        attributes["brand"].set_text("b" + std::to_string(i % 5));
      }
      attributes["price"].set_number(i % 3);
      attributes["sizes"].mutable_list()->add_values("s" +
                                                     std::to_string(i % 4));
      attributes["sizes"].mutable_list()->add_values(
          "s" + std::to_string((i + 1) % 4));
    }
    EXPECT_OK(builder_.PutProducts(products));
    return rows;
  }

  static std::map<std::string, int> CountOf(const Snapshot& snapshot,
                                            const SearchResult& result,
                                            const std::string& attribute) {
    std::map<std::string, int> counts;
    for (const SearchHit& hit : result.hits) {
      const auto record = snapshot.FindProduct(hit.key().product_id);
      const auto found = record->attributes().find(attribute);
      if (found == record->attributes().end()) continue;
      if (found->second.has_text()) ++counts[found->second.text()];
      if (found->second.has_number())
        ++counts[std::to_string(found->second.number())];
      for (const std::string& value : found->second.list().values())
        ++counts[value];
    }
    return counts;
  }
};

TEST_F(HitSelectionTest, NoValueStandsMoreOftenThanItMay) {
  AddProducts(2000, nullptr);
  auto snapshot = Publish();
  for (const char* attribute : {"brand", "price", "sizes"}) {
    SearchParams params;
    params.k = 12;
    params.min_score = -2;
    params.diversity = {{attribute, 2}};
    ASSERT_OK_AND_ASSIGN(const SearchResult result,
                         Search(*snapshot, DrawVector(1, &random_), params));
    int most = 0;
    for (const auto& [value, count] : CountOf(*snapshot, result, attribute))
      most = std::max(most, count);
    EXPECT_EQ(most, 2) << attribute;
  }
}

TEST_F(HitSelectionTest, ASearchThatHasToStopLooksNoFurther) {
  AddProducts(2000, nullptr);
  auto snapshot = Publish();
  SearchParams params;
  params.min_score = -2;
  int asked = 0;
  params.stop = [&asked] { return ++asked > 0; };
  // The nearest rows are enough.
  ASSERT_OK(Search(*snapshot, DrawVector(1, &random_), params));
  EXPECT_EQ(asked, 0);
  params.k = 15;
  params.diversity = {{"brand", 2}};
  EXPECT_STATUS(Search(*snapshot, DrawVector(1, &random_), params),
                absl::StatusCode::kCancelled, "stopped");
  EXPECT_EQ(asked, 1);
}

// Five brands at two each, and the rest without one.
TEST_F(HitSelectionTest, TheSearchGoesOnUntilEnoughHitsStand) {
  const GraphParams graph;
  AddProducts(2000, &graph);
  auto snapshot = Publish();
  SearchParams params;
  params.k = 15;
  params.min_score = -2;
  params.diversity = {{"brand", 2}};
  ASSERT_OK_AND_ASSIGN(const SearchResult result,
                       Search(*snapshot, DrawVector(1, &random_), params));
  EXPECT_EQ(result.hits.size(), 15u);
  EXPECT_EQ(CountOf(*snapshot, result, "brand").size(), 5u);
  for (size_t i = 1; i < result.hits.size(); ++i)
    EXPECT_LE(result.hits[i].score, result.hits[i - 1].score);
}

TEST_F(HitSelectionTest, AllLimitsHoldAtOnce) {
  AddProducts(500, nullptr);
  auto snapshot = Publish();
  SearchParams params;
  params.k = 100;
  params.min_score = -2;
  params.diversity = {{"category", 3}, {"brand", 1}};
  ASSERT_OK_AND_ASSIGN(const SearchResult result,
                       Search(*snapshot, DrawVector(1, &random_), params));
  // Three of each category, whatever else.
  EXPECT_EQ(result.hits.size(), 6u);
  for (const auto& [brand, count] : CountOf(*snapshot, result, "brand"))
    EXPECT_EQ(count, 1) << brand;
}

TEST_F(HitSelectionTest, AHitOfEachProductWherePicturesAreHits) {
  std::vector<Row> rows;
  for (int i = 0; i < 30; ++i) {
    const std::string id = "p" + std::to_string(i / 3);
    rows.push_back(MakeRow(id, std::to_string(i), DrawVector(1, &random_)));
  }
  ASSERT_OK(builder_.AddShard(rows));
  auto snapshot = Publish();
  SearchParams params;
  params.k = 30;
  params.min_score = -2;
  params.group_by_product = false;
  params.diversity = {{"product_id", 1}};
  ASSERT_OK_AND_ASSIGN(const SearchResult result,
                       Search(*snapshot, DrawVector(1, &random_), params));
  EXPECT_EQ(result.hits.size(), 10u);
}

TEST_F(HitSelectionTest, CopiesOfAPictureAreCollapsed) {
  const std::vector<float> original = DrawVector(1, &random_);
  // The same bytes, the same picture compressed anew, and another picture.
  std::vector<float> again = original, other = original;
  again[0] += 0.05F;
  NormaliseBlocks(TestBlocks(), again.data());
  for (size_t i = 0; i < 40; ++i) other[i] = -other[i];
  NormaliseBlocks(TestBlocks(), other.data());
  std::vector<Row> rows = {
      MakeRow("a", "a.jpg", original), MakeRow("b", "b.jpg", original),
      MakeRow("c", "c.jpg", again), MakeRow("d", "d.jpg", other)};
  rows[1].sha256 = rows[0].sha256;
  ASSERT_OK(builder_.AddShard(rows));
  auto snapshot = Publish();
  SearchParams params;
  params.min_score = -2;
  ASSERT_OK_AND_ASSIGN(SearchResult result,
                       Search(*snapshot, original, params));
  EXPECT_EQ(result.hits.size(), 4u);
  params.collapse_near_duplicates = true;
  ASSERT_OK_AND_ASSIGN(result, Search(*snapshot, original, params));
  EXPECT_EQ(Ids(result), (std::vector<std::string>{"a", "d"}));
  ASSERT_EQ(result.hits[0].near_duplicates.size(), 2u);
  const RowRef& first = result.hits[0].near_duplicates[0];
  EXPECT_EQ(first.shard->key(first.row).product_id, "b");
  EXPECT_TRUE(result.hits[1].near_duplicates.empty());
}

// The product that is asked for counts as others do, wherever it would rank.
TEST_F(HitSelectionTest, WhatComesFirstCountsToo) {
  AddProducts(500, nullptr);
  auto snapshot = Publish();
  const Shard& shard = *snapshot->shards()[0].shard;
  const SearchHit first = {&shard, 400, 1, 0, {1, 1}, {}};
  SearchParams params;
  params.min_score = -2;
  params.first = &first;
  params.diversity = {{"brand", 1}};
  ASSERT_OK_AND_ASSIGN(const SearchResult result,
                       Search(*snapshot, DrawVector(1, &random_), params));
  ASSERT_EQ(result.hits.size(), 10u);
  EXPECT_EQ(result.hits[0].row, 400u);
  EXPECT_EQ(result.hits[0].score, 1);
  EXPECT_EQ(CountOf(*snapshot, result, "brand")["b0"], 1);
  // Page by page.
  params.k = 4;
  params.offset = 1;
  ASSERT_OK_AND_ASSIGN(const SearchResult page,
                       Search(*snapshot, DrawVector(1, &random_), params));
  ASSERT_EQ(page.hits.size(), 4u);
  for (const SearchHit& hit : page.hits) EXPECT_NE(hit.row, 400u);
}

TEST_F(HitSelectionTest, CopiesOfWhatComesFirstAreTold) {
  const std::vector<float> original = DrawVector(1, &random_);
  std::vector<Row> rows = {MakeRow("a", "a.jpg", original),
                           MakeRow("b", "b.jpg", original),
                           MakeRow("c", "c.jpg", DrawVector(2, &random_))};
  ASSERT_OK(builder_.AddShard(rows));
  auto snapshot = Publish();
  const Shard& shard = *snapshot->shards()[0].shard;
  // The second by id, so that its copy would come before it.
  const SearchHit first = {&shard, 1, 1, 0, {1, 1}, {}};
  SearchParams params;
  params.min_score = -2;
  params.collapse_near_duplicates = true;
  params.first = &first;
  ASSERT_OK_AND_ASSIGN(const SearchResult result,
                       Search(*snapshot, original, params));
  EXPECT_EQ(Ids(result), (std::vector<std::string>{"b", "c"}));
  ASSERT_EQ(result.hits[0].near_duplicates.size(), 1u);
  EXPECT_EQ(result.hits[0].near_duplicates[0].row, 0u);
}

TEST_F(HitSelectionTest, OfManyCopiesSomeAreTold) {
  std::vector<Row> rows;
  const std::vector<float> same = DrawVector(1, &random_);
  for (int i = 0; i < 300; ++i)
    rows.push_back(MakeRow("p" + std::to_string(i), "k", same));
  ASSERT_OK(builder_.AddShard(rows));
  auto snapshot = Publish();
  SearchParams params;
  params.collapse_near_duplicates = true;
  ASSERT_OK_AND_ASSIGN(const SearchResult result,
                       Search(*snapshot, same, params));
  ASSERT_EQ(result.hits.size(), 1u);
  EXPECT_EQ(result.hits[0].near_duplicates.size(), kMaxNearDuplicates);
}

TEST_F(HitSelectionTest, ALimitBelowOneIsRefused) {
  AddProducts(10, nullptr);
  auto snapshot = Publish();
  SearchParams params;
  params.diversity = {{"brand", 0}};
  EXPECT_EQ(Search(*snapshot, DrawVector(1, &random_), params).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine
