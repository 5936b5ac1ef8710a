#include "server/embed_batcher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/vector/blocks.h"
#include "server/call.h"

namespace vitrine {
namespace {

constexpr int kDefaultBatch = 8;

}  // namespace

EmbedBatcher::EmbedBatcher(std::unique_ptr<Embedder> embedder, int max_batch,
                           int max_waiting,
                           std::function<void(size_t)> on_batch)
    : embedder_(std::move(embedder)),
      card_(embedder_->card()),
      max_batch_(max_batch > 0
                     ? max_batch
                     : std::max(kDefaultBatch, embedder_->preferred_batch())),
      max_waiting_(max_waiting),
      on_batch_(std::move(on_batch)),
      thread_([this] { Run(); }) {}

EmbedBatcher::~EmbedBatcher() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

size_t EmbedBatcher::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

std::future<absl::StatusOr<EmbeddedPicture>> EmbedBatcher::Submit(
    std::vector<uint8_t> pixels,
    std::chrono::system_clock::time_point deadline) {
  Waiting picture{
      std::move(pixels), deadline, std::chrono::steady_clock::now(), {}};
  auto answer = picture.answer.get_future();
  {
    std::lock_guard lock(mutex_);
    if (static_cast<int>(waiting_.size()) < max_waiting_) {
      waiting_.push_back(std::move(picture));
      wake_.notify_one();
      return answer;
    }
  }
  picture.answer.set_value(MakeError(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_OVERLOADED,
      absl::StrCat("the server is full: ", max_waiting_,
                   " pictures wait for the model; try again later"),
      {}, max_waiting_, /*retry_after_ms=*/100));
  return answer;
}

void EmbedBatcher::Run() {
  std::unique_lock lock(mutex_);
  for (uint64_t number = 1;; ++number) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::vector<Waiting> batch;
    while (!waiting_.empty() && static_cast<int>(batch.size()) < max_batch_) {
      batch.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    lock.unlock();
    EmbedBatch(number, std::move(batch));
    lock.lock();
  }
}

void EmbedBatcher::EmbedBatch(uint64_t number, std::vector<Waiting> batch) {
  const auto now = std::chrono::system_clock::now();
  auto late = std::stable_partition(
      batch.begin(), batch.end(),
      [now](const Waiting& picture) { return picture.deadline >= now; });
  for (auto picture = late; picture != batch.end(); ++picture) {
    picture->answer.set_value(MakeError(
        absl::StatusCode::kDeadlineExceeded, v1::ERROR_REASON_DEADLINE_EXCEEDED,
        absl::StrCat("the deadline passed while the picture waited ",
                     static_cast<int>(MillisecondsSince(picture->submitted)),
                     " ms for the model; allow more time or send fewer "
                     "requests at once")));
  }
  batch.erase(late, batch.end());
  if (batch.empty()) return;
  if (on_batch_) on_batch_(batch.size());

  const auto begin = std::chrono::steady_clock::now();
  const size_t picture_bytes = batch[0].pixels.size();
  std::vector<uint8_t> pixels;
  pixels.reserve(picture_bytes * batch.size());
  for (const Waiting& picture : batch) {
    pixels.insert(pixels.end(), picture.pixels.begin(), picture.pixels.end());
  }
  const int dim = card_.dim();
  std::vector<float> vectors(batch.size() * dim);
  const absl::Status status = embedder_->Embed(
      pixels.data(), static_cast<int>(batch.size()), vectors.data());
  const float embed_ms = MillisecondsSince(begin);
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!status.ok()) {
      batch[i].answer.set_value(status);
      continue;
    }
    EmbeddedPicture embedded;
    embedded.vector.assign(vectors.begin() + i * dim,
                           vectors.begin() + (i + 1) * dim);
    NormaliseBlocks(card_.blocks, embedded.vector.data());
    embedded.queue_ms =
        std::chrono::duration<float, std::milli>(begin - batch[i].submitted)
            .count();
    embedded.embed_ms = embed_ms;
    embedded.batch = number;
    batch[i].answer.set_value(std::move(embedded));
  }
}

}  // namespace vitrine
