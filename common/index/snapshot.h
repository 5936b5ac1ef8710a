// A generation of an index, opened: what every query is answered from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/index_paths.h"
#include "common/index/live_shard.h"
#include "common/index/picture_pack.h"
#include "common/index/row_selector.h"
#include "common/index/shard.h"
#include "common/index/table.h"
#include "common/vector/blocks.h"
#include "vitrine/storage/manifest.pb.h"
#include "vitrine/storage/records.pb.h"

namespace vitrine {

// Immutable and thread-safe; kept alive by its users' shared_ptr.
class Snapshot {
 public:
  // Opens and verifies all that `manifest` names. Files that `previous` has
  // open too are not opened again. DATA_LOSS names a damaged file.
  static absl::StatusOr<std::shared_ptr<const Snapshot>> Open(
      const IndexPaths& paths, const storage::Manifest& manifest,
      const Snapshot* previous);

  // The newest generation that opens. Where that is not the newest there is,
  // `degraded` receives why. NOT_FOUND where there is no index, DATA_LOSS where
  // no generation opens.
  static absl::StatusOr<std::shared_ptr<const Snapshot>> OpenNewest(
      const IndexPaths& paths, const Snapshot* previous, std::string* degraded);

  const storage::Manifest& manifest() const { return manifest_; }
  uint64_t generation() const { return manifest_.generation(); }
  const storage::VectorSet& serving() const { return *serving_; }
  const std::vector<Block>& blocks() const { return blocks_; }
  int dim() const { return dim_; }
  const std::vector<LiveShard>& shards() const { return shards_; }
  // Live rows: searchable pictures.
  uint64_t images() const { return images_; }

  const Table& products() const { return products_; }
  // A product that lives; NOT_FOUND with ERROR_REASON_UNKNOWN_PRODUCT
  // otherwise.
  absl::StatusOr<storage::ProductRecord> FindProduct(
      std::string_view product_id) const;

  // Calls `visit` with each live row of a product.
  void ForEachRowOf(
      std::string_view product_id,
      const std::function<void(const Shard& shard, uint32_t row)>& visit) const;

  // The JPEG of a picture by the 32 bytes of its SHA-256; empty where it has
  // none.
  std::string_view FindThumbnail(std::string_view sha256) const;

  // Which rows a request may find by what their products are.
  const RowSelector& selector() const { return *selector_; }

 private:
  Snapshot() = default;

  storage::Manifest manifest_;
  const storage::VectorSet* serving_ = nullptr;
  std::vector<Block> blocks_;
  int dim_ = 0;
  uint64_t images_ = 0;
  std::vector<LiveShard> shards_;
  Table products_;
  std::vector<std::shared_ptr<const PicturePack>> packs_;
  std::unique_ptr<const RowSelector> selector_;
};

}  // namespace vitrine
