#include "indexer/repair.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/indexer_world.h"
#include "tests/test_util/complements_file.h"
#include "tests/test_util/corrupt.h"

namespace vitrine {
namespace {

using testing::IndexerWorld;

// A catalogue whose index has every kind of file, in several segments.
class Repair : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.options().merge.flat_shards = 50;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i) {
        world_.Put("p" + std::to_string(4 * round + i) + ".jpg",
                   10 * round + i);
      }
      ASSERT_TRUE(world_.Once().ok());
    }
    world_.Put("p0.jpg", 77);
    world_.Remove("p5.jpg");
    ASSERT_TRUE(world_.Once().ok());
    expected_ = world_.Indexed();
    ASSERT_EQ(expected_.size(), 11u);
  }

  absl::Status RunRepair() {
    world_.options().index.repair = true;
    absl::Status status = world_.Once();
    world_.options().index.repair = false;
    return status;
  }
  void ExpectMended() {
    const absl::Status refused = world_.Once();
    EXPECT_TRUE(absl::IsDataLoss(refused)) << refused;
    const absl::Status repaired = RunRepair();
    EXPECT_TRUE(repaired.ok()) << repaired;
    EXPECT_EQ(world_.Indexed(), expected_);
    const auto snapshot = world_.Newest();
    for (const std::string& product : world_.Products()) {
      snapshot->ForEachRowOf(product, [&](const Shard& shard, uint32_t row) {
        EXPECT_FALSE(snapshot->FindThumbnail(shard.key(row).sha256).empty());
      });
    }
    // From here on it is an index like any other.
    world_.Put("after.jpg", 500);
    EXPECT_TRUE(world_.Once().ok());
    EXPECT_EQ(world_.Indexed().size(), expected_.size() + 1);
  }

  IndexerWorld world_;
  std::map<std::string, std::string> expected_;
};

TEST_F(Repair, MendsEachShard) {
  const size_t shards = world_.Named("shards").size();
  ASSERT_GE(shards, 1u);
  Damage(world_.Named("shards")[0]);
  ExpectMended();
}

TEST_F(Repair, MendsDeletions) {
  world_.Remove("p6.jpg");
  ASSERT_TRUE(world_.Once().ok());
  expected_ = world_.Indexed();
  ASSERT_FALSE(world_.Named("deletions").empty());
  Damage(world_.Named("deletions")[0]);
  ExpectMended();
}

TEST_F(Repair, MendsProducts) {
  Damage(world_.Named("products").back());
  ExpectMended();
}

TEST_F(Repair, MendsSources) {
  Damage(world_.Named("sources").back());
  ExpectMended();
}

TEST_F(Repair, MendsPictures) {
  Damage(world_.Named("pictures").back());
  ExpectMended();
}

TEST_F(Repair, LeavesDamagedComplementsOutUntilTheyComeAgain) {
  const storage::VectorSet set = world_.Newest()->set();
  const std::string bytes =
      AnyComplementsFile(set.model(), world_.Newest()->blocks());
  const auto attach = [&] {
    const auto publisher = Publisher::Open(world_.paths(), {});
    ASSERT_TRUE(publisher.ok()) << publisher.status();
    const auto set_to = (*publisher)->SetComplements(bytes, "c.pb");
    ASSERT_TRUE(set_to.ok()) << set_to.status();
  };
  attach();
  Damage(world_.paths().complements() / ToHex(Sha256(bytes)));
  ExpectMended();
  EXPECT_EQ(world_.Newest()->complements(), nullptr);
  // The damaged file, which an older generation names, makes way.
  attach();
  ASSERT_NE(world_.Newest()->complements(), nullptr);
}

TEST_F(Repair, MendsTheModel) {
  Damage(world_.Named("models")[0]);
  ExpectMended();
}

TEST_F(Repair, MendsTheNewestManifest) {
  Damage(world_.paths().manifest(ListGenerations(world_.paths())->back()));
  ExpectMended();
}

TEST_F(Repair, MendsAnOlderManifest) {
  Damage(world_.paths().manifest(2));
  ExpectMended();
}

TEST_F(Repair, MendsAllAtOnce) {
  for (const char* folder :
       {"shards", "products", "sources", "pictures", "models"}) {
    for (const auto& file : world_.Named(folder)) Damage(file);
  }
  ExpectMended();
}

TEST_F(Repair, MendsAMissingFile) {
  std::filesystem::remove(world_.Named("shards")[0]);
  ExpectMended();
}

TEST_F(Repair, FindsDeletionsThatTheDamageHid) {
  // With the newest segments, the removal of p5 is lost.
  world_.Remove("p6.jpg");
  ASSERT_TRUE(world_.Once().ok());
  expected_ = world_.Indexed();
  for (const char* folder : {"products", "sources", "deletions"}) {
    Damage(world_.Named(folder).back());
  }
  ExpectMended();
}

TEST_F(Repair, EmbedsOnlyWhatIsLost) {
  Damage(world_.Named("products").back());
  ASSERT_TRUE(RunRepair().ok());
  EXPECT_EQ(world_.summary().ingest.embedded, 0);
  EXPECT_EQ(world_.Indexed(), expected_);
}

TEST_F(Repair, LeavesASoundIndexAsItIs) {
  ASSERT_TRUE(RunRepair().ok());
  EXPECT_EQ(world_.Indexed(), expected_);
  EXPECT_EQ(world_.summary().ingest.embedded, 0);
}

TEST_F(Repair, ChangesNothingWhereAFileIsOfANewerVersion) {
  // An older manifest that cannot be read is damage; one of a newer version is
  // not.
  const auto path = world_.paths().manifest(2);
  std::string bytes = testing::ReadAll(path);
  bytes[8] = 2;  // The version; its checksum is put right.
  const uint64_t checksum = Checksum(bytes.substr(8, 8) + bytes.substr(24));
  std::memcpy(bytes.data() + 16, &checksum, sizeof(checksum));
  testing::WriteAll(path, bytes);
  Damage(world_.Named("shards")[0]);
  const auto before = testing::FilesUnder(world_.paths().root);
  const absl::Status status = RunRepair();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(testing::FilesUnder(world_.paths().root), before);
  EXPECT_EQ(testing::ReadAll(path), bytes);
}

TEST_F(Repair, GivesUpWhereNoManifestCanBeRead) {
  const auto generations = ListGenerations(world_.paths());
  ASSERT_TRUE(generations.ok());
  for (uint64_t generation : *generations) {
    Damage(world_.paths().manifest(generation));
  }
  const absl::Status status = RunRepair();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(std::string(status.message()).find("fresh directory"),
            std::string::npos);
}

}  // namespace
}  // namespace vitrine
