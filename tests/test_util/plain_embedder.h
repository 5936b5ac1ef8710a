// A model that tests can reason about: the shape block is the picture's
// brightness on a grid, the colour block a histogram of its colours.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/image/image.h"
#include "common/model/embedder.h"
#include "tests/test_util/vectors.h"

namespace vitrine {

// Lets a test hold a model in the middle of a batch. Thread-safe.
class Gate {
 public:
  void Close() { Set(true); }
  void Open() { Set(false); }
  // Returns once the gate is open.
  void Pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !closed_; });
  }
  // Returns once Pass has been called `n` times.
  void AwaitArrivals(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= n; });
  }

 private:
  void Set(bool closed) {
    std::lock_guard lock(mutex_);
    closed_ = closed;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  int arrived_ = 0;
};

class PlainEmbedder final : public Embedder {
 public:
  static constexpr int kSide = 32;

  // `gate` may be null and must outlive the embedder.
  explicit PlainEmbedder(std::filesystem::path bundle = {},
                         std::string id = std::string(64, '0'),
                         Gate* gate = nullptr)
      : bundle_(std::move(bundle)), gate_(gate) {
    card_.id = std::move(id);
    card_.name = "plain";
    card_.version = "1";
    card_.input_size = kSide;
    card_.blocks = TestBlocks();
    card_.precision = "float32";
    card_.origin = "a test";
    card_.licence = "none";
    card_.trained_on = "nothing";
  }

  const ModelCard& card() const override { return card_; }
  const std::filesystem::path& bundle_path() const override { return bundle_; }

  absl::Status Embed(const uint8_t* pixels, int n, float* out) override {
    if (gate_ != nullptr) gate_->Pass();
    batches_.push_back(n);
    for (int i = 0; i < n; ++i) {
      EmbedOne(pixels + i * kSide * kSide * 3, out + i * 192);
    }
    return fail_with_;
  }

  // How large the batches were. To be read once nothing is embedded any more.
  const std::vector<int>& batches() const { return batches_; }
  void FailWith(absl::Status status) { fail_with_ = std::move(status); }

 private:
  static void EmbedOne(const uint8_t* pixels, float* out) {
    std::fill(out, out + 192, 0.01f);
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x, pixels += 3) {
        const int grey = (pixels[0] + pixels[1] + pixels[2]) / 3;
        out[y / 4 * 16 + x / 2] += static_cast<float>(grey) - 128;
        out[128 + pixels[0] / 64 * 16 + pixels[1] / 64 * 4 + pixels[2] / 64] +=
            1;
      }
    }
  }

  ModelCard card_;
  std::filesystem::path bundle_;
  Gate* gate_;
  std::vector<int> batches_;
  absl::Status fail_with_;
};

// A JPEG of a box on a ground; `place` moves and sizes the box.
inline std::string DrawPicture(int place, uint8_t red, uint8_t green,
                               uint8_t blue) {
  Image image;
  image.width = image.height = 64;
  image.rgb.assign(64 * 64 * 3, 230);
  const int left = 4 + place * 7 % 24, top = 4 + place * 11 % 24;
  const int right = left + 16 + place * 5 % 16, bottom = top + 24;
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      uint8_t* pixel = &image.rgb[static_cast<size_t>(y * 64 + x) * 3];
      pixel[0] = red;
      pixel[1] = green;
      pixel[2] = blue;
    }
  }
  return EncodeThumbnail(image).value();
}

// What the model and the block arithmetic make of a picture's bytes.
inline std::vector<float> VectorOfPicture(const std::string& jpeg) {
  PlainEmbedder embedder;
  const Image image =
      DecodeImage(jpeg, {}, DecodeMinSide(PlainEmbedder::kSide)).value();
  const auto pixels =
      SquareImage(image, embedder.card().resize, PlainEmbedder::kSide);
  std::vector<float> vector(192);
  (void)embedder.Embed(pixels.data(), 1, vector.data());
  NormaliseBlocks(TestBlocks(), vector.data());
  return vector;
}

}  // namespace vitrine
