// Two models in one index: each request is answered from the vectors of one of
// them.
#include "server/serving.h"

#include <atomic>
#include <thread>

#include "server/products.h"
#include "server/query.h"
#include "server/recommend.h"
#include "server/search_handler.h"
#include "server/snapshot_store.h"
#include "tests/test_util/serving_index.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using std::chrono::steady_clock;

// Products a and b; by the first model a query at At(0) is most like a, by the
// second b.
class ServingTest : public ::testing::Test {
 protected:
  ServingTest() {
    EXPECT_OK(index_.Add({{"a", "Dress", {{"a.jpg", At(0)}}, {}},
                          {"b", "Dress", {{"b.jpg", At(1)}}, {}}}));
    first_ = index_.model();
    second_ = ToHex(Sha256("another bundle"));
    SnapshotStoreOptions options = index_.StoreOptions();
    options.poll_ms = 10;
    options.log = [this](std::string_view line) {
      std::lock_guard lock(mutex_);
      log_.append(line).append("\n");
    };
    options.load_model = [this, load = options.load_model](
                             const std::filesystem::path& bundle,
                             const EmbedTrial& trial) {
      ++loaded_;
      return load(bundle, trial);
    };
    store_ = std::make_unique<SnapshotStore>(std::move(options));
  }

  static std::vector<float> At(int cluster) {
    std::mt19937 random(1);
    return DrawVector(cluster, &random, 0);
  }
  storage::VectorSet& other() {
    return *index_.builder().manifest().mutable_vector_sets(1);
  }
  // Publishes the second model's vectors beside the first's.
  void AddOther(const std::string& bundle = "another bundle") {
    if (!bundle.empty()) {
      ASSERT_OK(PublishFile(index_.paths().model(second_), bundle));
    }
    storage::Manifest& manifest = index_.builder().manifest();
    storage::VectorSet set = manifest.vector_sets(0);
    set.set_id(2);
    set.set_state(storage::VectorSet::STATE_BUILDING);
    set.set_model(second_);
    set.clear_shards();
    ASSERT_OK_AND_ASSIGN(
        *set.add_shards()->mutable_file(),
        WriteShard(index_.paths().shards() / "other", TestBlocks(),
                   std::vector<Row>{MakeRow("a", "a.jpg", At(1)),
                                    MakeRow("b", "b.jpg", At(0))},
                   nullptr));
    *manifest.add_vector_sets() = set;
    ASSERT_OK(index_.builder().Publish());
  }
  void Switch() {
    storage::Manifest& manifest = index_.builder().manifest();
    manifest.mutable_vector_sets(0)->set_state(
        storage::VectorSet::STATE_RETAINED);
    other().set_state(storage::VectorSet::STATE_SERVING);
    ASSERT_OK(index_.builder().Publish());
  }
  template <typename Holds>
  bool Await(const Holds& holds) {
    const auto end = steady_clock::now() + std::chrono::seconds(20);
    while (steady_clock::now() < end) {
      if (const auto serving = store_->Take();
          serving.ok() && holds(**serving)) {
        return true;
      }
      std::this_thread::yield();
    }
    return false;
  }
  static bool HasOther(const Serving& serving) {
    return serving.other() != nullptr;
  }
  static v1::SearchRequest Request(const std::string& model = "") {
    v1::SearchRequest request;
    const std::vector<float> vector = At(0);
    request.add_examples()->mutable_vector()->mutable_values()->Assign(
        vector.begin(), vector.end());
    request.set_model(model);
    return request;
  }
  absl::StatusOr<v1::SearchResponse> Search(const v1::SearchRequest& request) {
    VITRINE_ASSIGN_OR_RETURN(const auto serving, store_->Take());
    v1::SearchResponse response;
    VITRINE_RETURN_IF_ERROR(HandleSearch(*serving, request, Call(), &response));
    return response;
  }
  void ExpectBest(const v1::SearchResponse& response, const std::string& id,
                  const std::string& model) {
    ASSERT_EQ(response.hits_size(), 2);
    EXPECT_EQ(response.hits(0).product_id(), id);
    EXPECT_EQ(response.model(), model);
  }

  ServingIndex index_;
  std::string first_, second_;
  std::atomic<int> loaded_ = 0;
  std::mutex mutex_;
  std::string log_;
  std::unique_ptr<SnapshotStore> store_;
};

TEST_F(ServingTest, AnswersFromTheModelThatIsAskedFor) {
  AddOther();
  store_->Start();
  ASSERT_TRUE(Await(HasOther));
  for (const std::string& model :
       {std::string(), first_, first_.substr(0, 8)}) {
    ASSERT_OK_AND_ASSIGN(const auto response, Search(Request(model)));
    ExpectBest(response, "a", first_);
  }
  for (const std::string& model : {second_, second_.substr(0, 8)}) {
    ASSERT_OK_AND_ASSIGN(const auto response, Search(Request(model)));
    ExpectBest(response, "b", second_);
  }
  // In one batch, too.
  const v1::SearchRequest requests[] = {Request(second_), Request()};
  const v1::SearchRequest* const asked[] = {&requests[0], &requests[1]};
  v1::SearchResponse answers[2];
  v1::SearchResponse* const responses[] = {&answers[0], &answers[1]};
  const auto serving = *store_->Take();
  for (const absl::Status& status :
       HandleSearches(*serving, asked, Call(), responses)) {
    EXPECT_OK(status);
  }
  ExpectBest(answers[0], "b", second_);
  ExpectBest(answers[1], "a", first_);

  v1::EmbedRequest embed;
  embed.add_images()->set_content("no picture");
  embed.set_model(second_);
  ASSERT_OK_AND_ASSIGN(const auto embedded,
                       HandleEmbed(*serving, embed, Call()));
  EXPECT_EQ(embedded.model(), second_);
  v1::RecommendRequest recommend;
  recommend.set_product_id("a");
  recommend.set_model(second_);
  ASSERT_OK_AND_ASSIGN(const auto recommended,
                       HandleRecommend(*serving, recommend, Call()));
  EXPECT_EQ(recommended.model(), second_);

  const v1::DescribeIndexResponse described =
      HandleDescribeIndex(*serving, "", "1");
  ASSERT_EQ(described.vector_sets_size(), 2);
  EXPECT_EQ(described.vector_sets(0).state(),
            v1::VectorSetSummary::STATE_SERVING);
  EXPECT_EQ(described.vector_sets(1).state(),
            v1::VectorSetSummary::STATE_BUILDING);
  EXPECT_EQ(described.vector_sets(1).model().id(), second_);
  EXPECT_EQ(described.vector_sets(1).model().name(), "plain");
  EXPECT_EQ(described.vector_sets(1).images(), 2);
}

TEST_F(ServingTest, RefusesAModelThatTheIndexHasNot) {
  store_->Start();
  EXPECT_STATUS(Search(Request(second_)), absl::StatusCode::kFailedPrecondition,
                "it has those of " + first_);
  EXPECT_STATUS(Search(Request("0123")), absl::StatusCode::kInvalidArgument,
                "at least its first 8 digits");
  v1::SearchRequest other = Request(first_);
  other.set_required_model(second_);
  EXPECT_STATUS(Search(other), absl::StatusCode::kFailedPrecondition,
                "is required");
}

TEST_F(ServingTest, SwitchesWithoutLoadingAnything) {
  AddOther();
  store_->Start();
  ASSERT_TRUE(Await(HasOther));
  EXPECT_EQ(loaded_, 2);
  Switch();
  ASSERT_TRUE(Await([&](const Serving& serving) {
    return serving.snapshot().set().model() == second_;
  }));
  ASSERT_OK_AND_ASSIGN(const auto now, Search(Request()));
  ExpectBest(now, "b", second_);
  // What served before can still be asked.
  ASSERT_OK_AND_ASSIGN(const auto before, Search(Request(first_)));
  ExpectBest(before, "a", first_);
  EXPECT_EQ(loaded_, 2);
  // A generation later, too.
  ASSERT_OK(index_.builder().Publish());
  ASSERT_TRUE(Await([](const Serving& serving) {
    return serving.snapshot().generation() == 4 && HasOther(serving);
  }));
  EXPECT_EQ(loaded_, 2);
}

TEST_F(ServingTest, NeverMixesModelsWhileTheySwitch) {
  AddOther();
  store_->Start();
  std::atomic<bool> stop = false;
  std::vector<std::thread> askers;
  for (const std::string& model : {std::string(), first_}) {
    askers.emplace_back([&, model] {
      while (!stop) {
        const auto response = Search(Request(model));
        if (!response.ok()) {
          ADD_FAILURE() << response.status();
          return;
        }
        ExpectBest(*response, response->model() == first_ ? "a" : "b",
                   response->model());
        if (!model.empty()) {
          EXPECT_EQ(response->model(), model);
        }
      }
    });
  }
  ASSERT_TRUE(Await(HasOther));
  for (int i = 0; i < 10; ++i) {
    for (storage::VectorSet& set :
         *index_.builder().manifest().mutable_vector_sets()) {
      set.set_state(set.state() == storage::VectorSet::STATE_SERVING
                        ? storage::VectorSet::STATE_RETAINED
                        : storage::VectorSet::STATE_SERVING);
    }
    ASSERT_OK_AND_ASSIGN(const uint64_t generation, index_.builder().Publish());
    EXPECT_TRUE(Await([&](const Serving& serving) {
      return serving.snapshot().generation() == generation;
    }));
  }
  stop = true;
  for (std::thread& asker : askers) asker.join();
}

TEST_F(ServingTest, ServesOnWhereTheOtherModelDoesNotLoad) {
  AddOther("bytes of something else");
  store_->Start();
  EXPECT_TRUE(Await([this](const Serving&) {
    std::lock_guard lock(mutex_);
    return log_.find("cannot be asked for") != std::string::npos;
  }));
  ASSERT_OK_AND_ASSIGN(const auto response, Search(Request()));
  ExpectBest(response, "a", first_);
  EXPECT_STATUS(Search(Request(second_)), absl::StatusCode::kUnavailable,
                "is not loaded");
}

}  // namespace
}  // namespace vitrine
