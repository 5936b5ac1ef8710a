#include "indexer/set_filler.h"

#include <algorithm>
#include <random>

#include "indexer/merger.h"
#include "tests/indexer_world.h"
#include "tests/test_util/narrow_embedder.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using testing::Content;
using testing::JpegOf;
using testing::MakeRow;
using testing::RowsIn;
using testing::TestIndex;
using testing::WriteAll;

// An index whose other set is of a second model, and the catalogue behind it.
class SetFillerTest : public ::testing::Test {
 protected:
  SetFillerTest() {
    options_.catalog_root = dir_ / "catalog";
    options_.load = [this] { return LoadNarrow(); };
    options_.rows = 3;
    options_.batch = 2;
    options_.report = [this](const std::string& line) {
      std::lock_guard lock(mutex_);
      lines_ += line + "\n";
    };
    std::filesystem::create_directories(options_.catalog_root);
    WriteAll(dir_ / "narrow.pt", "the bytes of another bundle");
  }

  Publisher* publisher() { return index_.publisher(); }
  IndexView view() { return publisher()->view(); }
  std::string lines() {
    std::lock_guard lock(mutex_);
    return lines_;
  }

  absl::StatusOr<std::unique_ptr<Embedder>> LoadNarrow() {
    return NarrowEmbedder::Load(dir_ / "narrow.pt", &embedded_, &check_);
  }
  void AddSet() {
    SetSettings settings;
    settings.card = (*LoadNarrow())->card();
    settings.bundle_path = dir_ / "narrow.pt";
    const auto added = publisher()->AddSet(settings);
    ASSERT_TRUE(added.ok()) << added.status();
  }
  absl::Status Finish() {
    SetFiller filler(publisher(), options_);
    return filler.Finish({});
  }
  // The picture is in the catalogue, too.
  void Put(const std::string& product, const std::string& key, int seed) {
    WriteAll(options_.catalog_root / key, JpegOf(seed));
    ChangeSet changes = index_.Changes();
    changes.PutImage(MakeRow(product, key, JpegOf(seed)), JpegOf(seed, 24));
    index_.Publish(changes);
  }
  // That the other set has exactly the pictures of the serving one, …
  void ExpectComplete() {
    EXPECT_EQ(RowsIn(*view().other), Content(*view().snapshot));
    EXPECT_EQ(view().missing(), 0u);
  }
  // … or some of them.
  void ExpectPart() {
    const auto all = Content(*view().snapshot);
    for (const auto& row : RowsIn(*view().other)) {
      EXPECT_TRUE(all.contains(row.first) && all.at(row.first) == row.second)
          << row.first;
    }
  }
  std::vector<uint16_t> VectorOf(const Snapshot& snapshot,
                                 const std::string& product) {
    std::vector<uint16_t> vector;
    snapshot.ForEachRowOf(product, [&](const Shard& shard, uint32_t row) {
      vector.assign(shard.vector(row), shard.vector(row) + shard.dim());
    });
    return vector;
  }

  TempDir dir_;
  TestIndex index_;
  SetFillerOptions options_;
  std::atomic<int64_t> embedded_ = 0;
  std::function<absl::Status(const uint8_t*)> check_;
  std::mutex mutex_;
  std::string lines_;
};

TEST_F(SetFillerTest, EmbedsEveryPictureWithTheOtherModel) {
  for (int i = 0; i < 10; ++i) {
    Put("p" + std::to_string(i), std::to_string(i) + ".jpg", i);
  }
  Put("p3", "3b.jpg", 40);
  AddSet();
  EXPECT_EQ(view().missing(), 11u);
  EXPECT_EQ(view().other->set().filled_unix_ms(), 0);
  ASSERT_OK(Finish());
  ExpectComplete();
  EXPECT_EQ(embedded_, 11);
  EXPECT_EQ(view().other->dim(), 64);
  EXPECT_NE(view().other->set().filled_unix_ms(), 0);
  EXPECT_EQ(view().snapshot->dim(), 128);
  // The serving vectors are as they were.
  EXPECT_EQ(VectorOf(*view().snapshot, "p4"), testing::FakeVector(JpegOf(4)));
}

TEST_F(SetFillerTest, GoesOnWhereAnEarlierRunHasStopped) {
  for (int i = 0; i < 10; ++i) {
    Put("p" + std::to_string(i), std::to_string(i) + ".jpg", i);
  }
  AddSet();
  {
    // Destroyed once it has published something.
    SetFiller filler(publisher(), options_);
    while (view().other->images() == 0) std::this_thread::yield();
  }
  ASSERT_OK(index_.Reopen());
  ASSERT_OK(Finish());
  ExpectComplete();
  EXPECT_EQ(embedded_, 10);
}

TEST_F(SetFillerTest, TakesWhatComesGoesAndChangesMeanwhile) {
  for (int i = 0; i < 5; ++i) {
    Put("p" + std::to_string(i), std::to_string(i) + ".jpg", i);
  }
  AddSet();
  SetFiller filler(publisher(), options_);
  ASSERT_OK(filler.Finish({}));
  Put("new", "new.jpg", 50);
  Put("p1", "1.jpg", 51);
  // What is replaced or removed is so in the same generation.
  EXPECT_FALSE(RowsIn(*view().other).contains("p1/1.jpg"));
  index_.Remove("p2", "2.jpg");
  EXPECT_FALSE(RowsIn(*view().other).contains("p2/2.jpg"));
  ASSERT_OK(filler.Finish({}));
  ExpectComplete();
}

TEST_F(SetFillerTest, EmbedsTheThumbnailWhereTheFileIsGoneOrAnother) {
  Put("gone", "gone.jpg", 1);
  Put("changed", "changed.jpg", 2);
  Put("there", "there.jpg", 3);
  std::filesystem::remove(options_.catalog_root / "gone.jpg");
  WriteAll(options_.catalog_root / "changed.jpg", JpegOf(77));
  AddSet();
  ASSERT_OK(Finish());
  ExpectComplete();
}

TEST_F(SetFillerTest, EmbedsTheThumbnailOfWhatIsRefusedNow) {
  Put("sound", "sound.jpg", 1);
  for (const char* key : {"refused.jpg", "bare.jpg"}) {
    WriteAll(options_.catalog_root / key, std::string("no picture of ") + key);
    ChangeSet changes = index_.Changes();
    changes.PutImage(MakeRow(key, key, std::string("no picture of ") + key),
                     std::string_view(key) == "bare.jpg" ? "" : JpegOf(2, 24));
    index_.Publish(changes);
  }
  AddSet();
  EXPECT_STATUS(Finish(), absl::StatusCode::kUnavailable,
                "1 pictures lack: bare.jpg of product 'bare.jpg': ");
  EXPECT_FALSE(VectorOf(*view().other, "refused.jpg").empty());
  ChangeSet changes = index_.Changes();
  changes.RemoveImage("bare.jpg", "bare.jpg");
  index_.Publish(changes);
  ASSERT_OK(Finish());
  ExpectComplete();
}

TEST_F(SetFillerTest, WaitsWhereTheCatalogueIsAway) {
  Put("a", "a.jpg", 1);
  std::filesystem::remove(options_.catalog_root / "a.jpg");
  AddSet();
  EXPECT_STATUS(Finish(), absl::StatusCode::kUnavailable,
                "its volume may be away");
  EXPECT_EQ(view().missing(), 1u);
  WriteAll(options_.catalog_root / "a.jpg", JpegOf(1));
  ASSERT_OK(Finish());
  ExpectComplete();
}

// As a team that clears its drop folder leaves it.
TEST_F(SetFillerTest, EmbedsThumbnailsWhereTheFolderIsEmptyAndTheSame) {
  Put("a", "a.jpg", 1);
  std::filesystem::remove(options_.catalog_root / "a.jpg");
  options_.catalog_identity = RootIdentity(options_.catalog_root);
  AddSet();
  ASSERT_OK(Finish());
  ExpectComplete();
}

TEST_F(SetFillerTest, WaitsWhereAnotherFolderIsInItsPlace) {
  Put("a", "a.jpg", 1);
  options_.catalog_identity = RootIdentity(options_.catalog_root);
  std::filesystem::rename(options_.catalog_root, dir_ / "moved");
  std::filesystem::create_directories(options_.catalog_root);
  WriteAll(options_.catalog_root / "lost+found", "");
  AddSet();
  EXPECT_STATUS(Finish(), absl::StatusCode::kUnavailable,
                "is another folder than it was");
  EXPECT_EQ(view().missing(), 1u);
}

TEST_F(SetFillerTest, SaysThatItLacksTheFolder) {
  Put("a", "a.jpg", 1);
  options_.catalog_root.clear();
  AddSet();
  EXPECT_STATUS(Finish(), absl::StatusCode::kFailedPrecondition, "--catalog");
}

TEST_F(SetFillerTest, ReadsTheOriginalsOfAQueue) {
  ChangeSet changes = index_.Changes();
  const std::string bytes = JpegOf(5);
  changes.PutImage(MakeRow("q", "front", bytes), JpegOf(6, 24));
  changes.PutOriginal(Sha256(bytes), bytes);
  storage::SourceFileRecord record;
  record.set_product_id("q");
  changes.PutSource(QueuedPictureKey("q", "front"), record);
  index_.Publish(changes);
  WriteAll(options_.catalog_root / "p.jpg", bytes);
  AddSet();
  ASSERT_OK(Finish());
  const std::vector<uint16_t> of_original = VectorOf(*view().other, "q");
  // The same picture from a file has the same vector; its thumbnail has not.
  publisher()->DropOtherSet().status().IgnoreError();
  Put("p", "p.jpg", 5);
  index_.Remove("q", "front");
  AddSet();
  ASSERT_OK(Finish());
  EXPECT_EQ(VectorOf(*view().other, "p"), of_original);
}

TEST_F(SetFillerTest, EmbedsOneContentOnce) {
  Put("a", "a.jpg", 1);
  AddSet();
  ASSERT_OK(Finish());
  Put("b", "b.jpg", 1);
  ASSERT_OK(Finish());
  ExpectComplete();
  EXPECT_EQ(embedded_, 1);
  EXPECT_EQ(VectorOf(*view().other, "b"), VectorOf(*view().other, "a"));
}

TEST_F(SetFillerTest, SaysWhichPictureTheModelFailsOnAndFillsTheOthers) {
  for (int i = 0; i < 6; ++i) {
    Put("p" + std::to_string(i), std::to_string(i) + ".jpg", i);
  }
  AddSet();
  // The first that it sees, again and again.
  std::vector<uint8_t> bad;
  std::mutex mutex;
  check_ = [&](const uint8_t* pixels) -> absl::Status {
    std::lock_guard lock(mutex);
    if (bad.empty()) bad.assign(pixels, pixels + 32 * 32 * 3);
    return std::equal(bad.begin(), bad.end(), pixels)
               ? absl::InternalError("it has a stripe too many")
               : absl::OkStatus();
  };
  const absl::Status status = Finish();
  EXPECT_STATUS(status, absl::StatusCode::kUnavailable, "1 pictures lack");
  EXPECT_STATUS(status, absl::StatusCode::kUnavailable, "a stripe too many");
  EXPECT_EQ(view().missing(), 1u);
  EXPECT_STATUS(publisher()->SwitchSets(true),
                absl::StatusCode::kFailedPrecondition, "lacks 1 picture");
  check_ = {};
  ASSERT_OK(Finish());
  ExpectComplete();
}

TEST_F(SetFillerTest, NeedsNoModelForAnotherMetric) {
  Put("a", "a.jpg", 1);
  SetSettings settings;
  settings.card = testing::FakeCard();
  WriteAll(dir_ / "same.pt", testing::kFakeBundle);
  settings.bundle_path = dir_ / "same.pt";
  settings.metric = storage::VectorSet::METRIC_MANHATTAN;
  ASSERT_OK(publisher()->AddSet(settings).status());
  std::filesystem::remove_all(options_.catalog_root);
  std::filesystem::create_directories(options_.catalog_root);
  WriteAll(options_.catalog_root / "other.jpg", JpegOf(9));
  options_.load = [] { return absl::InternalError("no model is needed"); };
  SetFiller filler(publisher(), options_);
  ASSERT_OK(filler.Finish({}));
  ExpectComplete();
  EXPECT_EQ(VectorOf(*view().other, "a"), VectorOf(*view().snapshot, "a"));
}

TEST_F(SetFillerTest, SwitchesThereAndBackInOneGenerationEach) {
  Put("a", "a.jpg", 1);
  AddSet();
  const uint64_t first = view().snapshot->set().id();
  const uint64_t second = view().other->set().id();
  ASSERT_OK(Finish());
  ASSERT_OK(publisher()->SwitchSets(/*keep=*/true).status());
  EXPECT_EQ(view().snapshot->set().id(), second);
  EXPECT_EQ(view().other->set().state(), storage::VectorSet::STATE_RETAINED);
  Content(*view().snapshot);
  // Rows of the model that served before are of no use now.
  ChangeSet stale = index_.Changes();
  IndexChanges changes = stale.changes();
  changes.set = first;
  changes.rows[{"b", "b.jpg"}] = MakeRow("b", "b.jpg", "b");
  EXPECT_STATUS(publisher()->Publish(changes),
                absl::StatusCode::kFailedPrecondition, "serves now");
  ASSERT_OK(publisher()->SwitchSets(/*keep=*/true).status());
  EXPECT_EQ(view().snapshot->set().id(), first);
  ASSERT_OK(publisher()->SwitchSets(/*keep=*/false).status());
  EXPECT_EQ(view().snapshot->set().id(), second);
  EXPECT_EQ(view().other, nullptr);
  EXPECT_STATUS(publisher()->SwitchSets(true), absl::StatusCode::kNotFound,
                "no other");
  ASSERT_OK(index_.Reopen());
  EXPECT_EQ(view().snapshot->set().id(), second);
}

// Anything in any order, with merges and reopenings: the other set always has
// some of the serving set's pictures, in the end all of them, and no picture
// that was removed comes back in either.
TEST_F(SetFillerTest, KeepsToTheServingSetThroughAnySequence) {
  std::mt19937 random(7);
  std::map<std::string, int> expected;
  MergeLimits limits;
  limits.flat_shards = 2;
  limits.files = 3;
  limits.dead_rows = 1;
  Put("p0", "0.jpg", 0);
  expected["0.jpg"] = 0;
  AddSet();
  for (int step = 0; step < 300; ++step) {
    const std::string number = std::to_string(random() % 20);
    const std::string key = number + ".jpg";
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        const int seed = static_cast<int>(random() % 500);
        Put("p" + number, key, seed);
        expected[key] = seed;
        break;
      }
      case 3:
        if (expected.size() < 2) break;
        index_.Remove("p" + number, key);
        std::filesystem::remove(options_.catalog_root / key);
        expected.erase(key);
        break;
      case 4:
        ASSERT_OK(SettleMerges(publisher(), limits, 1));
        break;
      case 5: {
        SetFiller filler(publisher(), options_);
        if (random() % 2 == 0) ASSERT_OK(filler.Finish({}));
        break;
      }
      case 6:
        ASSERT_OK(index_.Reopen());
        break;
      case 7:
        if (random() % 10 != 0) break;
        AddSet();
        break;
    }
    ExpectPart();
    std::map<std::string, std::string> content;
    for (const auto& [path, seed] : expected) {
      content["p" + path.substr(0, path.find('.')) + "/" + path] =
          ToHex(Sha256(JpegOf(seed)));
    }
    ASSERT_EQ(Content(*view().snapshot), content) << "step " << step;
  }
  ASSERT_OK(Finish());
  ExpectComplete();
  ASSERT_OK(publisher()->SwitchSets(false).status());
  EXPECT_EQ(testing::ContentOnDisk(index_.paths()), Content(*view().snapshot));
}

}  // namespace
}  // namespace vitrine
