#include "indexer/ingest.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/thread_priority.h"
#include "common/catalog/catalog.h"
#include "common/image/quality.h"
#include "common/vector/blocks.h"
#include "common/vector/half.h"

namespace vitrine {
namespace {

using Clock = std::chrono::steady_clock;

// What is sharp cannot be told of smaller pictures.
constexpr int kLeastMeasuredSize = 128;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Ingest::Ingest(std::unique_ptr<Embedder> embedder, IngestOptions options)
    : embedder_(std::move(embedder)),
      options_(std::move(options)),
      card_(embedder_->card()) {
  auto start = [this](void (Ingest::*loop)()) {
    threads_.emplace_back([this, loop] {
      if (options_.priority > 0) LowerThreadPriority(options_.priority);
      (this->*loop)();
    });
  };
  for (int i = 0; i < std::max(1, options_.decode_threads); ++i) {
    start(&Ingest::DecodeLoop);
  }
  start(&Ingest::EmbedLoop);
}

Ingest::~Ingest() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

IngestStats Ingest::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void Ingest::Process(const std::function<std::optional<PictureTask>()>& next,
                     const std::function<void(PictureResult)>& sink) {
  std::unique_lock lock(mutex_);
  next_ = &next;
  changed_.notify_all();
  while (true) {
    changed_.wait(lock, [this] {
      return !results_.empty() || (next_ == nullptr && decoding_ == 0 &&
                                   embedding_ == 0 && decoded_.empty());
    });
    if (results_.empty()) return;
    PictureResult result = std::move(results_.front());
    results_.pop_front();
    changed_.notify_all();
    lock.unlock();
    sink(std::move(result));
    lock.lock();
  }
}

void Ingest::DecodeLoop() {
  const size_t max_decoded = 3 * static_cast<size_t>(options_.batch) +
                             static_cast<size_t>(options_.decode_threads);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] {
      return stopping_ || (next_ != nullptr && decoded_.size() < max_decoded &&
                           results_.size() < kMaxWaitingResults);
    });
    if (stopping_) return;
    std::optional<PictureTask> task = (*next_)();
    if (!task) {
      next_ = nullptr;
      changed_.notify_all();
      continue;
    }
    ++decoding_;
    lock.unlock();
    const Clock::time_point start = Clock::now();
    Decoded decoded = Decode(*std::move(task));
    const double busy_s = SecondsSince(start);
    lock.lock();
    --decoding_;
    stats_.decode_busy_s += busy_s;
    if (decoded.pixels.empty()) {
      results_.push_back(std::move(decoded.result));
    } else {
      decoded_.push_back(std::move(decoded));
    }
    changed_.notify_all();
  }
}

Ingest::Decoded Ingest::Decode(PictureTask task) const {
  Decoded decoded;
  PictureResult& result = decoded.result;
  result.task = std::move(task);
  std::shared_ptr<const std::string> bytes = result.task.content;
  if (bytes == nullptr) {
    auto read = options_.read(result.task, options_.limits.max_bytes);
    if (!read.ok()) {
      result.status = ReadRefusal(read.status(), result.task.path,
                                  options_.limits.max_bytes);
      return decoded;
    }
    bytes = std::make_shared<const std::string>(*std::move(read));
  }
  result.sha256 = Sha256(*bytes);
  const std::string_view sha256(
      reinterpret_cast<const char*>(result.sha256.data()),
      result.sha256.size());
  if (sha256 == result.task.known_sha256) {
    result.unchanged = true;
    return decoded;
  }
  if (auto known =
          options_.find_known ? options_.find_known(sha256) : std::nullopt) {
    result.reused = true;
    result.vector = std::move(known->vector);
    result.thumbnail = std::move(known->thumbnail);
    return decoded;
  }
  const auto image =
      DecodeImage(*bytes, options_.limits, DecodeMinSide(card_.input_size));
  if (!image.ok()) {
    result.status = image.status();
    return decoded;
  }
  if (options_.thumbnails) {
    auto thumbnail = EncodeThumbnail(*image);
    if (!thumbnail.ok()) {
      result.status = thumbnail.status();
      return decoded;
    }
    result.thumbnail = *std::move(thumbnail);
  }
  decoded.pixels = SquareImage(*image, card_.resize, card_.input_size);
  if (card_.input_size >= kLeastMeasuredSize) {
    result.warnings =
        QualityWarnings(MeasureQuality(decoded.pixels.data(), card_.input_size),
                        image->width, image->height);
  }
  return decoded;
}

bool Ingest::BatchReady() const {
  if (decoded_.empty()) return false;
  // Pictures that are on their way make a fuller batch; a lone one never waits.
  const bool more_to_come = next_ != nullptr || decoding_ > 0;
  return decoded_.size() >= static_cast<size_t>(options_.batch) ||
         !more_to_come;
}

void Ingest::EmbedLoop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || BatchReady(); });
    if (stopping_) return;
    std::vector<Decoded> batch;
    while (!decoded_.empty() &&
           batch.size() < static_cast<size_t>(options_.batch)) {
      batch.push_back(std::move(decoded_.front()));
      decoded_.pop_front();
    }
    embedding_ = static_cast<int>(batch.size());
    changed_.notify_all();
    lock.unlock();
    const Clock::time_point start = Clock::now();
    EmbedBatch(&batch);
    const double busy_s = SecondsSince(start);
    lock.lock();
    embedding_ = 0;
    stats_.embed_busy_s += busy_s;
    stats_.embedded += static_cast<int64_t>(batch.size());
    ++stats_.batches;
    for (Decoded& decoded : batch) {
      results_.push_back(std::move(decoded.result));
    }
    changed_.notify_all();
  }
}

void Ingest::EmbedBatch(std::vector<Decoded>* batch) {
  const absl::Status status = EmbedInto(*batch);
  if (status.ok()) return;
  // One picture may have spoilt it for all.
  for (Decoded& decoded : *batch) {
    const absl::Status alone =
        batch->size() == 1 ? status : EmbedInto({&decoded, 1});
    if (alone.ok()) continue;
    decoded.result.vector.clear();
    decoded.result.thumbnail.clear();
    decoded.result.status = MakeError(
        absl::StatusCode::kInternal, v1::ERROR_REASON_INTERNAL,
        absl::StrCat("the model fails on this picture: ", alone.message()));
  }
}

absl::Status Ingest::EmbedInto(std::span<Decoded> batch) {
  const size_t dim = static_cast<size_t>(card_.dim());
  std::vector<uint8_t> pixels;
  pixels.reserve(batch.size() * batch[0].pixels.size());
  for (const Decoded& decoded : batch) {
    pixels.insert(pixels.end(), decoded.pixels.begin(), decoded.pixels.end());
  }
  std::vector<float> vectors(batch.size() * dim);
  VITRINE_RETURN_IF_ERROR(embedder_->Embed(
      pixels.data(), static_cast<int>(batch.size()), vectors.data()));
  for (size_t i = 0; i < batch.size(); ++i) {
    float* vector = vectors.data() + i * dim;
    NormaliseBlocks(card_.blocks, vector);
    batch[i].result.vector.resize(dim);
    HalvesFromFloats(vector, dim, batch[i].result.vector.data());
  }
  return absl::OkStatus();
}

}  // namespace vitrine
