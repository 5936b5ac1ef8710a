#include "indexer/publisher.h"

#include <gtest/gtest.h>

#include "common/base/file.h"
#include "common/index/complements.h"
#include "indexer/merger.h"
#include "tests/indexing_test_util.h"
#include "tests/test_util/complements_file.h"

namespace vitrine {
namespace {

using testing::Content;
using testing::ContentOnDisk;
using testing::FilesUnder;
using testing::MakeRow;
using testing::TestIndex;

using Rows = std::map<std::string, std::string>;

std::string Hex(const std::string& content) { return ToHex(Sha256(content)); }

TEST(Publisher, BeginsWithAnEmptyGenerationAndItsModel) {
  TestIndex index;
  EXPECT_EQ(index.publisher()->view().snapshot->generation(), 1u);
  EXPECT_EQ(ContentOnDisk(index.paths()), Rows());
  EXPECT_EQ(testing::ReadAll(index.paths().model(testing::FakeCard().id)),
            testing::kFakeBundle);
}

TEST(Publisher, IsNotFoundWhereThereIsNoIndex) {
  testing::TempDir dir;
  EXPECT_TRUE(
      absl::IsNotFound(Publisher::Open(IndexPaths{dir / "none"}, {}).status()));
}

TEST(Publisher, AddsReplacesAndRemovesPictures) {
  TestIndex index;
  EXPECT_EQ(index.Put("p", "1.jpg", "red"), 2u);
  EXPECT_EQ(index.Put("p", "2.jpg", "blue"), 3u);
  EXPECT_EQ(ContentOnDisk(index.paths()),
            (Rows{{"p/1.jpg", Hex("red")}, {"p/2.jpg", Hex("blue")}}));
  index.Put("p", "1.jpg", "green");
  EXPECT_EQ(ContentOnDisk(index.paths()),
            (Rows{{"p/1.jpg", Hex("green")}, {"p/2.jpg", Hex("blue")}}));
  index.Remove("p", "2.jpg");
  index.Remove("p", "1.jpg");
  EXPECT_EQ(ContentOnDisk(index.paths()), Rows());
  EXPECT_FALSE(index.publisher()->view().snapshot->products().Find("p"));
  EXPECT_FALSE(index.publisher()->view().sources->Find("1.jpg"));
}

TEST(Publisher, KeepsThumbnailsByContent) {
  TestIndex index;
  index.Put("p", "1.jpg", "red");
  const Sha256Digest digest = Sha256("red");
  const std::string_view sha256(reinterpret_cast<const char*>(digest.data()),
                                digest.size());
  EXPECT_EQ(index.publisher()->view().snapshot->FindThumbnail(sha256),
            "jpeg of red");
}

TEST(Publisher, NamesOneDeletionsFileAShard) {
  TestIndex index;
  ChangeSet changes = index.Changes();
  for (int i = 0; i < 10; ++i) {
    changes.PutImage(MakeRow("p" + std::to_string(i), "k", std::to_string(i)),
                     "");
  }
  index.Publish(changes);
  index.Remove("p3", "k");
  index.Remove("p4", "k");
  const auto& shard =
      index.publisher()->view().snapshot->manifest().vector_sets(0).shards(0);
  EXPECT_EQ(shard.file().entries(), 10u);
  EXPECT_EQ(shard.deletions().entries(), 2u);
  EXPECT_EQ(ContentOnDisk(index.paths()).size(), 8u);
}

TEST(Publisher, DropsAShardWithItsLastRow) {
  TestIndex index;
  index.Put("p", "k", "red");
  index.Put("p", "k", "blue");
  EXPECT_EQ(index.publisher()
                ->view()
                .snapshot->manifest()
                .vector_sets(0)
                .shards_size(),
            1);
}

TEST(Publisher, GoesOnWithTheNextGenerationAfterAReopen) {
  TestIndex index;
  index.Put("p", "k", "red");
  ASSERT_TRUE(index.Reopen().ok());
  EXPECT_EQ(Content(*index.publisher()->view().snapshot),
            (Rows{{"p/k", Hex("red")}}));
  EXPECT_EQ(index.Put("q", "k", "blue"), 3u);
}

TEST(Publisher, RemovesWhatACrashHasLeft) {
  TestIndex index;
  index.Put("p", "k", "red");
  const auto before = FilesUnder(index.paths().root);
  testing::WriteAll(index.paths().shards() / "000009-deadbeef.staging", "x");
  testing::WriteAll(index.paths().products() / "000009-deadbeef", "x");
  testing::WriteAll(index.paths().manifests() / "000009.pb.staging", "x");
  ASSERT_TRUE(index.Reopen().ok());
  EXPECT_EQ(FilesUnder(index.paths().root), before);
}

TEST(Publisher, LeavesTheFilesOfOthersAlone) {
  TestIndex index;
  index.Put("p", "k", "red");
  testing::WriteAll(index.paths().shards() / "README", "x");
  testing::WriteAll(index.paths().models() / ".nfs0000000000a1", "x");
  std::filesystem::create_directory(index.paths().pictures() / "lost+found");
  const auto before = FilesUnder(index.paths().root);
  ASSERT_TRUE(index.Reopen().ok());
  EXPECT_EQ(FilesUnder(index.paths().root), before);
}

TEST(Publisher, RefusesToGoOnAfterDamage) {
  for (const char* folder :
       {"manifests", "models", "shards", "products", "sources", "pictures"}) {
    TestIndex index;
    index.Put("p", "k", "red");
    for (const auto& entry :
         std::filesystem::directory_iterator(index.paths().root / folder)) {
      std::string bytes = testing::ReadAll(entry.path());
      bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
      testing::WriteAll(entry.path(), bytes);
    }
    const absl::Status status = index.Reopen();
    EXPECT_TRUE(absl::IsDataLoss(status)) << folder << ": " << status;
    EXPECT_NE(std::string(status.message()).find("--repair"),
              std::string::npos);
  }
}

TEST(Publisher, PublishesNothingWhereAFileCannotBeWritten) {
  TestIndex index;
  index.Put("p", "k", "red");
  const auto before = FilesUnder(index.paths().root);
  // A folder that is not there fails like a full disk, for root too.
  std::filesystem::rename(index.paths().pictures(),
                          index.paths().root / "hidden");
  ChangeSet changes = index.Changes();
  changes.PutImage(MakeRow("q", "k", "blue"), "jpeg");
  EXPECT_FALSE(index.publisher()->Publish(changes.changes()).ok());
  std::filesystem::rename(index.paths().root / "hidden",
                          index.paths().pictures());
  EXPECT_EQ(FilesUnder(index.paths().root), before);
  EXPECT_EQ(index.publisher()->view().snapshot->generation(), 2u);
  EXPECT_EQ(ContentOnDisk(index.paths()), (Rows{{"p/k", Hex("red")}}));
  // The same changes again; the number of the failed attempt is not used.
  EXPECT_EQ(index.Publish(changes), 4u);
  EXPECT_EQ(ContentOnDisk(index.paths()).size(), 2u);
}

TEST(Publisher, NeverUsesTheNumberOfAManifestThatIsThere) {
  TestIndex index;
  index.Put("p", "k", "red");
  // The rename of an attempt whose fsync failed.
  ASSERT_TRUE(std::filesystem::copy_file(index.paths().manifest(2),
                                         index.paths().manifest(3)));
  ChangeSet changes = index.Changes();
  changes.PutImage(MakeRow("q", "k", "blue"), "");
  EXPECT_TRUE(absl::IsAlreadyExists(
      index.publisher()->Publish(changes.changes()).status()));
  EXPECT_EQ(index.Publish(changes), 4u);
}

TEST(Publisher, RemovesExpiredGenerationsAndTheirFiles) {
  int64_t now_ms = 1'000'000;
  PublisherOptions options;
  options.retention = {.generations = 2, .superseded_ms = 1000};
  options.now_unix_ms = [&now_ms] { return now_ms; };
  TestIndex index(options);
  for (int i = 0; i < 5; ++i) index.Put("p", "k", std::to_string(i));
  EXPECT_EQ(ListGenerations(index.paths())->size(), 6u);
  now_ms += 1000;
  index.Put("p", "k", "last");
  index.publisher()->RemoveExpired();
  EXPECT_EQ(*ListGenerations(index.paths()), (std::vector<uint64_t>{6, 7}));
  EXPECT_EQ(ListFolder(index.paths().shards())->size(), 2u);
  EXPECT_EQ(ContentOnDisk(index.paths()), (Rows{{"p/k", Hex("last")}}));
}

TEST(Publisher, FindsTheVectorOfAContentThatIsGone) {
  TestIndex index;
  index.Put("p", "k", "red");
  index.Put("q", "k", "blue");
  const IndexView before = index.publisher()->view();
  index.Remove("p", "k");
  const Sha256Digest digest = Sha256("red");
  const std::string_view sha256(reinterpret_cast<const char*>(digest.data()),
                                digest.size());
  const auto vector = before.content->FindVector(sha256);
  EXPECT_EQ(std::vector<uint16_t>(vector.begin(), vector.end()),
            testing::FakeVector("red"));
  EXPECT_TRUE(before.content->FindVector(std::string(32, 'x')).empty());
}

std::string ComplementsOfFake(uint64_t pairs = 1) {
  return AnyComplementsFile(testing::FakeCard().id, testing::FakeCard().blocks,
                            pairs);
}

TEST(Publisher, KeepsComplementsWithTheirModelUntilTheyAreTakenAway) {
  TestIndex index;
  const std::string bytes = ComplementsOfFake();
  const auto published = index.publisher()->SetComplements(bytes, "c.pb");
  ASSERT_TRUE(published.ok()) << published.status();
  EXPECT_EQ(published->generation, 2u);
  const auto file = index.paths().complements() / Hex(bytes);
  EXPECT_EQ(testing::ReadAll(file), bytes);
  // The same again is nothing new.
  EXPECT_EQ(index.publisher()->SetComplements(bytes, "c.pb")->generation, 2u);
  // Later generations, and a start, keep them.
  EXPECT_EQ(index.Put("p", "k", "red"), 3u);
  ASSERT_TRUE(index.Reopen().ok());
  const auto snapshot = index.publisher()->view().snapshot;
  ASSERT_NE(snapshot->complements(), nullptr);
  EXPECT_EQ(snapshot->complements()->digest(), Hex(bytes));
  ASSERT_TRUE(index.publisher()->SetComplements("", "none").ok());
  EXPECT_EQ(index.publisher()->view().snapshot->complements(), nullptr);
}

TEST(Publisher, RemovesComplementsWithTheirLastGeneration) {
  int64_t now_ms = 1'000'000;
  PublisherOptions options;
  options.retention = {.generations = 1, .superseded_ms = 1000};
  options.now_unix_ms = [&now_ms] { return now_ms; };
  TestIndex index(options);
  const std::string first = ComplementsOfFake(1);
  const std::string second = ComplementsOfFake(2);
  ASSERT_TRUE(index.publisher()->SetComplements(first, "c.pb").ok());
  ASSERT_TRUE(index.publisher()->SetComplements(second, "c.pb").ok());
  index.publisher()->RemoveExpired();
  EXPECT_EQ(ListFolder(index.paths().complements())->size(), 2u);
  now_ms += 1000;
  index.publisher()->RemoveExpired();
  EXPECT_EQ(*ListFolder(index.paths().complements()),
            std::vector<std::string>{Hex(second)});
  // What a crash has left goes with the next start.
  testing::WriteAll(index.paths().complements() / std::string(64, 'f'), "x");
  ASSERT_TRUE(index.Reopen().ok());
  EXPECT_EQ(*ListFolder(index.paths().complements()),
            std::vector<std::string>{Hex(second)});
}

TEST(Publisher, RefusesComplementsOfAnotherModelAndWhatIsNone) {
  TestIndex index;
  const auto before = FilesUnder(index.paths().root);
  const absl::Status other =
      index.publisher()
          ->SetComplements(AnyComplementsFile(std::string(64, 'b'),
                                              testing::FakeCard().blocks),
                           "c.pb")
          .status();
  EXPECT_TRUE(absl::IsFailedPrecondition(other)) << other;
  EXPECT_NE(std::string(other.message()).find(std::string(64, 'b')),
            std::string::npos);
  const absl::Status cut =
      index.publisher()
          ->SetComplements(ComplementsOfFake().substr(0, 500), "c.pb")
          .status();
  EXPECT_TRUE(absl::IsInvalidArgument(cut)) << cut;
  EXPECT_EQ(FilesUnder(index.paths().root), before);
}

TEST(Publisher, RefusesToGoOnWithDamagedComplements) {
  TestIndex index;
  const std::string bytes = ComplementsOfFake();
  ASSERT_TRUE(index.publisher()->SetComplements(bytes, "c.pb").ok());
  const auto file = index.paths().complements() / Hex(bytes);
  testing::WriteAll(file, bytes.substr(1));
  const absl::Status status = index.Reopen();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(std::string(status.message()).find("--repair"), std::string::npos);
}

}  // namespace
}  // namespace vitrine
