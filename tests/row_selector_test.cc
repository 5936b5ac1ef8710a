#include "common/index/row_selector.h"

#include <algorithm>

#include "common/index/filter.h"
#include "tests/test_util/random_products.h"
#include "tests/test_util/search_fixture.h"

namespace vitrine {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

v1::Filter AnyOf(const std::string& attribute, const std::string& value) {
  v1::Filter filter;
  filter.mutable_condition()->set_attribute(attribute);
  filter.mutable_condition()->mutable_any_of()->add_values(value);
  return filter;
}

class RowSelectorTest : public SearchFixture {
 protected:
  // Adds a segment, and knows what is known of products from then on.
  void Put(const Products& products) {
    ASSERT_OK(builder_.PutProducts(products));
    for (const auto& [id, product] : products) {
      if (product) {
        known_[id] = *product;
      } else {
        known_.erase(id);
      }
    }
  }
  static std::string Id(int i) { return absl::StrCat("p", i); }
  // A shard with a row or two of each of some products.
  void AddRows(const std::vector<int>& products, const std::string& name) {
    std::vector<Row> rows;
    for (int i : products) {
      for (int picture = 0; picture <= i % 2; ++picture) {
        rows.push_back(MakeRow(Id(i), absl::StrCat(name, picture),
                               DrawVector(i, &random_)));
      }
    }
    ASSERT_OK(builder_.AddShard(rows));
  }
  std::shared_ptr<const Snapshot> Follow(
      const std::shared_ptr<const Snapshot>& previous) {
    EXPECT_OK(builder_.Publish());
    auto snapshot =
        Snapshot::Open(builder_.paths(), builder_.manifest(), previous.get());
    EXPECT_OK(snapshot);
    return *snapshot;
  }
  // Each row of the selection is right, read from the records themselves.
  void ExpectRight(const Snapshot& snapshot, const v1::Filter* filter,
                   int64_t now_unix_ms) {
    const auto rows = snapshot.selector().Select(filter, now_unix_ms);
    uint64_t matching = 0;
    for (size_t s = 0; s < snapshot.shards().size(); ++s) {
      const LiveShard& live = snapshot.shards()[s];
      for (uint32_t row = 0; row < live.shard->rows(); ++row) {
        const std::string id(live.shard->key(row).product_id);
        const auto product = known_.find(id);
        bool right = live.IsLive(row);
        if (product == known_.end()) {
          right = right && filter == nullptr;
        } else {
          const int64_t from = product->second.visible_from_unix_ms();
          const int64_t until = product->second.visible_until_unix_ms();
          right =
              right &&
              (filter == nullptr || Satisfies(id, product->second, *filter)) &&
              (from == 0 || from <= now_unix_ms) &&
              (until == 0 || now_unix_ms < until);
        }
        matching += right ? 1 : 0;
        const bool selected =
            rows == nullptr ? live.IsLive(row) : rows->rows[s].Get(row);
        ASSERT_EQ(selected, right)
            << id << " " << (filter ? filter->ShortDebugString() : "");
      }
    }
    if (rows != nullptr) {
      EXPECT_EQ(rows->matching, matching);
    }
    if (filter != nullptr) ExpectListed(snapshot, *filter);
  }
  // The products that match, from any of them on, whether or not they have rows
  // or are offered.
  void ExpectListed(const Snapshot& snapshot, const v1::Filter& filter) {
    std::vector<std::string> ids;
    for (const auto& [id, product] : known_) {
      if (Satisfies(id, product, filter)) ids.push_back(id);
    }
    const RowSelector& selector = snapshot.selector();
    const RecordSet records = selector.MatchingRecords(filter);
    std::vector<std::string> listed;
    selector.ForEach(records, "", [&](std::string_view id, std::string_view v) {
      EXPECT_EQ(snapshot.products().Find(id), v);
      listed.emplace_back(id);
      return true;
    });
    ASSERT_EQ(listed, ids) << filter.ShortDebugString();
    if (ids.empty()) return;
    const size_t from = ids.size() / 2;
    for (const std::string& after : {ids[from], ids[from] + "a"}) {
      std::string next;
      selector.ForEach(records, after, [&](std::string_view id, auto) {
        next = id;
        return false;
      });
      const auto right = std::upper_bound(ids.begin(), ids.end(), after);
      EXPECT_EQ(next, right == ids.end() ? "" : *right);
    }
  }

  ProductDrawer drawer_{9};
  std::map<std::string, storage::ProductRecord> known_;
};

// Generations add, change and delete products, merge segments and shards, and
// each is asked all kinds of filters.
TEST_F(RowSelectorTest, SelectsWhatTheRecordsSay) {
  std::shared_ptr<const Snapshot> snapshot;
  for (int generation = 0; generation < 12; ++generation) {
    Products products;
    for (int i = generation == 0 ? 200 : 1 + drawer_.Draw(20); i > 0; --i) {
      const std::string id = Id(drawer_.Draw(300));
      if (drawer_.Draw(6) == 0) {
        products[id] = std::nullopt;
        continue;
      }
      products[id] = drawer_.DrawProduct();
    }
    Put(products);
    std::vector<int> rows;
    for (int i = 0; i < 300; ++i) {
      if (drawer_.Draw(generation == 0 ? 2 : 40) == 0) rows.push_back(i);
    }
    AddRows(rows.empty() ? std::vector<int>{1} : rows,
            absl::StrCat(generation, "-"));
    ASSERT_OK(builder_.DeleteRows(generation, {0}));
    if (generation == 5 || generation == 9) {
      // The newest two become one; all of them at last.
      auto* segments = builder_.manifest().mutable_product_segments();
      const size_t count = generation == 5 ? 2 : segments->size();
      const auto before = Follow(snapshot);
      const auto merged = before->products().Merge(count);
      segments->DeleteSubrange(segments->size() - static_cast<int>(count),
                               static_cast<int>(count));
      ASSERT_OK_AND_ASSIGN(
          *segments->Add(),
          WriteProductSegment(
              builder_.paths().products() / absl::StrCat("merged-", generation),
              merged));
    }
    snapshot = Follow(snapshot);
    ExpectRight(*snapshot, nullptr, kNow);
    for (int i = 0; i < 60; ++i) {
      const v1::Filter filter = drawer_.DrawFilter(4);
      ASSERT_OK(CheckFilter(filter, "filter"));
      ExpectRight(*snapshot, &filter, kNow);
    }
  }
}

TEST_F(RowSelectorTest, AskedTwiceAnswersFromItsCache) {
  AddRows({1, 2, 3}, "a");
  Put({{Id(1), drawer_.DrawProduct()}, {Id(2), drawer_.DrawProduct()}});
  const auto snapshot = Publish();
  const v1::Filter filter = AnyOf("colour", "red");
  const auto rows = snapshot->selector().Select(&filter, kNow);
  EXPECT_EQ(snapshot->selector().Select(&filter, kNow + 5), rows);
  const v1::Filter other = AnyOf("colour", "blue");
  EXPECT_NE(snapshot->selector().Select(&other, kNow), rows);
}

TEST_F(RowSelectorTest, WithoutFilterAndWindowsEveryLiveRowIsMeant) {
  AddRows({1, 2, 3}, "a");
  Put({{Id(1), drawer_.DrawProduct()}});
  EXPECT_EQ(Publish()->selector().Select(nullptr, kNow), nullptr);
}

TEST_F(RowSelectorTest, OffersProductsInTheirWindows) {
  AddRows({1, 2, 3, 4, 5, 6}, "a");
  Products products;
  for (int i = 1; i <= 5; ++i) products[Id(i)] = drawer_.DrawProduct();
  products[Id(1)]->set_visible_from_unix_ms(kNow);
  products[Id(2)]->set_visible_until_unix_ms(kNow);
  products[Id(3)]->set_visible_from_unix_ms(kNow - 10);
  products[Id(3)]->set_visible_until_unix_ms(kNow + 10);
  products[Id(4)]->set_visible_from_unix_ms(kNow + 10);
  products[Id(4)]->set_visible_until_unix_ms(kNow + 5);  // Never.
  Put(products);
  auto snapshot = Publish();
  const v1::Filter all = [] {
    v1::Filter filter;
    filter.mutable_condition()->set_attribute("product_id");
    filter.mutable_condition()->set_exists(true);
    return filter;
  }();
  // To and fro, as clocks are set.
  for (int64_t now : {kNow - 11, kNow - 10, kNow - 1, kNow, kNow + 5, kNow + 9,
                      kNow + 10, kNow + 11, kNow - 1, kNow + 9, kNow - 11}) {
    ExpectRight(*snapshot, nullptr, now);
    ExpectRight(*snapshot, &all, now);
  }
  // A newer record opens a window, and a newer one closes another.
  products.clear();
  products[Id(4)] = drawer_.DrawProduct();
  products[Id(5)] = drawer_.DrawProduct();
  products[Id(5)]->set_visible_until_unix_ms(kNow);
  Put(products);
  snapshot = Follow(snapshot);
  for (int64_t now : {kNow - 1, kNow, kNow + 20}) {
    ExpectRight(*snapshot, nullptr, now);
    ExpectRight(*snapshot, &all, now);
  }
}

TEST_F(RowSelectorTest, PaysNothingWhereAllIsOffered) {
  AddRows({1}, "a");
  Products products;
  products[Id(1)] = drawer_.DrawProduct();
  products[Id(1)]->set_visible_until_unix_ms(kNow);
  Put(products);
  const auto snapshot = Publish();
  EXPECT_EQ(snapshot->selector().Select(nullptr, kNow - 1), nullptr);
  const auto rows = snapshot->selector().Select(nullptr, kNow);
  ASSERT_NE(rows, nullptr);
  EXPECT_EQ(rows->matching, 0u);
  EXPECT_EQ(snapshot->selector().Select(nullptr, kNow + 1), rows);
}

TEST_F(RowSelectorTest, KnowsTheRecordsOfProductsWithoutRows) {
  AddRows({1}, "a");
  Products products;
  products["red"] = drawer_.DrawProduct();
  (*products["red"]->mutable_attributes())["colour"].set_text("red");
  products["was red"] = products["red"];
  Put(products);
  (*products["red"]->mutable_attributes())["colour"].set_text("green");
  ASSERT_OK(builder_.PutProducts({{"was red", products["red"]}}));
  const auto snapshot = Publish();
  const RowSelector& selector = snapshot->selector();
  std::vector<std::string> ids;
  selector.ForEach(selector.MatchingRecords(AnyOf("colour", "red")), "",
                   [&](std::string_view id, std::string_view) {
                     ids.emplace_back(id);
                     return true;
                   });
  EXPECT_EQ(ids, std::vector<std::string>{"red"});
}

}  // namespace
}  // namespace vitrine
