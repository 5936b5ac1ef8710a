#include "clients/cli/switch_models.h"

#include <algorithm>
#include <sstream>

#include "tests/indexer_world.h"
#include "tests/test_util/narrow_embedder.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine::cli {
namespace {

using std::chrono::milliseconds;
using testing::IndexerWorld;
using testing::JpegOf;
using testing::ReadAll;
using testing::RunningIndexer;
using testing::WriteAll;

// An index of the fake model, and bundles of another.
class SwitchModelsTest : public ::testing::Test {
 protected:
  SwitchModelsTest() {
    WriteAll(world_.root() / "narrow.pt", "a second bundle");
    WriteAll(world_.root() / "third.pt", "a third bundle");
    world_.options().index.load_embedder =
        [this](const std::filesystem::path& bundle, const EmbedTrial&, int) {
          return ReadAll(bundle) == testing::kFakeBundle
                     ? LoadFakeEmbedder(bundle)
                     : NarrowEmbedder::Load(bundle, &embedded_);
        };
    world_.options().index.publisher.now_unix_ms = [this] {
      return now_unix_ms_.load();
    };
    for (int i = 0; i < 5; ++i) {
      world_.Put(std::to_string(i) + ".jpg", i);
    }
    EXPECT_OK(world_.Once());
    first_ = world_.Newest()->set().model();
    second_ = ToHex(Sha256("a second bundle"));
  }

  void AskFor(const std::string& bundle, bool manually = false) {
    world_.options().index.model = world_.root() / bundle;
    world_.options().index.promote_manually = manually;
  }
  int Run(Verb verb) {
    flags_.verb = verb;
    flags_.index = world_.paths().root;
    std::ostringstream out;
    err_.str("");
    return SwitchModels(flags_, {out, err_, 0, "", Progress::Mode::kOff},
                        milliseconds(5));
  }
  bool Told(const std::string& what) const {
    return err_.str().find(what) != std::string::npos;
  }
  std::string Serving() const { return world_.Newest()->set().model(); }
  // The other set's model and state; nothing where there is none.
  std::optional<std::pair<std::string, storage::VectorSet::State>> Other()
      const {
    const auto snapshot = world_.Newest();
    const storage::VectorSet* const other = OtherSet(snapshot->manifest());
    if (other == nullptr) return std::nullopt;
    return std::pair(other->model(), other->state());
  }
  bool OtherIsComplete() const {
    const auto snapshot = world_.Newest();
    const storage::VectorSet* const other = OtherSet(snapshot->manifest());
    return other != nullptr && LiveRows(*other) == snapshot->images();
  }
  template <typename Holds>
  static bool Await(const Holds& holds) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  // That every generation on disk serves all that the newest does.
  void ExpectNeverPartial(size_t images) {
    ASSERT_OK_AND_ASSIGN(const std::vector<uint64_t> generations,
                         ListGenerations(world_.paths()));
    for (const uint64_t generation : generations) {
      ASSERT_OK_AND_ASSIGN(const storage::Manifest manifest,
                           ReadManifest(world_.paths(), generation));
      ASSERT_OK_AND_ASSIGN(const storage::VectorSet* const set,
                           ServingSet(manifest));
      if (generation > 2) {
        EXPECT_EQ(LiveRows(*set), images) << generation;
      }
    }
  }

  std::atomic<int64_t> now_unix_ms_ = 1'700'000'000'000;
  std::atomic<int64_t> embedded_ = 0;
  IndexerWorld world_;
  std::string first_, second_;
  Flags flags_;
  std::ostringstream err_;
};

TEST_F(SwitchModelsTest, ANewModelServesOnceItHasEveryPicture) {
  AskFor("narrow.pt");
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Serving(), second_);
  EXPECT_EQ(Other(), std::pair(first_, storage::VectorSet::STATE_RETAINED));
  EXPECT_EQ(world_.Indexed().size(), 5u);
  EXPECT_EQ(embedded_, 5);
  ExpectNeverPartial(5);
  // As an index that was begun with it.
  IndexerWorld fresh;
  fresh.options().index.load_embedder = world_.options().index.load_embedder;
  fresh.options().index.default_model = world_.root() / "narrow.pt";
  for (int i = 0; i < 5; ++i) fresh.Put(std::to_string(i) + ".jpg", i);
  ASSERT_OK(fresh.Once());
  for (int i = 0; i < 5; ++i) {
    std::vector<std::vector<uint16_t>> vectors;
    for (const auto& snapshot : {world_.Newest(), fresh.Newest()}) {
      snapshot->ForEachRowOf(
          std::to_string(i), [&](const Shard& shard, uint32_t row) {
            vectors.emplace_back(shard.vector(row),
                                 shard.vector(row) + shard.dim());
          });
    }
    ASSERT_EQ(vectors.size(), 2u);
    EXPECT_EQ(vectors[0], vectors[1]) << i;
  }
  // And once only.
  embedded_ = 0;
  ASSERT_OK(world_.Once());
  EXPECT_EQ(embedded_, 0);
  EXPECT_EQ(Serving(), second_);
}

TEST_F(SwitchModelsTest, PromotesAndRollsBackWhileAnIndexerRuns) {
  AskFor("narrow.pt", /*manually=*/true);
  RunningIndexer indexer(&world_);
  ASSERT_TRUE(Await([&] { return OtherIsComplete(); }));
  EXPECT_EQ(Serving(), first_);
  // What comes and goes meanwhile goes into both.
  world_.Put("new.jpg", 50);
  world_.Remove("0.jpg");
  const std::set<std::string> expected = {"1", "2", "3", "4", "new"};
  ASSERT_TRUE(indexer.UntilProducts(expected));
  EXPECT_EQ(Run(Verb::kPromote), kOk) << err_.str();
  EXPECT_TRUE(Told("let model " + second_ + " serve")) << err_.str();
  EXPECT_TRUE(Told("it holds from generation ")) << err_.str();
  EXPECT_EQ(Serving(), second_);
  EXPECT_EQ(world_.Products(), expected);
  EXPECT_EQ(world_.Indexed().size(), 5u);
  // The old one has what came since.
  world_.Put("newer.jpg", 51);
  world_.Remove("new.jpg");
  ASSERT_TRUE(indexer.UntilProducts({"1", "2", "3", "4", "newer"}));
  EXPECT_EQ(Run(Verb::kRollback), kOk) << err_.str();
  EXPECT_EQ(Serving(), first_);
  EXPECT_EQ(world_.Products(),
            (std::set<std::string>{"1", "2", "3", "4", "newer"}));
  EXPECT_EQ(world_.Indexed().size(), 5u);
  // Fresh pictures go through the model that serves now.
  world_.Put("newest.jpg", 52);
  ASSERT_TRUE(indexer.UntilProducts({"1", "2", "3", "4", "newer", "newest"}));
  EXPECT_EQ(world_.Newest()->dim(), 128);
  EXPECT_EQ(Run(Verb::kPromote), kOk) << err_.str();
  EXPECT_EQ(Serving(), second_);
  EXPECT_EQ(world_.Indexed().size(), 6u);
}

TEST_F(SwitchModelsTest, DoesNotReturnByItselfToWhatWasRolledBack) {
  AskFor("narrow.pt");
  ASSERT_OK(world_.Once());
  flags_.no_wait = true;
  EXPECT_EQ(Run(Verb::kRollback), kOk) << err_.str();
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Serving(), first_);
  // The indexer is still started with the model that was no good.
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Serving(), first_);
  EXPECT_EQ(Other(), std::pair(second_, storage::VectorSet::STATE_RETAINED));
}

TEST_F(SwitchModelsTest, DoesNotBuildAgainWhatWasRolledBack) {
  AskFor("narrow.pt");
  world_.options().index.promote_manually.reset();
  ASSERT_OK(world_.Once());
  flags_.no_wait = true;
  EXPECT_EQ(Run(Verb::kRollback), kOk) << err_.str();
  ASSERT_OK(world_.Once());
  now_unix_ms_ += 73ll * 60 * 60 * 1000;
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Other(), std::nullopt);
  // Its command line still names it.
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Serving(), first_);
  EXPECT_EQ(Other(), std::nullopt);
  // Who insists gets it, and may promote it.
  AskFor("narrow.pt", /*manually=*/true);
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Other(), std::pair(second_, storage::VectorSet::STATE_BUILDING));
  EXPECT_EQ(Run(Verb::kPromote), kOk) << err_.str();
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Serving(), second_);
}

TEST_F(SwitchModelsTest, ARestartMayChangeWhoPromotes) {
  AskFor("narrow.pt", /*manually=*/true);
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Serving(), first_);
  world_.options().index.promote_manually.reset();
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Serving(), first_);
  world_.options().index.promote_manually = false;
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Serving(), second_);
}

TEST_F(SwitchModelsTest, TakesOverWithItsGraph) {
  for (int i = 10; i < 90; ++i) world_.Put(std::to_string(i) + ".jpg", i);
  ASSERT_OK(world_.Once());
  world_.options().merge.graph_rows = 50;
  AskFor("narrow.pt");
  RunningIndexer indexer(&world_);
  ASSERT_TRUE(Await([&] { return Serving() == second_; }));
  const auto snapshot = world_.Newest();
  EXPECT_EQ(snapshot->images(), 85u);
  uint64_t of_graphs = 0;
  for (const LiveShard& live : snapshot->shards()) {
    if (live.shard->graph() != nullptr) of_graphs += live.shard->rows();
  }
  EXPECT_GE(of_graphs, 50u);
}

TEST_F(SwitchModelsTest, GivesUpWhatIsBeingBuilt) {
  AskFor("narrow.pt", /*manually=*/true);
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Other(), std::pair(second_, storage::VectorSet::STATE_BUILDING));
  world_.options().index.model.clear();
  RunningIndexer indexer(&world_);
  EXPECT_EQ(Run(Verb::kRollback), kOk) << err_.str();
  EXPECT_TRUE(Told("give up the vectors of model " + second_)) << err_.str();
  EXPECT_EQ(Serving(), first_);
  EXPECT_EQ(Other(), std::nullopt);
  EXPECT_EQ(Run(Verb::kRollback), kFailed);
  EXPECT_TRUE(Told("none to return to")) << err_.str();
}

TEST_F(SwitchModelsTest, AThirdModelTakesThePlaceOfTheOneThatIsBuilt) {
  AskFor("narrow.pt", /*manually=*/true);
  ASSERT_OK(world_.Once());
  AskFor("third.pt", /*manually=*/true);
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Other(), std::pair(ToHex(Sha256("a third bundle")),
                               storage::VectorSet::STATE_BUILDING));
  EXPECT_EQ(Serving(), first_);
  EXPECT_TRUE(OtherIsComplete());
}

TEST_F(SwitchModelsTest, KeepsWhatServedBeforeForAWhile) {
  world_.options().keep_previous_ms = 60'000;
  AskFor("narrow.pt");
  ASSERT_OK(world_.Once());
  now_unix_ms_ += 59'000;
  ASSERT_OK(world_.Once());
  EXPECT_TRUE(Other());
  now_unix_ms_ += 2'000;
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Other(), std::nullopt);
  EXPECT_EQ(Serving(), second_);
  EXPECT_EQ(Run(Verb::kRollback), kFailed);
}

TEST_F(SwitchModelsTest, ChangesTheMetricWithoutTheModel) {
  world_.options().index.metric = storage::VectorSet::METRIC_MANHATTAN;
  ASSERT_OK(world_.Once());
  EXPECT_EQ(Serving(), first_);
  EXPECT_EQ(world_.Newest()->set().metric(),
            storage::VectorSet::METRIC_MANHATTAN);
  EXPECT_EQ(world_.Indexed().size(), 5u);
}

TEST_F(SwitchModelsTest, SaysWhatIsWrong) {
  EXPECT_EQ(Run(Verb::kPromote), kFailed);
  EXPECT_TRUE(Told("none to promote; vitrine-indexer --model=FILE"))
      << err_.str();
  flags_.index = world_.root() / "nowhere";
  std::ostringstream out;
  EXPECT_EQ(SwitchModels(flags_, {out, err_, 0, "", Progress::Mode::kOff}),
            kFailed);
  EXPECT_TRUE(Told("there is no index in")) << err_.str();
}

}  // namespace
}  // namespace vitrine::cli
