#include "common/index/table.h"

#include <random>

#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

using testing::ElementsAre;
using testing::Pair;

class TableTest : public testing::Test {
 protected:
  std::shared_ptr<const TableSegment> Segment(const TableChanges& changes) {
    const auto path = dir_.path() / std::to_string(++files_);
    auto ref = WriteTableSegment(path, EntriesOf(changes));
    EXPECT_TRUE(ref.ok()) << ref.status();
    auto segment = TableSegment::Open(path, *ref);
    EXPECT_TRUE(segment.ok()) << segment.status();
    return *segment;
  }

  static std::vector<std::pair<std::string, std::string>> All(
      const Table& table, std::string_view after = {}) {
    std::vector<std::pair<std::string, std::string>> all;
    table.ForEach(after, [&all](std::string_view key, std::string_view value) {
      all.emplace_back(key, value);
      return true;
    });
    return all;
  }

  TempDir dir_;
  int files_ = 0;
};

TEST_F(TableTest, TheNewestSegmentWins) {
  const Table table({Segment({{"a", "1"}, {"b", "1"}, {"c", "1"}}),
                     Segment({{"b", "2"}, {"c", std::nullopt}}),
                     Segment({{"d", ""}})});
  EXPECT_EQ(table.Find("a"), "1");
  EXPECT_EQ(table.Find("b"), "2");
  EXPECT_EQ(table.Find("c"), std::nullopt);
  EXPECT_EQ(table.Find("d"), "");
  EXPECT_EQ(table.Find("e"), std::nullopt);
  const std::vector<std::string_view> keys = {"e", "c", "a", "d", "b", "a", ""};
  EXPECT_THAT(table.FindAll(keys), ElementsAre(std::nullopt, std::nullopt, "1",
                                               "", "2", "1", std::nullopt));
  EXPECT_THAT(All(table),
              ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("d", "")));
  EXPECT_THAT(All(table, "a"), ElementsAre(Pair("b", "2"), Pair("d", "")));
  EXPECT_THAT(All(table, "bb"), ElementsAre(Pair("d", "")));
}

TEST_F(TableTest, NotesWhatTheWriterAsksFor) {
  const auto path = dir_.path() / "noted";
  ASSERT_OK_AND_ASSIGN(
      const storage::FileRef ref,
      WriteTableSegment(
          path,
          EntriesOf({{"a", "x"}, {"b", std::nullopt}, {"c", ""}, {"d", "x"}}),
          [](std::string_view value) { return value == "x"; }));
  ASSERT_OK_AND_ASSIGN(const auto segment, TableSegment::Open(path, ref));
  ASSERT_TRUE(segment->noted().has_value());
  EXPECT_THAT(*segment->noted(), ElementsAre(0, 3));
  EXPECT_FALSE(Segment({{"a", "x"}})->noted().has_value());
}

TEST_F(TableTest, MergingKeepsDeletionsUntilAllIsMerged) {
  const Table table({Segment({{"a", "1"}, {"b", "1"}}),
                     Segment({{"b", std::nullopt}}), Segment({{"c", "3"}})});
  const auto merged = [&table](size_t count) {
    TableChanges changes;
    for (const TableEntry& entry : table.Merge(count)) {
      EXPECT_TRUE(
          changes
              .emplace(entry.key, entry.deleted
                                      ? std::nullopt
                                      : std::optional<std::string>(entry.value))
              .second);
    }
    return changes;
  };
  EXPECT_EQ(merged(2), (TableChanges{{"b", std::nullopt}, {"c", "3"}}));
  EXPECT_EQ(merged(3), (TableChanges{{"a", "1"}, {"c", "3"}}));
}

TEST_F(TableTest, AgreesWithAMapUnderRandomChanges) {
  std::mt19937 random(3);
  std::map<std::string, std::string> expected;
  std::vector<std::shared_ptr<const TableSegment>> segments;
  for (int s = 0; s < 12; ++s) {
    TableChanges changes;
    for (int i = 0; i < 40; ++i) {
      const std::string key = "k" + std::to_string(random() % 100);
      if (random() % 3 == 0) {
        changes[key] = std::nullopt;
      } else {
        changes[key] = std::to_string(random());
      }
    }
    for (const auto& [key, value] : changes) {
      if (value) {
        expected[key] = *value;
      } else {
        expected.erase(key);
      }
    }
    segments.push_back(Segment(changes));
  }
  const Table table(segments);
  const auto all = All(table);
  EXPECT_TRUE(std::equal(all.begin(), all.end(), expected.begin(),
                         expected.end(), [](const auto& a, const auto& b) {
                           return a.first == b.first && a.second == b.second;
                         }));
  for (int i = 0; i < 100; ++i) {
    const std::string key = "k" + std::to_string(i);
    const auto it = expected.find(key);
    EXPECT_EQ(table.Find(key),
              it == expected.end()
                  ? std::nullopt
                  : std::optional<std::string_view>(it->second));
  }
}

// Keys that are alike for long, that end early, and that hold zeros and bytes
// above 127.
TEST_F(TableTest, FindsTheBoundOfEveryKey) {
  std::mt19937 random(1);
  const std::vector<std::string> beginnings = {
      "",        "p", "product-", "product-0000000000", std::string("p\0\0", 3),
      "\xc3\xa9"};
  for (const size_t kinds : {size_t{1}, beginnings.size()}) {
    TableChanges changes;
    for (int i = 0; i < 2000; ++i) {
      std::string key = beginnings[beginnings.size() - 1 - random() % kinds];
      for (size_t length = random() % 12; length > 0; --length) {
        key.push_back("\0az\xff"[random() % 4]);
      }
      changes[key] = "";
    }
    const auto segment = Segment(changes);
    std::vector<std::string> asked;
    auto expect = [&](const std::string& key) {
      EXPECT_EQ(segment->LowerBound(key),
                std::distance(changes.begin(), changes.lower_bound(key)))
          << testing::PrintToString(key);
      asked.push_back(key);
    };
    for (const auto& [key, value] : changes) {
      expect(key);
      expect(key + '\0');
      expect(key + "m");
      expect(key.substr(0, key.size() / 2));
    }
    expect("");
    expect("\xff\xff\xff");
    // Together, as one by one.
    const std::vector<std::string_view> keys(asked.begin(), asked.end());
    const auto bounds = segment->LowerBounds(keys);
    ASSERT_EQ(bounds.size(), keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      EXPECT_EQ(bounds[i], segment->LowerBound(keys[i]))
          << testing::PrintToString(keys[i]);
    }
  }
}

TEST_F(TableTest, AnEmptyTableHasNothing) {
  EXPECT_THAT(All(Table()), ElementsAre());
  EXPECT_THAT(All(Table({Segment({})})), ElementsAre());
}

}  // namespace
}  // namespace vitrine
