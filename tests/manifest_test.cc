#include "common/index/manifest.h"

#include <fstream>

#include "common/base/file.h"
#include "tests/test_util/corrupt.h"
#include "tests/test_util/status_matchers.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

class ManifestTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(MakeFolders(paths_.manifests()));
    manifest_.set_generation(42);
    manifest_.set_writer("test");
  }

  TempDir dir_;
  IndexPaths paths_{dir_.path()};
  storage::Manifest manifest_;
};

TEST_F(ManifestTest, IsReadAsItWasPublished) {
  ASSERT_OK(PublishManifest(paths_, manifest_));
  EXPECT_TRUE(std::filesystem::exists(dir_.path() / "manifests" / "000042.pb"));
  ASSERT_OK_AND_ASSIGN(const storage::Manifest read, ReadManifest(paths_, 42));
  EXPECT_EQ(read.SerializeAsString(), manifest_.SerializeAsString());
}

TEST_F(ManifestTest, ANumberIsNeverUsedTwice) {
  ASSERT_OK(PublishManifest(paths_, manifest_));
  EXPECT_STATUS(PublishManifest(paths_, manifest_),
                absl::StatusCode::kAlreadyExists, "000042.pb");
}

TEST_F(ManifestTest, RejectsAFlippedBitWhereverItIs) {
  ASSERT_OK(PublishManifest(paths_, manifest_));
  const auto path = paths_.manifest(42);
  for (uint64_t offset = 0; offset < std::filesystem::file_size(path);
       ++offset) {
    FlipBit(path, offset, static_cast<int>(offset % 8));
    EXPECT_STATUS(ReadManifest(paths_, 42), absl::StatusCode::kDataLoss,
                  path.string());
    FlipBit(path, offset, static_cast<int>(offset % 8));
  }
}

TEST_F(ManifestTest, RejectsAnotherGenerationUnderItsName) {
  ASSERT_OK(PublishManifest(paths_, manifest_));
  std::filesystem::rename(paths_.manifest(42), paths_.manifest(43));
  EXPECT_STATUS(ReadManifest(paths_, 43), absl::StatusCode::kDataLoss,
                "is generation 42");
}

TEST_F(ManifestTest, ListsGenerationsAndNothingElse) {
  for (uint64_t generation : {7, 1'000'000, 8}) {
    manifest_.set_generation(generation);
    ASSERT_OK(PublishManifest(paths_, manifest_));
  }
  std::ofstream(paths_.manifests() / "000009.pb.staging") << "x";
  std::ofstream(paths_.manifests() / "notes.txt") << "x";
  ASSERT_OK_AND_ASSIGN(const auto generations, ListGenerations(paths_));
  EXPECT_THAT(generations, testing::ElementsAre(7, 8, 1'000'000));
}

// Whoever reads a manifest reads, copies and removes what it names.
TEST_F(ManifestTest, RefusesNamesThatLeadOutOfTheIndex) {
  for (const std::string bad :
       {"../../secret", "/etc/passwd", "..", "a/b", "x/../y"}) {
    storage::Manifest manifests[6];
    manifests[0].add_vector_sets()->set_model(bad);
    storage::Shard* shard = manifests[1].add_vector_sets()->add_shards();
    shard->mutable_file()->set_name(bad);
    shard = manifests[2].add_vector_sets()->add_shards();
    shard->mutable_deletions()->set_name(bad);
    manifests[3].add_product_segments()->set_name(bad);
    manifests[4].add_original_packs()->set_name(bad);
    manifests[5].add_source_segments()->set_name(bad);
    for (storage::Manifest& manifest : manifests) {
      // With its ending, a model of this name is a file like any other.
      if (bad == ".." && &manifest == &manifests[0]) continue;
      manifest.set_generation(42);
      ASSERT_OK(PublishManifest(paths_, manifest));
      EXPECT_STATUS(ReadManifest(paths_, 42), absl::StatusCode::kDataLoss,
                    "leads out of the index");
      ASSERT_OK(RemoveFile(paths_.manifest(42)));
    }
  }
}

TEST_F(ManifestTest, RefusesOneThatIsTooLarge) {
  manifest_.set_writer(std::string(70'000, 'x'));
  EXPECT_STATUS(PublishManifest(paths_, manifest_),
                absl::StatusCode::kResourceExhausted, "more than 65536");
}

TEST_F(ManifestTest, OneSetServes) {
  EXPECT_STATUS(ServingSet(manifest_), absl::StatusCode::kFailedPrecondition,
                "no serving");
  manifest_.add_vector_sets()->set_state(storage::VectorSet::STATE_BUILDING);
  manifest_.add_vector_sets()->set_state(storage::VectorSet::STATE_SERVING);
  ASSERT_OK_AND_ASSIGN(const storage::VectorSet* set, ServingSet(manifest_));
  EXPECT_EQ(set, &manifest_.vector_sets(1));
  manifest_.add_vector_sets()->set_state(storage::VectorSet::STATE_SERVING);
  EXPECT_STATUS(ServingSet(manifest_), absl::StatusCode::kFailedPrecondition,
                "two serving");
}

}  // namespace
}  // namespace vitrine
