// A second model for tests: the first block of the fake one alone, so that the
// vectors of the two can never be taken for each other.
#pragma once

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "common/model/fake_embedder.h"

namespace vitrine {

class NarrowEmbedder : public Embedder {
 public:
  // `pictures` counts what it embeds, and `check`, if there is one, may refuse
  // a picture; both must outlive it.
  static absl::StatusOr<std::unique_ptr<Embedder>> Load(
      const std::filesystem::path& bundle,
      std::atomic<int64_t>* pictures = nullptr,
      const std::function<absl::Status(const uint8_t* pixels)>* check =
          nullptr) {
    VITRINE_ASSIGN_OR_RETURN(auto fake, LoadFakeEmbedder(bundle));
    return std::make_unique<NarrowEmbedder>(std::move(fake), pictures, check);
  }

  NarrowEmbedder(std::unique_ptr<Embedder> fake, std::atomic<int64_t>* pictures,
                 const std::function<absl::Status(const uint8_t*)>* check)
      : fake_(std::move(fake)),
        card_(fake_->card()),
        pictures_(pictures),
        check_(check) {
    card_.name = "narrow";
    card_.blocks = {{"shape", card_.blocks[0].dim, 1.0f}};
  }

  const ModelCard& card() const override { return card_; }
  const std::filesystem::path& bundle_path() const override {
    return fake_->bundle_path();
  }
  int preferred_batch() const override { return 4; }

  absl::Status Embed(const uint8_t* pixels, int n, float* out) override {
    const size_t picture =
        static_cast<size_t>(card_.input_size) * card_.input_size * 3;
    const auto dim = static_cast<size_t>(fake_->card().dim());
    const auto narrow = static_cast<size_t>(card_.dim());
    std::vector<float> all(static_cast<size_t>(n) * dim);
    VITRINE_RETURN_IF_ERROR(fake_->Embed(pixels, n, all.data()));
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
      if (check_ != nullptr && *check_) {
        VITRINE_RETURN_IF_ERROR((*check_)(pixels + i * picture));
      }
      std::copy_n(&all[i * dim], narrow, out + i * narrow);
    }
    if (pictures_ != nullptr) *pictures_ += n;
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<Embedder> fake_;
  ModelCard card_;
  std::atomic<int64_t>* const pictures_;
  const std::function<absl::Status(const uint8_t*)>* const check_;
};

}  // namespace vitrine
