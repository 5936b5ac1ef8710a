#include "indexer/merge_policy.h"

#include <gtest/gtest.h>

#include <random>

namespace vitrine {
namespace {

ShardState Flat(uint64_t rows, uint64_t dead = 0) {
  return {rows, dead, false};
}
ShardState Graph(uint64_t rows, uint64_t dead = 0) {
  return {rows, dead, true};
}

MergeLimits Limits() {
  MergeLimits limits;
  limits.flat_shards = 4;
  limits.graph_rows = 1000;
  limits.graphs = 2;
  limits.dead_share = 0.2;
  limits.dead_rows = 10;
  return limits;
}

struct PolicyCase {
  const char* name;
  std::vector<ShardState> shards;
  std::optional<ShardMerge> expected;
};

TEST(NextShardMerge, DecidesByTheTable) {
  const std::vector<PolicyCase> cases = {
      {"nothing", {}, std::nullopt},
      {"one small flat shard", {Flat(1)}, std::nullopt},
      {"as many flat shards as may be",
       {Flat(1), Flat(1), Flat(1), Flat(1)},
       std::nullopt},
      {"one too many: the small ones together",
       {Flat(500), Flat(1), Flat(1), Flat(1), Flat(1)},
       ShardMerge{{1, 2, 3, 4}, false}},
      {"whatever their order",
       {Flat(1), Flat(1), Flat(500), Flat(1), Flat(1)},
       ShardMerge{{0, 1, 3, 4}, false}},
      {"enough rows for a graph",
       {Flat(600), Flat(400)},
       ShardMerge{{0, 1}, true}},
      {"dead rows do not count", {Flat(600), Flat(490, 91)}, std::nullopt},
      {"a graph of about the size is taken in",
       {Graph(2000), Flat(600), Flat(400)},
       ShardMerge{{0, 1, 2}, true}},
      {"a much larger one is not",
       {Graph(2001), Flat(600), Flat(400)},
       ShardMerge{{1, 2}, true}},
      {"small graphs help to take in larger ones",
       {Graph(6000), Graph(2000), Flat(1000)},
       ShardMerge{{0, 1, 2}, true}},
      {"too many graphs: the smallest ones",
       {Graph(100'000), Graph(1500), Graph(1200)},
       ShardMerge{{1, 2}, true}},
      {"too many dead rows",
       {Graph(5000, 1001), Graph(5000)},
       ShardMerge{{0}, true}},
      {"just not too many", {Graph(5000, 1000), Graph(5000)}, std::nullopt},
      {"too few left for a graph", {Graph(1500, 1400)}, ShardMerge{{0}, false}},
      {"too few dead to care", {Flat(9, 9)}, std::nullopt},
  };
  for (const PolicyCase& c : cases) {
    EXPECT_EQ(NextShardMerge(c.shards, Limits()), c.expected) << c.name;
  }
}

// Beside a larger graph fewer rows are worth one, which small graphs join.
TEST(NextShardMerge, InQuietTimesMakesOneOfAllButTheLargestGraph) {
  const MergeLimits quiet = QuietMergeLimits(MergeLimits());
  const std::vector<PolicyCase> cases = {
      {"a few flat rows", {Graph(100'000), Flat(499)}, std::nullopt},
      {"some flat rows",
       {Graph(100'000), Flat(300), Flat(200)},
       ShardMerge{{1, 2}, true}},
      {"no larger graph", {Flat(1000), Flat(999)}, std::nullopt},
      {"three graphs",
       {Graph(100'000), Graph(6000), Graph(2000)},
       ShardMerge{{1, 2}, true}},
      {"two", {Graph(100'000), Graph(6000), Flat(9)}, std::nullopt},
      {"one that many rows have left",
       {Graph(5000, 3900)},
       ShardMerge{{0}, true}},
  };
  for (const PolicyCase& c : cases) {
    EXPECT_EQ(NextShardMerge(c.shards, quiet), c.expected) << c.name;
  }
}

TEST(NextShardMerge, SettlesToOneShardOfARealCatalogue) {
  std::vector<ShardState> shards(8, Flat(486));
  const auto merge = NextShardMerge(shards, SettledMergeLimits(MergeLimits()));
  ASSERT_TRUE(merge);
  EXPECT_EQ(merge->inputs.size(), 8u);
  EXPECT_TRUE(merge->graph);
  const auto few = NextShardMerge(std::vector<ShardState>(3, Flat(10)),
                                  SettledMergeLimits(MergeLimits()));
  ASSERT_TRUE(few);
  EXPECT_EQ(*few, (ShardMerge{{0, 1, 2}, false}));
}

// Single drops, with every merge done at once: the number of shards stays
// small, and a row is written a logarithmic number of times.
TEST(NextShardMerge, CopiesARowFewTimes) {
  MergeLimits limits;
  std::vector<ShardState> shards;
  uint64_t copied = 0;
  size_t most = 0;
  constexpr uint64_t kDrops = 50'000;
  for (uint64_t i = 0; i < kDrops; ++i) {
    shards.push_back(Flat(1));
    while (const auto merge = NextShardMerge(shards, limits)) {
      ShardState output{0, 0, merge->graph};
      for (auto input = merge->inputs.rbegin(); input != merge->inputs.rend();
           ++input) {
        output.rows += shards[*input].rows - shards[*input].dead;
        shards.erase(shards.begin() + static_cast<ptrdiff_t>(*input));
      }
      copied += output.rows;
      shards.push_back(output);
    }
    most = std::max(most, shards.size());
  }
  EXPECT_LE(most, limits.flat_shards + limits.graphs);
  EXPECT_LE(static_cast<double>(copied) / kDrops, 12.0);
}

TEST(NextShardMerge, ComesToAnEndFromAnyState) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<ShardState> shards;
    for (int i = 0; i < 12; ++i) {
      const uint64_t rows = 1 + random() % 3000;
      shards.push_back({rows, random() % rows, random() % 2 == 0});
    }
    int merges = 0;
    while (const auto merge = NextShardMerge(shards, Limits())) {
      ASSERT_LT(++merges, 50);
      ShardState output{0, 0, merge->graph};
      for (auto input = merge->inputs.rbegin(); input != merge->inputs.rend();
           ++input) {
        output.rows += shards[*input].rows - shards[*input].dead;
        shards.erase(shards.begin() + static_cast<ptrdiff_t>(*input));
      }
      if (output.rows > 0) shards.push_back(output);
    }
  }
}

TEST(NewestToMerge, DecidesByTheTable) {
  struct Case {
    std::vector<uint64_t> bytes;
    size_t max_files;
    uint64_t max_bytes;
    size_t expected;
  };
  const std::vector<Case> cases = {
      {{}, 1, UINT64_MAX, 0},
      {{5}, 1, UINT64_MAX, 0},
      {{5, 5}, 2, UINT64_MAX, 0},
      {{5, 5}, 1, UINT64_MAX, 2},
      // The large, old one is not copied for small ones.
      {{1000, 1, 1, 1}, 3, UINT64_MAX, 3},
      // Unless so few files may stand.
      {{1000, 1, 1, 1}, 1, UINT64_MAX, 4},
      {{4, 2, 1, 1}, 3, UINT64_MAX, 4},
      // Each far smaller than the one before: at least two go together.
      {{1000, 100, 10, 1}, 3, UINT64_MAX, 2},
      // Full packs are left alone.
      {{300, 300, 1, 1}, 1, 256, 2},
      {{300, 300, 1}, 1, 256, 0},
      {{200, 100, 100}, 1, 256, 2},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(
        NewestToMerge(cases[i].bytes, cases[i].max_files, cases[i].max_bytes),
        cases[i].expected)
        << "case " << i;
  }
}

}  // namespace
}  // namespace vitrine
