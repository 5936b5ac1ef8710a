// An index of products with pictures and a model, as a server serves it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/file.h"
#include "common/base/hash.h"
#include "server/search_handler.h"
#include "server/serving.h"
#include "server/slots.h"
#include "server/snapshot_store.h"
#include "tests/test_util/index_builder.h"
#include "tests/test_util/plain_embedder.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/vectors.h"

namespace vitrine {

struct TestPicture {
  std::string key;
  std::vector<float> vector = {};  // Empty: the model makes it of `jpeg`.
  std::string jpeg = {};           // Empty: the picture has no thumbnail.
};

struct TestProduct {
  std::string id;
  std::string category;
  std::vector<TestPicture> pictures;
  std::map<std::string, std::string> attributes;
};

class ServingIndex {
 public:
  ServingIndex() : builder_(dir_.path() / "index", TestBlocks()) {
    UseModel("a bundle");
  }

  IndexBuilder& builder() { return builder_; }
  const IndexPaths& paths() const { return builder_.paths(); }
  const TempDir& dir() const { return dir_; }
  Gate& gate() { return gate_; }

  // Puts a bundle of these bytes into models/ and serves its vectors from the
  // next generation on.
  void UseModel(const std::string& bytes) {
    model_ = ToHex(Sha256(bytes));
    (void)PublishFile(paths().model(model_), bytes);
    builder_.set().set_model(model_);
  }
  const std::string& model() const { return model_; }

  // One more generation, with these products besides those before.
  absl::Status Add(const std::vector<TestProduct>& products) {
    std::vector<Row> rows;
    PackedPictures thumbnails;
    std::map<std::string, std::optional<storage::ProductRecord>> records;
    for (const TestProduct& product : products) {
      storage::ProductRecord record;
      record.set_title("Title of " + product.id);
      record.set_category(product.category);
      for (const auto& [name, value] : product.attributes) {
        (*record.mutable_attributes())[name].set_text(value);
      }
      for (const TestPicture& picture : product.pictures) {
        rows.push_back(MakeRow(product.id, picture.key,
                               picture.vector.empty()
                                   ? VectorOfPicture(picture.jpeg)
                                   : picture.vector));
        if (!picture.jpeg.empty()) {
          rows.back().sha256 = Sha256(picture.jpeg);
          thumbnails[rows.back().sha256] = picture.jpeg;
        }
        storage::ImageRecord* image = record.add_images();
        image->set_key(picture.key);
        image->set_sha256(
            std::string(rows.back().sha256.begin(), rows.back().sha256.end()));
      }
      records[product.id] = std::move(record);
    }
    if (!rows.empty()) {
      VITRINE_RETURN_IF_ERROR(builder_.AddShard(rows));
      VITRINE_RETURN_IF_ERROR(builder_.PutProducts(records));
    }
    if (!thumbnails.empty()) {
      VITRINE_RETURN_IF_ERROR(builder_.AddPictures(thumbnails));
    }
    return builder_.Publish().status();
  }

  SnapshotStoreOptions StoreOptions() {
    SnapshotStoreOptions options;
    options.paths = paths();
    options.slots = &SlotTable::Default();
    options.load_model =
        [this](const std::filesystem::path& bundle,
               const EmbedTrial&) -> absl::StatusOr<std::unique_ptr<Embedder>> {
      return std::make_unique<PlainEmbedder>(bundle, bundle.stem().string(),
                                             &gate_);
    };
    return options;
  }

  // What a server would answer from now.
  std::shared_ptr<const Serving> Open(
      const SlotTable& slots = SlotTable::Default()) {
    std::string degraded;
    auto snapshot = Snapshot::OpenNewest(paths(), nullptr, &degraded).value();
    return std::make_shared<const Serving>(
        std::move(snapshot),
        std::make_shared<EmbedBatcher>(
            std::make_unique<PlainEmbedder>("", model_, &gate_)),
        slots);
  }

 private:
  TempDir dir_;
  Gate gate_;
  std::string model_;
  IndexBuilder builder_;
};

// What a server answers to a search.
inline absl::StatusOr<v1::SearchResponse> AnswerOf(
    const Serving& serving, const v1::SearchRequest& request,
    const Call& call = Call()) {
  v1::SearchResponse response;
  absl::Status status = HandleSearch(serving, request, call, &response);
  if (!status.ok()) return status;
  return response;
}

}  // namespace vitrine
