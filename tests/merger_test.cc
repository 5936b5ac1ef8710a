#include "indexer/merger.h"

#include <gtest/gtest.h>

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
        index.paths(), view, plan, 1, [&] { return asked++ > after; },
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

}  // namespace
}  // namespace vitrine
