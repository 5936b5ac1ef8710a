#include "server/embed_batcher.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/test_util/plain_embedder.h"
#include "tests/test_util/status_matchers.h"

namespace vitrine {
namespace {

constexpr auto kForever = std::chrono::system_clock::time_point::max();

class EmbedBatcherTest : public ::testing::Test {
 protected:
  void Start(int max_batch = 8, int max_waiting = 256) {
    auto embedder =
        std::make_unique<PlainEmbedder>("", std::string(64, '0'), &gate_);
    embedder_ = embedder.get();
    batcher_ = std::make_unique<EmbedBatcher>(std::move(embedder), max_batch,
                                              max_waiting);
  }
  auto Submit(uint8_t grey,
              std::chrono::system_clock::time_point deadline = kForever) {
    return batcher_->Submit(
        std::vector<uint8_t>(PlainEmbedder::kSide * PlainEmbedder::kSide * 3,
                             grey),
        deadline);
  }

  Gate gate_;
  PlainEmbedder* embedder_ = nullptr;  // Owned by batcher_.
  std::unique_ptr<EmbedBatcher> batcher_;
};

TEST_F(EmbedBatcherTest, NormalisesByBlocks) {
  Start();
  ASSERT_OK_AND_ASSIGN(EmbeddedPicture picture, Submit(200).get());
  ASSERT_EQ(picture.vector.size(), 192u);
  auto length = [&](int from, int to) {
    return std::inner_product(picture.vector.begin() + from,
                              picture.vector.begin() + to,
                              picture.vector.begin() + from, 0.0f);
  };
  EXPECT_NEAR(length(0, 128), 0.8, 1e-5);
  EXPECT_NEAR(length(128, 192), 0.2, 1e-5);
}

TEST_F(EmbedBatcherTest, GathersWhatComesWhileTheModelRuns) {
  Start(/*max_batch=*/8);
  gate_.Close();
  std::vector<std::future<absl::StatusOr<EmbeddedPicture>>> answers;
  answers.push_back(Submit(0));
  gate_.AwaitArrivals(1);  // A lone picture did not wait for others.
  for (int i = 1; i < 12; ++i) answers.push_back(Submit(20 * i));
  gate_.Open();
  for (int i = 0; i < 12; ++i) {
    ASSERT_OK_AND_ASSIGN(EmbeddedPicture picture, answers[i].get());
    // Each has its own vector: darker than the middle points the other way.
    EXPECT_EQ(picture.vector[0] > 0, 20 * i >= 128) << i;
  }
  EXPECT_EQ(embedder_->batches(), (std::vector<int>{1, 8, 3}));
}

TEST_F(EmbedBatcherTest, RefusesAtOnceBeyondItsBound) {
  Start(/*max_batch=*/1, /*max_waiting=*/2);
  gate_.Close();
  auto running = Submit(1);
  gate_.AwaitArrivals(1);
  auto first = Submit(2), second = Submit(3);
  const auto refused = Submit(4).get();
  EXPECT_STATUS(refused, absl::StatusCode::kResourceExhausted,
                "2 pictures wait for the model");
  const v1::Error error = ErrorOf(refused.status());
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(error.limit(), 2);
  EXPECT_GT(error.retry_after_ms(), 0);
  gate_.Open();
  EXPECT_OK(running.get());
  EXPECT_OK(first.get());
  EXPECT_OK(second.get());
}

TEST_F(EmbedBatcherTest, DropsWhatIsPastItsDeadlineBeforeTheModelRuns) {
  Start();
  gate_.Close();
  auto running = Submit(1);
  gate_.AwaitArrivals(1);
  auto late = Submit(2, std::chrono::system_clock::now());
  auto patient = Submit(3);
  gate_.Open();
  EXPECT_OK(patient.get());
  EXPECT_STATUS(late.get(), absl::StatusCode::kDeadlineExceeded,
                "for the model");
  EXPECT_EQ(embedder_->batches(), (std::vector<int>{1, 1}));
}

TEST_F(EmbedBatcherTest, HandsTheModelsErrorToEachPicture) {
  Start();
  embedder_->FailWith(absl::InternalError("the model failed"));
  EXPECT_STATUS(Submit(1).get(), absl::StatusCode::kInternal,
                "the model failed");
}

TEST_F(EmbedBatcherTest, AnswersWhatWasSubmittedBeforeItEnds) {
  Start(/*max_batch=*/1);
  gate_.Close();
  auto first = Submit(1), second = Submit(2);
  gate_.Open();
  batcher_.reset();
  EXPECT_OK(first.get());
  EXPECT_OK(second.get());
}

TEST_F(EmbedBatcherTest, TellsWhatWaitsAndEachBatch) {
  std::vector<size_t> batches;  // Of the batcher's thread.
  batcher_ = std::make_unique<EmbedBatcher>(
      std::make_unique<PlainEmbedder>("", std::string(64, '0'), &gate_),
      /*max_batch=*/2, /*max_waiting=*/8,
      [&batches](size_t pictures) { batches.push_back(pictures); });
  gate_.Close();
  std::vector<std::future<absl::StatusOr<EmbeddedPicture>>> answers;
  answers.push_back(Submit(0));
  gate_.AwaitArrivals(1);
  EXPECT_EQ(batcher_->waiting(), 0u);
  for (int i = 1; i < 4; ++i) answers.push_back(Submit(20 * i));
  EXPECT_EQ(batcher_->waiting(), 3u);
  gate_.Open();
  for (auto& answer : answers) EXPECT_OK(answer.get());
  EXPECT_EQ(batcher_->waiting(), 0u);
  batcher_ = nullptr;
  EXPECT_EQ(batches, (std::vector<size_t>{1, 2, 1}));
}

}  // namespace
}  // namespace vitrine
