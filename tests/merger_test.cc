#include "indexer/merger.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/indexing_test_util.h"

namespace vitrine {
namespace {

using testing::ContentOnDisk;
using testing::MakeRow;
using testing::TestIndex;

using Rows = std::map<std::string, std::string>;

MergeLimits SmallLimits() {
  MergeLimits limits;
  limits.flat_shards = 2;
  limits.graph_rows = 30;
  limits.files = 2;
  return limits;
}

int Shards(TestIndex* index, bool with_graph) {
  int n = 0;
  for (const LiveShard& live : index->publisher()->view().snapshot->shards()) {
    if ((live.shard->graph() != nullptr) == with_graph) ++n;
  }
  return n;
}

TEST(SettleMerges, LeavesOneFlatShardOfAFewRows) {
  TestIndex index;
  for (int i = 0; i < 9; ++i) {
    index.Put("p" + std::to_string(i), "k", std::to_string(i));
  }
  index.Remove("p4", "k");
  const Rows before = ContentOnDisk(index.paths());
  ASSERT_TRUE(
      SettleMerges(index.publisher(), SettledMergeLimits(SmallLimits()), 1)
          .ok());
  EXPECT_EQ(ContentOnDisk(index.paths()), before);
  EXPECT_EQ(Shards(&index, false), 1);
  const storage::Manifest manifest =
      index.publisher()->view().snapshot->manifest();
  EXPECT_EQ(manifest.product_segments_size(), 1);
  EXPECT_EQ(manifest.source_segments_size(), 1);
  EXPECT_EQ(manifest.picture_packs_size(), 1);
  EXPECT_EQ(manifest.product_segments(0).entries(), 8u);
  EXPECT_EQ(manifest.picture_packs(0).entries(), 8u);
  ASSERT_TRUE(index.Reopen().ok());
}

TEST(SettleMerges, StopsBeforeAnyMerge) {
  TestIndex index;
  for (int i = 0; i < 6; ++i) {
    index.Put("p" + std::to_string(i), "k", std::to_string(i));
  }
  EXPECT_EQ(SettleMerges(index.publisher(), SettledMergeLimits(SmallLimits()),
                         1, [] { return true; })
                .code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(Shards(&index, false), 6);
}

TEST(SettleMerges, BuildsAGraphOfEnoughRows) {
  TestIndex index;
  for (int batch = 0; batch < 5; ++batch) {
    ChangeSet changes = index.Changes();
    for (int i = 0; i < 10; ++i) {
      const std::string name = std::to_string(batch * 10 + i);
      changes.PutImage(MakeRow(name, "k", name), "");
    }
    index.Publish(changes);
  }
  const Rows before = ContentOnDisk(index.paths());
  ASSERT_TRUE(SettleMerges(index.publisher(), SmallLimits(), 2).ok());
  EXPECT_EQ(Shards(&index, true), 1);
  EXPECT_EQ(Shards(&index, false), 0);
  EXPECT_EQ(ContentOnDisk(index.paths()), before);
}

TEST(SettleMerges, MeasuresTheRecallOfAGraph) {
  TestIndex index;
  ChangeSet changes = index.Changes();
  for (int i = 0; i < 700; ++i) {
    const std::string name = std::to_string(i);
    changes.PutImage(MakeRow(name, "k", name), "");
  }
  index.Publish(changes);
  ASSERT_TRUE(SettleMerges(index.publisher(), SmallLimits(), 2).ok());
  ASSERT_EQ(Shards(&index, true), 1);
  // A copy: to open the index anew lets go of the snapshot.
  const storage::Shard shard =
      index.publisher()->view().snapshot->set().shards(0);
  ASSERT_GT(shard.recall_size(), 0);
  EXPECT_EQ(shard.recall(0).k(), 10u);
  EXPECT_GE(shard.recall(0).queries(), 1000u);
  ASSERT_TRUE(index.Reopen().ok());
  EXPECT_EQ(index.publisher()->view().snapshot->set().shards(0).recall_size(),
            shard.recall_size());
}

// What dies while a merge reads its inputs is dead in its output.
TEST(Merge, AppliesDeletionsThatCameMeanwhile) {
  TestIndex index;
  for (int i = 0; i < 6; ++i) {
    index.Put("p" + std::to_string(i), "k", std::to_string(i));
  }
  const IndexView view = index.publisher()->view();
  MergePlan plan = PlanLightMerge(view, SettledMergeLimits(SmallLimits()), {});
  ASSERT_EQ(plan.shards.size(), 6u);
  auto output = RunMerge(index.paths(), view, plan, 1, {},
                         [&] { return index.publisher()->NewFileName(); });
  ASSERT_TRUE(output.ok()) << output.status();

  index.Remove("p1", "k");
  index.Put("p2", "k", "another");
  index.Put("p6", "k", "6");

  const auto committed = index.publisher()->Commit(*output);
  ASSERT_TRUE(committed.ok()) << committed.status();
  Rows expected;
  for (const char* i : {"0", "3", "4", "5", "6"}) {
    expected[std::string("p") + i + "/k"] = ToHex(Sha256(i));
  }
  expected["p2/k"] = ToHex(Sha256("another"));
  EXPECT_EQ(ContentOnDisk(index.paths()), expected);
  ASSERT_TRUE(index.Reopen().ok());
  EXPECT_EQ(ContentOnDisk(index.paths()), expected);
}

TEST(Merge, OutlivesItsInputs) {
  TestIndex index;
  for (int i = 0; i < 3; ++i) {
    index.Put("p" + std::to_string(i), "k", std::to_string(i));
  }
  const IndexView view = index.publisher()->view();
  const MergePlan plan =
      PlanLightMerge(view, SettledMergeLimits(SmallLimits()), {});
  const auto output = RunMerge(index.paths(), view, plan, 1, {}, [&] {
    return index.publisher()->NewFileName();
  });
  ASSERT_TRUE(output.ok()) << output.status();
  for (int i = 0; i < 3; ++i) index.Remove("p" + std::to_string(i), "k");
  ASSERT_TRUE(index.publisher()->Commit(*output).ok());
  EXPECT_TRUE(ContentOnDisk(index.paths()).empty());
  EXPECT_EQ(Shards(&index, false), 0);
}

TEST(Merge, LeavesNoFileWhenItFails) {
  TestIndex index;
  for (int i = 0; i < 3; ++i) {
    index.Put("p" + std::to_string(i), "k", std::to_string(i));
  }
  const auto before = testing::FilesUnder(index.paths().root);
  const IndexView view = index.publisher()->view();
  const MergePlan plan =
      PlanLightMerge(view, SettledMergeLimits(SmallLimits()), {});
  // The shard is the last to be written.
  std::filesystem::rename(index.paths().shards(), index.paths().root / "gone");
  EXPECT_FALSE(RunMerge(index.paths(), view, plan, 1, {}, [&] {
                 return index.publisher()->NewFileName();
               }).ok());
  std::filesystem::rename(index.paths().root / "gone", index.paths().shards());
  EXPECT_EQ(testing::FilesUnder(index.paths().root), before);
}

TEST(Merge, StopsInAGraphAndInItsMeasuringAndLeavesNoFile) {
  TestIndex index;
  ChangeSet changes = index.Changes();
  for (int i = 0; i < 700; ++i) {
    changes.PutImage(MakeRow(std::to_string(i), "k", std::to_string(i)), "");
  }
  index.Publish(changes);
  const auto before = testing::FilesUnder(index.paths().root);
  const IndexView view = index.publisher()->view();
  const MergePlan plan = PlanGraphMerge(view, SmallLimits(), {});
  ASSERT_TRUE(plan.graph);
  for (const auto& [after, where] :
       {std::pair(3, "building a graph"), std::pair(50, "measuring recall")}) {
    int asked = 0;
    const auto output = RunMerge(
        index.paths(), view, plan, 1,
        [&asked, most = after] { return asked++ > most; },
        [&] { return index.publisher()->NewFileName(); });
    EXPECT_EQ(output.status().code(), absl::StatusCode::kCancelled);
    EXPECT_NE(output.status().message().find(where), std::string::npos)
        << output.status();
    EXPECT_EQ(testing::FilesUnder(index.paths().root), before);
  }
}

TEST(Merge, ForgetsThumbnailsThatNoRowShows) {
  TestIndex index;
  index.Put("p", "k", "old");
  index.Put("p", "k", "new");
  ASSERT_TRUE(
      SettleMerges(index.publisher(), SettledMergeLimits(SmallLimits()), 1)
          .ok());
  EXPECT_EQ(
      index.publisher()->view().snapshot->manifest().picture_packs(0).entries(),
      1u);
}

TEST(Merger, MergesWhatIsDueBesidePublications) {
  TestIndex index;
  {
    Merger merger(index.publisher(), SmallLimits(),
                  [](const absl::Status& status) { ADD_FAILURE() << status; });
    for (int i = 0; i < 120; ++i) {
      index.Put("p" + std::to_string(i % 70), std::to_string(i % 3),
                std::to_string(i));
      merger.Wake();
      if (i % 5 == 4) index.Remove("p" + std::to_string(i % 70 - 2), "0");
    }
    ASSERT_TRUE(merger.WaitUntilIdle(60'000));
  }
  EXPECT_LE(Shards(&index, false), 2);
  EXPECT_GE(Shards(&index, true), 1);
  const storage::Manifest manifest =
      index.publisher()->view().snapshot->manifest();
  EXPECT_LE(manifest.product_segments_size(), 2);
  // The same operations on an index that nobody merges.
  TestIndex calm;
  for (int i = 0; i < 120; ++i) {
    calm.Put("p" + std::to_string(i % 70), std::to_string(i % 3),
             std::to_string(i));
    if (i % 5 == 4) calm.Remove("p" + std::to_string(i % 70 - 2), "0");
  }
  EXPECT_EQ(ContentOnDisk(index.paths()), ContentOnDisk(calm.paths()));
}

// Publishes generations of ten products until there are `products`.
void PutInTens(TestIndex* index, int products, Merger* merger) {
  for (int n = 0; n < products; n += 10) {
    ChangeSet changes = index->Changes();
    for (int i = n; i < n + 10; ++i) {
      const std::string name = std::to_string(i);
      changes.PutImage(MakeRow(name, "k", name), "");
    }
    index->Publish(changes);
    merger->Wake();
  }
}

TEST(Merger, MergesFurtherWhenNothingComesIn) {
  MergeLimits limits = SmallLimits();
  limits.quiet_ms = 0;
  limits.quiet_amplification = 1000;
  const auto fail = [](const absl::Status& status) { ADD_FAILURE() << status; };
  TestIndex index;
  Rows content;
  {
    Merger merger(index.publisher(), limits, fail);
    PutInTens(&index, 400, &merger);
    content = ContentOnDisk(index.paths());
    ASSERT_TRUE(merger.WaitUntilIdle(60'000));
  }
  EXPECT_LE(Shards(&index, true), 2);
  EXPECT_EQ(ContentOnDisk(index.paths()), content);
  const WriteTotals totals = index.publisher()->write_totals();
  EXPECT_GT(totals.published, 0u);
  EXPECT_GT(totals.merged, totals.published);
}

// Graphs of 300, 60 and 20 products, each too large for those after it where
// 20 rows are worth a graph.
void PutThreeGraphs(TestIndex* index, const MergeLimits& limits) {
  int next = 0;
  for (const int rows : {300, 60, 20}) {
    ChangeSet changes = index->Changes();
    for (int i = 0; i < rows; ++i) {
      const std::string name = std::to_string(next++);
      changes.PutImage(MakeRow(name, "k", name), "");
    }
    index->Publish(changes);
    ASSERT_TRUE(SettleMerges(index->publisher(), limits, 1).ok());
  }
  ASSERT_EQ(Shards(index, true), 3);
}

TEST(Merger, MergesNoFurtherThanWritingAllows) {
  MergeLimits limits = SmallLimits();
  limits.graph_rows = 20;
  const auto fail = [](const absl::Status& status) { ADD_FAILURE() << status; };
  TestIndex index;
  PutThreeGraphs(&index, limits);
  limits.quiet_ms = 0;
  const auto graphs_after = [&](double amplification) {
    limits.quiet_amplification = amplification;
    Merger merger(index.publisher(), limits, fail);
    EXPECT_TRUE(merger.WaitUntilIdle(60'000));
    return Shards(&index, true);
  };
  EXPECT_EQ(graphs_after(0), 3);
  // Nothing was published since it is open.
  ASSERT_TRUE(index.Reopen().ok());
  EXPECT_EQ(graphs_after(8), 3);
  EXPECT_EQ(index.publisher()->write_totals().merged, 0u);
  index.Put("last", "k", "last");
  limits.quiet_ms = -1;  // Never.
  EXPECT_EQ(graphs_after(1000), 3);
  limits.quiet_ms = 0;
  EXPECT_EQ(graphs_after(1000), 2);
  EXPECT_GT(index.publisher()->write_totals().merged, 0u);
}

// One publication after the other, with no pause between them.
TEST(Merger, IsQuietAtLastWhateverComesIn) {
  MergeLimits limits = SmallLimits();
  limits.graph_rows = 20;
  limits.quiet_ms = 50;
  limits.quiet_amplification = 1000;
  TestIndex index;
  PutThreeGraphs(&index, limits);
  Merger merger(index.publisher(), limits,
                [](const absl::Status& status) { ADD_FAILURE() << status; });
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  for (int i = 0; Shards(&index, true) > 2; ++i) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    index.Put("p", "k", std::to_string(i));
    merger.Wake();
  }
}

TEST(Merger, WritesPacksAnewOfWhichTooMuchIsDead) {
  MergeLimits limits = SmallLimits();
  limits.quiet_ms = 0;
  limits.quiet_amplification = 1000;
  limits.dead_rows = 4;
  // Packs are as large as they may be: none is merged for being one too many.
  limits.pack_bytes = 0;
  TestIndex index;
  for (const char* name : {"a", "b"}) {
    ChangeSet changes = index.Changes();
    for (int i = 0; i < 40; ++i) {
      const std::string key = name + std::to_string(i);
      changes.PutImage(MakeRow(key, "k", key), "jpeg of " + key);
    }
    index.Publish(changes);
  }
  const auto packs = [&index] {
    std::vector<uint64_t> entries;
    for (const auto& ref :
         index.publisher()->view().snapshot->manifest().picture_packs()) {
      entries.push_back(ref.entries());
    }
    return entries;
  };
  ASSERT_EQ(packs(), (std::vector<uint64_t>{40, 40}));
  {
    Merger merger(index.publisher(), limits,
                  [](const absl::Status& status) { ADD_FAILURE() << status; });
    // A fifth of them all, which is two fifths of the first pack.
    ChangeSet few = index.Changes();
    for (int i = 0; i < 16; ++i) few.RemoveImage("a" + std::to_string(i), "k");
    index.Publish(few);
    merger.Wake();
    ASSERT_TRUE(merger.WaitUntilIdle(60'000));
    EXPECT_EQ(packs(), (std::vector<uint64_t>{40, 40}));
    ChangeSet one_more = index.Changes();
    one_more.RemoveImage("a16", "k");
    index.Publish(one_more);
    merger.Wake();
    ASSERT_TRUE(merger.WaitUntilIdle(60'000));
  }
  // Dead rows whose shard stays show their pictures still.
  const std::vector<uint64_t> after = packs();
  ASSERT_EQ(after.size(), 2u);
  EXPECT_LT(after[0], 40u);
  EXPECT_EQ(after[1], 40u);
  const auto snapshot = index.publisher()->view().snapshot;
  const LiveShard& live = snapshot->shards().front();
  for (uint32_t row = 0; row < live.shard->rows(); ++row) {
    if (!live.IsLive(row)) continue;
    EXPECT_EQ(snapshot->FindThumbnail(live.shard->key(row).sha256),
              "jpeg of " + std::string(live.shard->key(row).product_id));
  }
}

TEST(WriteTotals, TellHowOftenAByteWasWritten) {
  EXPECT_EQ(WriteTotals{}.Amplification(), 0);
  EXPECT_DOUBLE_EQ((WriteTotals{100, 200, 50}).Amplification(), 3.5);
  EXPECT_TRUE((WriteTotals{100, 200, 50}).Allows(450, 8));
  EXPECT_FALSE((WriteTotals{100, 200, 50}).Allows(451, 8));
  EXPECT_FALSE(WriteTotals{}.Allows(1, 8));
}

}  // namespace
}  // namespace vitrine
