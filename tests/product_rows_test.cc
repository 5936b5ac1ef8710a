#include "common/index/product_rows.h"

#include "tests/test_util/random_products.h"
#include "tests/test_util/search_fixture.h"

namespace vitrine {
namespace {

class ProductRowsTest : public SearchFixture {
 protected:
  ProductSegments SegmentsOf(const Snapshot& snapshot) {
    ProductSegments segments;
    for (const auto& table : snapshot.products().segments()) {
      auto& known = segments_[table.get()];
      if (known == nullptr) {
        known = std::make_shared<const ProductSegment>(table);
      }
      segments.push_back(known);
    }
    return segments;
  }
  // Each row's record is the one that the table finds.
  static void ExpectRight(const Snapshot& snapshot, const ProductRows& joined) {
    for (size_t s = 0; s < snapshot.shards().size(); ++s) {
      const Shard& shard = *snapshot.shards()[s].shard;
      for (uint32_t row = 0; row < shard.rows(); ++row) {
        const std::string_view id = shard.key(row).product_id;
        const uint32_t record = joined.of_shard(s)[row];
        EXPECT_EQ(record, joined.Find(id));
        const auto value = snapshot.products().Find(id);
        if (record == ProductRows::kNoRecord) {
          EXPECT_FALSE(value.has_value()) << id;
          continue;
        }
        size_t segment = 0;
        while (joined.first(segment + 1) <= record) ++segment;
        const TableEntry entry = joined.segments()[segment]->table().entry(
            record - joined.first(segment));
        EXPECT_EQ(entry.key, id);
        EXPECT_EQ(entry.deleted, !value.has_value()) << id;
        if (value) {
          EXPECT_EQ(entry.value.data(), value->data()) << id;
        }
      }
    }
  }
  static storage::ProductRecord Titled(const std::string& title) {
    storage::ProductRecord product;
    product.set_title(title);
    return product;
  }

  std::map<const TableSegment*, std::shared_ptr<const ProductSegment>>
      segments_;
};

TEST_F(ProductRowsTest, JoinsAnewWhatHasChangedOnly) {
  ASSERT_OK(builder_.AddShard(DrawRows(300, 1)));
  ASSERT_OK(builder_.AddShard(
      {MakeRow("q", "q.jpg", std::vector<float>(192, 0.1f))}));
  Products products;
  for (int i = 0; i < 300; i += 2) {
    products[absl::StrFormat("p%05d", i)] = Titled("old");
  }
  products["q"] = Titled("old");
  ASSERT_OK(builder_.PutProducts(products));
  const auto first = Publish();
  const ProductRows before(first->shards(), SegmentsOf(*first), nullptr);
  ExpectRight(*first, before);

  ASSERT_OK(builder_.PutProducts({{"p00003", Titled("new")},
                                  {"p00004", std::nullopt},
                                  {"p00299", Titled("new")},
                                  {"z", Titled("no row")}}));
  ASSERT_OK(builder_.Publish());
  ASSERT_OK_AND_ASSIGN(
      const auto second,
      Snapshot::Open(builder_.paths(), builder_.manifest(), first.get()));
  const ProductRows after(second->shards(), SegmentsOf(*second), &before);
  ExpectRight(*second, after);
  EXPECT_NE(&after.of_shard(0), &before.of_shard(0));
  EXPECT_EQ(&after.of_shard(1), &before.of_shard(1));
}

// A merge of all segments drops deletions, and what a merge of the newest ones
// leaves out is what an older one says.
TEST_F(ProductRowsTest, FollowsMergedSegments) {
  ASSERT_OK(builder_.AddShard(DrawRows(100, 1)));
  Products products;
  for (int i = 0; i < 100; ++i) {
    products[absl::StrFormat("p%05d", i)] = Titled("old");
  }
  ASSERT_OK(builder_.PutProducts(products));
  ASSERT_OK(builder_.PutProducts(
      {{"p00001", Titled("new")}, {"p00002", std::nullopt}}));
  ASSERT_OK(builder_.PutProducts(
      {{"p00003", Titled("new")}, {"p00002", Titled("newer")}}));
  const auto first = Publish();
  const ProductRows before(first->shards(), SegmentsOf(*first), nullptr);
  // Without p00001, as a repair leaves out a segment.
  auto* segments = builder_.manifest().mutable_product_segments();
  segments->DeleteSubrange(1, 2);
  ASSERT_OK(builder_.PutProducts(
      {{"p00003", Titled("new")}, {"p00004", std::nullopt}}));
  ASSERT_OK(builder_.Publish());
  ASSERT_OK_AND_ASSIGN(
      const auto second,
      Snapshot::Open(builder_.paths(), builder_.manifest(), first.get()));
  const ProductRows after(second->shards(), SegmentsOf(*second), &before);
  ExpectRight(*second, after);

  const auto merged = second->products().Merge(2);
  segments->Clear();
  ASSERT_OK_AND_ASSIGN(
      *segments->Add(),
      WriteProductSegment(builder_.paths().products() / "merged", merged));
  ASSERT_OK(builder_.Publish());
  ASSERT_OK_AND_ASSIGN(
      const auto third,
      Snapshot::Open(builder_.paths(), builder_.manifest(), second.get()));
  const ProductRows at_last(third->shards(), SegmentsOf(*third), &after);
  ExpectRight(*third, at_last);
  EXPECT_EQ(at_last.of_shard(0)[4], ProductRows::kNoRecord);
}

}  // namespace
}  // namespace vitrine
