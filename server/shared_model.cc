#include "server/shared_model.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "common/base/status.h"

namespace vitrine {
namespace {

struct LoadedModel {
  std::mutex running;
  std::unique_ptr<Embedder> embedder;
};

class SharedEmbedder final : public Embedder {
 public:
  explicit SharedEmbedder(std::shared_ptr<LoadedModel> model)
      : model_(std::move(model)) {}

  const ModelCard& card() const override { return model_->embedder->card(); }
  const std::filesystem::path& bundle_path() const override {
    return model_->embedder->bundle_path();
  }
  absl::Status Embed(const uint8_t* pixels, int n, float* out) override {
    std::lock_guard lock(model_->running);
    return model_->embedder->Embed(pixels, n, out);
  }
  int preferred_batch() const override {
    return model_->embedder->preferred_batch();
  }
  std::string description() const override {
    return model_->embedder->description();
  }
  EmbedTrial trial() const override { return model_->embedder->trial(); }

 private:
  const std::shared_ptr<LoadedModel> model_;
};

struct ModelsInUse {
  std::mutex mutex;  // Held while one is loaded, too: another may be the same.
  std::map<std::string, std::weak_ptr<LoadedModel>> models;  // By digest.
};

}  // namespace

decltype(SnapshotStoreOptions::load_model) ShareModels(
    decltype(SnapshotStoreOptions::load_model) load) {
  return [load = std::move(load), in_use = std::make_shared<ModelsInUse>()](
             const std::filesystem::path& bundle, const EmbedTrial& trial)
             -> absl::StatusOr<std::unique_ptr<Embedder>> {
    std::lock_guard lock(in_use->mutex);
    std::weak_ptr<LoadedModel>& known = in_use->models[bundle.stem().string()];
    std::shared_ptr<LoadedModel> model = known.lock();
    if (model == nullptr) {
      model = std::make_shared<LoadedModel>();
      VITRINE_ASSIGN_OR_RETURN(model->embedder, load(bundle, trial));
      known = model;
    }
    return std::make_unique<SharedEmbedder>(std::move(model));
  };
}

}  // namespace vitrine
