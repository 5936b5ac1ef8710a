#include "server/gather.h"

#include <thread>

#include "common/base/status.h"
#include "server/partitions.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

using std::chrono::milliseconds;

// Answers GetProduct and DescribeIndex when the test says so, from its threads.
class FakeBackend final : public Backend {
 public:
  explicit FakeBackend(std::string name) : name_(std::move(name)) {}
  ~FakeBackend() override { EndAll(absl::UnavailableError("it has ended")); }

  const std::string& name() const override { return name_; }
  Cancel Ask(const v1::GetProductRequest& request, const Call& call,
             v1::GetProductResponse* response, Done done) override {
    return Keep(call, [&request, response,
                       done = std::move(done)](const absl::Status& status) {
      response->mutable_product()->set_product_id(request.product_id());
      done(status);
    });
  }
  Cancel Ask(const v1::DescribeIndexRequest&, const Call& call,
             v1::DescribeIndexResponse* response, Done done) override {
    return Keep(call, [this, response,
                       done = std::move(done)](const absl::Status& status) {
      response->mutable_model()->set_id(model);
      response->mutable_model()->add_blocks()->set_name("shape");
      done(status);
    });
  }
  Cancel Ask(const v1::SearchRequest&, const Call&, v1::SearchResponse*,
             Done done) override {
    return Refuse(done);
  }
  Cancel Ask(const v1::RecommendRequest&, const Call&, v1::RecommendResponse*,
             Done done) override {
    return Refuse(done);
  }
  Cancel Ask(const v1::EmbedRequest&, const Call&, v1::EmbedResponse*,
             Done done) override {
    return Refuse(done);
  }
  Cancel Ask(const v1::GetImageRequest&, const Call&, v1::GetImageResponse*,
             Done done) override {
    return Refuse(done);
  }
  std::unique_ptr<ProductStream> List(const v1::ListProductsRequest&,
                                      const Call&) override {
    return nullptr;
  }

  // Ends all calls that are open.
  void EndAll(const absl::Status& status) {
    std::vector<Done> open;
    {
      std::lock_guard lock(mutex_);
      open.swap(open_);
    }
    for (const Done& done : open) done(status);
  }
  void AwaitAsked(int n) {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [&] { return calls_ >= n; });
  }
  int cancelled() const { return cancelled_; }
  std::string model = std::string(64, 'a');

 private:
  Cancel Keep(const Call&, Done end) {
    std::lock_guard lock(mutex_);
    open_.push_back(std::move(end));
    ++calls_;
    asked_.notify_all();
    return [this] { ++cancelled_; };
  }
  static Cancel Refuse(const Done& done) {
    done(absl::UnimplementedError("no such call"));
    return {};
  }

  const std::string name_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::vector<Done> open_;
  int calls_ = 0;
  std::atomic<int> cancelled_ = 0;
};

class GatherTest : public ::testing::Test {
 protected:
  static v1::GetProductRequest Request() {
    v1::GetProductRequest request;
    request.set_product_id("p");
    return request;
  }
  std::vector<Backend*> All() { return {&a_, &b_}; }

  FakeBackend a_{"a"}, b_{"b"};
};

TEST_F(GatherTest, WaitsForAllAnswers) {
  std::thread others([this] {
    b_.AwaitAsked(1);
    b_.EndAll(absl::NotFoundError("none such"));
    a_.AwaitAsked(1);
    a_.EndAll(absl::OkStatus());
  });
  const auto answers =
      Gather<v1::GetProductResponse>(AskAll(All(), Request()), Call());
  others.join();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].backend, &a_);
  EXPECT_OK(answers[0].status);
  EXPECT_EQ(answers[0].response.product().product_id(), "p");
  EXPECT_TRUE(absl::IsNotFound(answers[1].status));
  EXPECT_EQ(a_.cancelled() + b_.cancelled(), 0);
}

TEST_F(GatherTest, EndsWithTheFirstThatIsEnoughAndCancelsTheRest) {
  std::thread other([this] {
    b_.AwaitAsked(1);
    b_.EndAll(absl::OkStatus());
  });
  const auto answers = Gather<v1::GetProductResponse>(
      AskAll(All(), Request()), Call(),
      [](size_t, const absl::Status& status, const v1::GetProductResponse&) {
        return status.ok();
      });
  other.join();
  EXPECT_TRUE(absl::IsDeadlineExceeded(answers[0].status));
  EXPECT_OK(answers[1].status);
  EXPECT_EQ(a_.cancelled(), 1);
  // Its answer comes when nobody waits for it.
  a_.EndAll(absl::OkStatus());
}

TEST_F(GatherTest, EndsAtTheDeadline) {
  Call call;
  call.deadline = std::chrono::system_clock::now() + milliseconds(30);
  const auto answers =
      Gather<v1::GetProductResponse>(AskAll(All(), Request()), call);
  EXPECT_GE(std::chrono::system_clock::now(), call.deadline);
  EXPECT_TRUE(absl::IsDeadlineExceeded(answers[0].status));
  EXPECT_EQ(a_.cancelled(), 1);
}

TEST_F(GatherTest, EndsWhereTheCallerIsGone) {
  std::atomic<bool> gone = false;
  Call call;
  call.cancelled = [&gone] { return gone.load(); };
  std::thread caller([&] {
    a_.AwaitAsked(1);
    gone = true;
  });
  Gather<v1::GetProductResponse>(AskAll(All(), Request()), call);
  caller.join();
  EXPECT_EQ(a_.cancelled(), 1);
  EXPECT_EQ(b_.cancelled(), 1);
}

TEST(ShortfallTest, TellsThatPartitionsAreFullWhereThatIsAllThatIsWrong) {
  std::vector<std::unique_ptr<Backend>> backends;
  for (const char* name : {"a", "b"})
    backends.push_back(std::make_unique<FakeBackend>(name));
  Backend* const a = backends[0].get();
  Backend* const b = backends[1].get();
  const Partitions partitions(std::move(backends), PartitionsOptions());
  const auto full = [](int retry_after_ms) {
    return MakeError(absl::StatusCode::kResourceExhausted,
                     v1::ERROR_REASON_OVERLOADED, "full", {}, std::nullopt,
                     retry_after_ms);
  };
  Shortfall both(partitions, /*require_complete=*/false);
  EXPECT_OK(both.Add(a, full(300)));
  EXPECT_OK(both.Check());
  EXPECT_EQ(both.missing().size(), 1u);
  EXPECT_OK(both.Add(b, full(100)));
  EXPECT_EQ(both.Check().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorOf(both.Check()).reason(), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(ErrorOf(both.Check()).retry_after_ms(), 300u);

  Shortfall one_is_dead(partitions, /*require_complete=*/false);
  EXPECT_OK(one_is_dead.Add(a, full(300)));
  EXPECT_OK(one_is_dead.Add(b, absl::UnavailableError("dead")));
  EXPECT_TRUE(absl::IsUnavailable(one_is_dead.Check()));

  Shortfall complete(partitions, /*require_complete=*/true);
  EXPECT_EQ(complete.Add(a, full(300)).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(PartitionsTest, ServesTheModelOfMost) {
  std::vector<std::unique_ptr<Backend>> backends;
  std::vector<FakeBackend*> fakes;
  for (const char* name : {"a", "b", "c"}) {
    backends.push_back(std::make_unique<FakeBackend>(name));
    fakes.push_back(static_cast<FakeBackend*>(backends.back().get()));
  }
  fakes[0]->model = std::string(64, 'b');
  std::atomic<int> ready = 0;
  PartitionsOptions options;
  options.look_ms = 5;
  options.timeout_ms = 20;
  options.on_ready = [&ready] { ++ready; };
  Partitions partitions(std::move(backends), std::move(options));
  Call in_time;
  in_time.deadline = std::chrono::system_clock::now() + milliseconds(40);
  EXPECT_TRUE(absl::IsUnavailable(partitions.Facts({}, {}, in_time).status()));
  EXPECT_EQ(ready, 0);
  partitions.Start();
  const std::string most(64, 'a'), other(64, 'b');
  auto served = [&] {
    for (FakeBackend* fake : fakes) fake->EndAll(absl::OkStatus());
    const auto facts = partitions.Facts({}, {}, Call());
    return facts.ok() ? facts->model : "";
  };
  while (served() != most) {
  }
  EXPECT_EQ(ready, 1);
  // The one that is alone may answer last.
  auto facts_of_other = partitions.Facts(other, {}, Call());
  while (!facts_of_other.ok()) {
    for (FakeBackend* fake : fakes) fake->EndAll(absl::OkStatus());
    facts_of_other = partitions.Facts(other, {}, Call());
  }
  EXPECT_EQ(facts_of_other->model, other);
  EXPECT_TRUE(absl::IsFailedPrecondition(
      partitions.Facts(std::string(64, 'c'), {}, Call()).status()));

  const auto facts = partitions.Facts(most, {}, Call());
  ASSERT_OK(facts);
  // That one serves another than most is known, and is no news.
  const absl::Status wrong =
      MakeError(absl::StatusCode::kFailedPrecondition,
                v1::ERROR_REASON_WRONG_MODEL, "it does not serve that");
  partitions.Note(fakes[0], wrong, &*facts);
  EXPECT_OK(partitions.Facts(other, {}, Call()));

  // One that has gone over to another model is asked again.
  fakes[1]->model = other;
  partitions.Note(fakes[1], wrong, &*facts);
  while (served() != other) {
  }
}

TEST(PartitionsTest, KeepsSomeTimeToAnswerIn) {
  PartitionsOptions options;
  options.timeout_ms = 500;
  const Partitions partitions({}, std::move(options));
  Call call;
  const auto now = std::chrono::system_clock::now();
  call.deadline = now + milliseconds(200);
  EXPECT_LE(partitions.HandDown(call).deadline, now + milliseconds(185));
  EXPECT_GE(partitions.HandDown(call).deadline, now + milliseconds(150));
  call.deadline = std::chrono::system_clock::time_point::max();
  EXPECT_LE(partitions.HandDown(call).deadline, now + milliseconds(1500));
}

}  // namespace
}  // namespace vitrine
