// Publishes small real indexes, a generation at a time.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/index/bitmap.h"
#include "common/index/index_paths.h"
#include "common/index/manifest.h"
#include "common/index/picture_pack.h"
#include "common/index/product_columns.h"
#include "common/index/shard.h"
#include "common/index/table.h"
#include "common/vector/blocks.h"
#include "vitrine/storage/manifest.pb.h"
#include "vitrine/storage/records.pb.h"

namespace vitrine {

// Each call changes the manifest at hand; Publish makes it a generation. What a
// call writes is durable at once, as the indexer's is.
class IndexBuilder {
 public:
  // `model` is the name of the bundle in models/; the caller puts it there.
  IndexBuilder(const std::filesystem::path& root,
               const std::vector<Block>& blocks,
               const std::string& model = std::string(64, '0'))
      : paths_{root}, dim_(TotalDim(blocks)) {
    for (const auto& folder :
         {paths_.manifests(), paths_.models(), paths_.shards(),
          paths_.deletions(), paths_.products(), paths_.sources(),
          paths_.pictures(), paths_.complements()}) {
      (void)MakeFolders(folder);
    }
    storage::VectorSet* set = manifest_.add_vector_sets();
    set->set_id(1);
    set->set_state(storage::VectorSet::STATE_SERVING);
    set->set_model(model);
    set->set_metric(storage::VectorSet::METRIC_COSINE);
    set->set_precision("float32");
    for (const Block& block : blocks) {
      storage::BlockSpec* spec = set->add_blocks();
      spec->set_name(block.name);
      spec->set_dim(static_cast<uint32_t>(block.dim));
      spec->set_weight(block.weight);
    }
  }

  const IndexPaths& paths() const { return paths_; }
  storage::Manifest& manifest() { return manifest_; }
  storage::VectorSet& set() { return *manifest_.mutable_vector_sets(0); }

  // Adds a shard, with a graph where `graph` is not null.
  absl::Status AddShard(const std::vector<Row>& rows,
                        const GraphParams* graph = nullptr) {
    const std::string name = "shard-" + std::to_string(++files_);
    std::vector<Block> blocks;
    for (const storage::BlockSpec& block : set().blocks()) {
      blocks.push_back(
          {block.name(), static_cast<int>(block.dim()), block.weight()});
    }
    VITRINE_ASSIGN_OR_RETURN(
        auto ref, WriteShard(paths_.shards() / name, blocks, rows, graph));
    storage::Shard* shard = set().add_shards();
    *shard->mutable_file() = ref;
    shard->set_has_graph(graph != nullptr);
    return absl::OkStatus();
  }

  // Marks rows of the i-th shard as dead, besides none before.
  absl::Status DeleteRows(int shard_index, const std::vector<uint32_t>& rows) {
    storage::Shard* shard = set().mutable_shards(shard_index);
    Bitmap dead(static_cast<uint32_t>(shard->file().entries()));
    for (uint32_t row : rows) dead.Set(row);
    const std::string name =
        shard->file().name() + "-" + std::to_string(++files_);
    VITRINE_ASSIGN_OR_RETURN(*shard->mutable_deletions(),
                             WriteDeletions(paths_.deletions() / name, dead));
    return absl::OkStatus();
  }

  // Adds a segment of products; no record deletes.
  absl::Status PutProducts(
      const std::map<std::string, std::optional<storage::ProductRecord>>&
          products) {
    TableChanges changes;
    for (const auto& [id, product] : products) {
      changes[id] =
          product ? std::optional(product->SerializeAsString()) : std::nullopt;
    }
    VITRINE_ASSIGN_OR_RETURN(
        *manifest_.add_product_segments(),
        WriteProductSegment(
            paths_.products() / ("table-" + std::to_string(++files_)),
            EntriesOf(changes)));
    return absl::OkStatus();
  }

  // Adds a record for each row's product, with its category and its pictures.
  absl::Status PutProductsOf(const std::vector<Row>& rows,
                             const std::string& category) {
    std::map<std::string, std::optional<storage::ProductRecord>> products;
    for (const Row& row : rows) {
      auto& product = products[row.product_id];
      if (!product) product.emplace();
      product->set_title("Title of " + row.product_id);
      product->set_category(category);
      storage::ImageRecord* image = product->add_images();
      image->set_key(row.image_key);
      image->set_sha256(std::string(row.sha256.begin(), row.sha256.end()));
    }
    return PutProducts(products);
  }

  absl::Status AddPictures(const PackedPictures& thumbnails) {
    VITRINE_ASSIGN_OR_RETURN(
        *manifest_.add_picture_packs(),
        WritePicturePack(
            paths_.pictures() / ("pack-" + std::to_string(++files_)),
            EntriesOf(thumbnails)));
    return absl::OkStatus();
  }

  // Gives the set a file of learned complements.
  absl::Status PutComplements(const std::string& bytes) {
    storage::FileRef* const ref = set().mutable_complements();
    ref->set_name(ToHex(Sha256(bytes)));
    ref->set_bytes(bytes.size());
    ref->set_checksum(Checksum(bytes));
    return PublishFile(paths_.complements() / ref->name(), bytes);
  }

  // Publishes the next generation and returns its number.
  absl::StatusOr<uint64_t> Publish() {
    manifest_.set_generation(manifest_.generation() + 1);
    VITRINE_RETURN_IF_ERROR(PublishManifest(paths_, manifest_));
    return manifest_.generation();
  }

 private:
  IndexPaths paths_;
  int dim_;
  int files_ = 0;
  storage::Manifest manifest_;
};

}  // namespace vitrine
