#include "server/snapshot_store.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/index/manifest.h"
#include "common/index/search.h"
#include "common/model/trusted_models.h"
#include "tests/process.h"
#include "tests/snapshot_store_fixture.h"
#include "tests/test_util.h"
#include "tests/test_util/corrupt.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST_F(SnapshotStoreTest, SaysWhyItIsNotReadyAndTakesTheIndexOnceItComes) {
  const auto elsewhere = index_.dir().path() / "elsewhere";
  std::filesystem::rename(index_.paths().root, elsewhere);
  Start();
  EXPECT_STATUS(store_->Take(), absl::StatusCode::kUnavailable,
                "no index is open yet");
  EXPECT_EQ(ErrorOf(store_->Take().status()).reason(),
            v1::ERROR_REASON_INDEX_NOT_READY);
  EXPECT_STATUS(store_->Take(), absl::StatusCode::kUnavailable,
                index_.paths().root.string());
  EXPECT_TRUE(log_.Await("not ready: cannot list " +
                         index_.paths().manifests().string() +
                         ": No such file or directory; start vitrine-indexer "
                         "--index=" +
                         index_.paths().root.string() + ", or name "));
  std::filesystem::rename(elsewhere, index_.paths().root);
  EXPECT_TRUE(log_.Await("no generation has been published"));
  ASSERT_OK(Add("a"));
  ASSERT_TRUE(log_.Await("serving generation 1"));
  EXPECT_EQ(Generation(), 1u);
  EXPECT_EQ(times_ready_, 1);
  EXPECT_EQ(store_->degraded(), "");
  ASSERT_OK(Add("b"));
  AwaitGeneration(2);
  EXPECT_EQ(times_ready_, 1);
}

TEST_F(SnapshotStoreTest, IsReadyAtOnceWhereTheIndexIsThere) {
  ASSERT_OK(Add("a"));
  Start();
  EXPECT_EQ(Generation(), 1u);
  EXPECT_EQ(times_ready_, 1);
}

TEST_F(SnapshotStoreTest, ReadsWhatOpeningHasNotReadBeforeItIsReady) {
  ASSERT_OK(Add("a"));
  SnapshotStoreOptions options = index_.StoreOptions();
  options.verify = VerifyMode::kBackground;
  options.log = [this](std::string_view line) { log_.Add(line); };
  bool read_before = false;
  options.on_ready = [&] { read_before = log_.Await("MB of shards in "); };
  SnapshotStore store(std::move(options));
  store.Start();
  EXPECT_TRUE(read_before);
  EXPECT_OK(store.Take());
}

TEST_F(SnapshotStoreTest, TakesUpAGenerationSoonAfterItsPublication) {
  ASSERT_OK(Add("a"));
  Start(/*poll_ms=*/60'000);  // So that inotify alone must tell.
  std::vector<milliseconds> delays;
  for (uint64_t generation = 2; generation <= 12; ++generation) {
    ASSERT_OK(Add("p" + std::to_string(generation)));
    const auto published = steady_clock::now();
    AwaitGeneration(generation);
    delays.push_back(std::chrono::duration_cast<milliseconds>(
        steady_clock::now() - published));
  }
  std::sort(delays.begin(), delays.end());
  RecordProperty("median_ms", static_cast<int>(delays[5].count()));
  RecordProperty("slowest_ms", static_cast<int>(delays.back().count()));
  // The middle one, since a busy machine may delay any single one.
  EXPECT_LT(delays[5], milliseconds(250));
}

TEST_F(SnapshotStoreTest, WarnsOfWhatSomebodyShouldSeeToAndTellsEachTry) {
  LogLines warnings;
  std::mutex mutex;
  std::vector<ReloadOutcome> outcomes;
  SnapshotStoreOptions options = index_.StoreOptions();
  options.poll_ms = 20;
  options.log = [this](std::string_view line) { log_.Add(line); };
  options.warn = [&](std::string_view line) { warnings.Add(line); };
  options.on_reload = [&](const ReloadOutcome& outcome) {
    std::lock_guard lock(mutex);
    outcomes.push_back(outcome);
  };
  ASSERT_OK(Add("a"));
  store_ = std::make_unique<SnapshotStore>(std::move(options));
  store_->Start();
  ASSERT_OK(index_.builder().AddShard({MakeRow("b", "b.jpg", Draw())}));
  FlipBit(
      index_.paths().shards() / index_.builder().set().shards(1).file().name(),
      100);
  ASSERT_OK(index_.builder().Publish());
  ASSERT_TRUE(warnings.Await("degraded: generation 2"));
  store_ = nullptr;
  ASSERT_GE(outcomes.size(), 2u);
  EXPECT_OK(outcomes[0].status);
  EXPECT_TRUE(outcomes[0].is_served);
  EXPECT_GT(outcomes[0].seconds, 0);
  EXPECT_EQ(outcomes[1].status.code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(outcomes[1].is_served);
}

TEST_F(SnapshotStoreTest, KeepsTheOldGenerationWhereTheNewOneIsDamaged) {
  ASSERT_OK(Add("a"));
  Start();
  ASSERT_OK(index_.builder().AddShard({MakeRow("b", "b.jpg", Draw())}));
  FlipBit(
      index_.paths().shards() / index_.builder().set().shards(1).file().name(),
      100);
  ASSERT_OK(index_.builder().Publish());
  ASSERT_TRUE(log_.Await("degraded: generation 2"));
  EXPECT_EQ(Generation(), 1u);
  EXPECT_THAT(
      store_->degraded(),
      ::testing::HasSubstr(index_.builder().set().shards(1).file().name()));
  index_.builder().set().mutable_shards()->RemoveLast();
  ASSERT_OK(Add("c"));
  AwaitGeneration(3);
  EXPECT_TRUE(log_.Await("no longer degraded"));
  EXPECT_EQ(store_->degraded(), "");
}

TEST_F(SnapshotStoreTest, GoesOnAnsweringWhereTheFolderVanishes) {
  ASSERT_OK(Add("a"));
  Start();
  std::filesystem::rename(index_.paths().root,
                          index_.dir().path() / "elsewhere");
  ASSERT_TRUE(log_.Await("degraded: "));
  EXPECT_EQ(Generation(), 1u);
  std::filesystem::rename(index_.dir().path() / "elsewhere",
                          index_.paths().root);
  EXPECT_TRUE(log_.Await("no longer degraded"));
}

TEST_F(SnapshotStoreTest, TakesAnIndexThatWasBegunAnew) {
  ASSERT_OK(Add("a"));
  ASSERT_OK(Add("b"));
  Start();
  AwaitGeneration(2);
  std::filesystem::remove_all(index_.paths().root);
  ASSERT_TRUE(log_.Await("degraded: "));
  // Its files have the same names as those that are open.
  index_.builder() = IndexBuilder(index_.paths().root, TestBlocks());
  index_.UseModel("a bundle");
  ASSERT_OK(Add("z"));
  // While the folder was emptied, generation 1 may have been the newest.
  const auto end = steady_clock::now() + std::chrono::seconds(10);
  while (!(*store_->Take())->snapshot().FindProduct("z").ok() &&
         steady_clock::now() < end) {
    std::this_thread::yield();
  }
  EXPECT_OK((*store_->Take())->snapshot().FindProduct("z"));
  EXPECT_EQ(Generation(), 1u);
  EXPECT_FALSE((*store_->Take())->snapshot().FindProduct("a").ok());
}

TEST_F(SnapshotStoreTest, TakesAnotherIndexOfTheSameNumber) {
  ASSERT_OK(Add("a"));
  Start();
  ASSERT_EQ(Generation(), 1u);
  BeginAnew("another");
  ASSERT_OK(Add("z"));
  SwapIn();
  AwaitProduct("z");
  EXPECT_EQ(Generation(), 1u);
  EXPECT_FALSE(Finds("a"));
  EXPECT_EQ(store_->degraded(), "");
}

TEST_F(SnapshotStoreTest, TakesNoEarlierGenerationOfAnotherIndex) {
  ASSERT_OK(Add("a"));
  ASSERT_OK(Add("b"));
  Start();
  ASSERT_EQ(Generation(), 2u);
  BeginAnew("another");
  ASSERT_OK(index_.builder().Publish());  // It is empty.
  ASSERT_OK(Add("z"));
  const auto shard =
      fresh_.shards() / index_.builder().set().shards(0).file().name();
  FlipBit(shard, 100);
  SwapIn();
  ASSERT_TRUE(log_.Await("degraded: generation 2 "));
  EXPECT_TRUE(Finds("b"));
  FlipBit(index_.dir().path() / "index/shards" / shard.filename(), 100);
  AwaitProduct("z");
}

TEST_F(SnapshotStoreTest, RefusesABundleWhoseBytesAreNotItsName) {
  ASSERT_OK(Add("a"));
  FlipBit(index_.paths().model(index_.model()), 0);
  Start();
  EXPECT_STATUS(store_->Take(), absl::StatusCode::kUnavailable,
                "is damaged: its SHA-256 is");
  EXPECT_EQ(times_ready_, 0);
}

TEST_F(SnapshotStoreTest, RefusesABundleOfOtherBlocks) {
  index_.builder().set().mutable_blocks(0)->set_name("form");
  ASSERT_OK(Add("a"));
  Start();
  EXPECT_STATUS(store_->Take(), absl::StatusCode::kUnavailable,
                "the index was made with form 128");
}

TEST_F(SnapshotStoreTest, ChangesSnapshotAndModelTogether) {
  ASSERT_OK(Add("a"));
  Start();
  auto before = *store_->Take();
  index_.UseModel("another bundle");
  ASSERT_OK(Add("b"));
  AwaitGeneration(2);
  auto after = *store_->Take();
  EXPECT_EQ(after->snapshot().set().model(), index_.model());
  EXPECT_EQ(after->embedder().card().id, index_.model());
  EXPECT_NE(before->embedder().card().id, index_.model());
  // What was taken before still has its own model.
  EXPECT_EQ(before->embedder().card().id, before->snapshot().set().model());
}

// The newest generation, which does not open, has another model.
TEST_F(SnapshotStoreTest, LoadsModelsOneAtATimeByTheirTrials) {
  index_.builder().set().mutable_trial()->set_variant("frozen");
  index_.builder().set().mutable_trial()->add_vector(0.5f);
  index_.builder().set().mutable_trial()->set_machine("a machine");
  ASSERT_OK(Add("a"));
  const std::string model = index_.model();
  index_.UseModel("another bundle");
  ASSERT_OK(Add("b"));
  FlipBit(
      index_.paths().shards() / index_.builder().set().shards(1).file().name(),
      100);
  SnapshotStoreOptions options = index_.StoreOptions();
  std::atomic<int> loading = 0;
  std::vector<std::string> loaded;
  options.load_model = [&, load = options.load_model](
                           const std::filesystem::path& bundle,
                           const EmbedTrial& trial) {
    EXPECT_EQ(++loading, 1);
    EXPECT_EQ(trial.variant, EmbedVariant::kFrozen);
    EXPECT_THAT(trial.vector, ::testing::ElementsAre(0.5f));
    EXPECT_EQ(trial.machine, "a machine");
    loaded.push_back(bundle.stem().string());
    auto embedder = load(bundle, trial);
    --loading;
    return embedder;
  };
  store_ = std::make_unique<SnapshotStore>(std::move(options));
  store_->Start();
  EXPECT_EQ(Generation(), 1u);
  EXPECT_EQ((*store_->Take())->embedder().card().id, model);
  EXPECT_THAT(loaded, ::testing::ElementsAre(index_.model(), model));
}

TEST_F(SnapshotStoreTest, RunsTrustedModelsAloneAndHearsOfOneMore) {
  ASSERT_OK(Add("a"));
  const std::string first = index_.model();
  const auto list = index_.dir().path() / "trusted";
  testing::WriteAll(list, "# none yet\n");
  SnapshotStoreOptions options = index_.StoreOptions();
  options.poll_ms = 20;
  options.log = [this](std::string_view line) { log_.Add(line); };
  options.load_model = [list, load = options.load_model](
                           const std::filesystem::path& bundle,
                           const EmbedTrial& trial)
      -> absl::StatusOr<std::unique_ptr<Embedder>> {
    VITRINE_RETURN_IF_ERROR(CheckTrusted(list, bundle.stem().string()));
    return load(bundle, trial);
  };
  store_ = std::make_unique<SnapshotStore>(std::move(options));
  store_->Start();
  EXPECT_STATUS(store_->Take(), absl::StatusCode::kUnavailable, first);
  EXPECT_TRUE(log_.Await("not ready: the model is not run"));
  testing::WriteAll(list, first + "\n");
  AwaitGeneration(1);

  index_.UseModel("another bundle");
  ASSERT_OK(Add("b"));
  ASSERT_TRUE(log_.Await("degraded: the model is not run"));
  EXPECT_EQ(Generation(), 1u);
  EXPECT_EQ((*store_->Take())->embedder().card().id, first);
  EXPECT_THAT(store_->degraded(), ::testing::HasSubstr(index_.model()));
  testing::WriteAll(list, first + "\n" + index_.model() + "\n");
  AwaitGeneration(2);
  EXPECT_EQ((*store_->Take())->embedder().card().id, index_.model());
  EXPECT_TRUE(log_.Await("no longer degraded"));
}

TEST_F(SnapshotStoreTest, KeepsTheModelOverGenerations) {
  ASSERT_OK(Add("a"));
  Start();
  auto before = *store_->Take();
  ASSERT_OK(Add("b"));
  AwaitGeneration(2);
  EXPECT_EQ((*store_->Take())->shared_embedder(), before->shared_embedder());
}

TEST_F(SnapshotStoreTest, SearchesNeverFailWhileGenerationsChange) {
  ASSERT_OK(Add("p0"));
  Start(/*poll_ms=*/1);
  std::atomic<bool> stop = false;
  std::atomic<int> searches = 0;
  std::vector<std::thread> searchers;
  for (int t = 0; t < 2; ++t) {
    searchers.emplace_back([&, t] {
      std::mt19937 random(t);
      while (!stop) {
        auto serving = store_->Take();
        ASSERT_OK(serving);
        const Snapshot& snapshot = (*serving)->snapshot();
        SearchParams params;
        params.k = 100;
        auto result = Search(snapshot, DrawVector(0, &random), params);
        ASSERT_OK(result);
        // Every generation adds one product.
        ASSERT_EQ(result->hits.size(), snapshot.generation());
        ASSERT_EQ((*serving)->catalogue().products(),
                  static_cast<int64_t>(snapshot.generation()));
        ++searches;
      }
    });
  }
  for (uint64_t generation = 2; generation <= 20; ++generation) {
    ASSERT_OK(Add("p" + std::to_string(generation)));
    AwaitGeneration(generation);
    const int before = searches;
    while (searches < before + 2) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& searcher : searchers) searcher.join();
}

}  // namespace
}  // namespace vitrine
