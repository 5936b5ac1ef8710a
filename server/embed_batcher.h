// Gathers pictures of concurrent requests into batches for the model.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "common/model/embedder.h"

namespace vitrine {

// A picture's vector and where its time went.
struct EmbeddedPicture {
  std::vector<float> vector;  // dim numbers, normalised by blocks.
  float queue_ms = 0;
  float embed_ms = 0;  // Of the whole batch it was in.
  uint64_t batch = 0;  // Which batch that was.
};

// Owns a model and the one thread that runs it. A picture that finds the model
// idle starts at once; those that come meanwhile make the next batch.
// Thread-safe. Destruction answers what was submitted.
class EmbedBatcher {
 public:
  // Some 50 MB of pixels.
  static constexpr int kMaxWaiting = 256;

  // A batch has at most `max_batch` pictures; 0 is 8, or what the model prefers
  // where that is more. `max_waiting` bounds those that wait for the model.
  // `on_batch`, which may be empty, is called before so many pictures go
  // through the model at once, from the one thread.
  explicit EmbedBatcher(std::unique_ptr<Embedder> embedder, int max_batch = 0,
                        int max_waiting = kMaxWaiting,
                        std::function<void(size_t pictures)> on_batch = {});
  ~EmbedBatcher();
  EmbedBatcher(const EmbedBatcher&) = delete;
  EmbedBatcher& operator=(const EmbedBatcher&) = delete;

  const ModelCard& card() const { return card_; }
  // Pictures that wait for the model.
  size_t waiting() const;

  // `pixels` is input_size × input_size × 3 RGB. The answer is
  // RESOURCE_EXHAUSTED where too many wait, DEADLINE_EXCEEDED where the
  // deadline passed before the model was free, or the model's own error.
  std::future<absl::StatusOr<EmbeddedPicture>> Submit(
      std::vector<uint8_t> pixels,
      std::chrono::system_clock::time_point deadline);

 private:
  struct Waiting {
    std::vector<uint8_t> pixels;
    std::chrono::system_clock::time_point deadline;
    std::chrono::steady_clock::time_point submitted;
    std::promise<absl::StatusOr<EmbeddedPicture>> answer;
  };
  void Run();
  void EmbedBatch(uint64_t number, std::vector<Waiting> batch);

  const std::unique_ptr<Embedder> embedder_;
  const ModelCard card_;
  const int max_batch_;
  const int max_waiting_;
  const std::function<void(size_t)> on_batch_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vitrine
