// A generation of an index, opened with one of its vector sets: what every
// query is answered from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
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

class Complements;

// What is verified of files before they are served; the rest is left to Verify.
enum class VerifyMode {
  kAuto,        // All, where the files that are new have less than 2 GB.
  kAlways,      // All.
  kBackground,  // The structure, so that opening takes no time a row.
};

// How files that have `new_bytes` together are opened.
Verification VerificationOf(VerifyMode mode, uint64_t new_bytes);

// Immutable and thread-safe; kept alive by its users' shared_ptr.
class Snapshot {
 public:
  // Opens all that `manifest` names but the shards of other vector sets than
  // the one with this id; 0 is the serving one. Files that one of `open`, of
  // which any may be null, has open too, and sound, are not opened again; the
  // others are verified as `verify` says. DATA_LOSS names a damaged file.
  static absl::StatusOr<std::shared_ptr<const Snapshot>> Open(
      const IndexPaths& paths, const storage::Manifest& manifest,
      std::span<const Snapshot* const> open,
      VerifyMode verify = VerifyMode::kAlways, uint64_t set = 0);
  // The serving set.
  static absl::StatusOr<std::shared_ptr<const Snapshot>> Open(
      const IndexPaths& paths, const storage::Manifest& manifest,
      const Snapshot* previous, VerifyMode verify = VerifyMode::kAlways) {
    return Open(paths, manifest, std::span(&previous, 1), verify);
  }

  // The newest generation that opens, with its serving set. Where that is not
  // the newest there is, `degraded` receives why. NOT_FOUND where there is no
  // index, DATA_LOSS where no generation opens.
  static absl::StatusOr<std::shared_ptr<const Snapshot>> OpenNewest(
      const IndexPaths& paths, std::span<const Snapshot* const> open,
      std::string* degraded, VerifyMode verify = VerifyMode::kAlways);
  static absl::StatusOr<std::shared_ptr<const Snapshot>> OpenNewest(
      const IndexPaths& paths, const Snapshot* previous, std::string* degraded,
      VerifyMode verify = VerifyMode::kAlways) {
    return OpenNewest(paths, std::span(&previous, 1), degraded, verify);
  }

  // DATA_LOSS, with the remedy, where a file was found to be damaged since it
  // was opened: whatever was read of the snapshot may be wrong. Takes some
  // nanoseconds a file.
  absl::Status CheckFiles() const;
  // Whether all of every file was verified.
  bool verified() const;
  // Brings up to `most_bytes` of the shards into memory, those with graphs
  // first, so that the first queries do not wait for the disk. Returns how
  // many.
  uint64_t Touch(uint64_t most_bytes, const StopRequested& stop) const;
  // Verifies what was not, a file after the other. DATA_LOSS for the first that
  // is damaged, once all are done; CheckFiles tells of each from when it was
  // found. CANCELLED where it had to stop.
  absl::Status Verify(const StopRequested& stop) const;

  const storage::Manifest& manifest() const { return manifest_; }
  uint64_t generation() const { return manifest_.generation(); }
  // The set that it has open, serving or not.
  const storage::VectorSet& set() const { return *set_; }
  const std::vector<Block>& blocks() const { return blocks_; }
  int dim() const { return dim_; }
  const std::vector<LiveShard>& shards() const { return shards_; }
  // Live rows: searchable pictures.
  uint64_t images() const { return images_; }

  const Table& products() const { return products_; }
  // Of thumbnails, oldest first.
  const std::vector<std::shared_ptr<const PicturePack>>& packs() const {
    return packs_;
  }
  // A product that lives; NOT_FOUND with ERROR_REASON_UNKNOWN_PRODUCT
  // otherwise.
  absl::StatusOr<storage::ProductRecord> FindProduct(
      std::string_view product_id) const;

  // The learned complements of the set's model; null where there are none.
  const Complements* complements() const { return complements_.get(); }

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
  // With what `previous` has open.
  absl::Status OpenShards(const Snapshot& previous, VerifyMode verify);
  absl::Status OpenTables(const Snapshot& previous, VerifyMode verify);
  absl::Status OpenComplements(const Snapshot& previous);
  // Calls visit(part) with each segment, shard and pack: one damaged bit of a
  // segment's keys may hide all its products.
  template <typename Visit>
  void ForEachPart(const Visit& visit) const {
    for (const auto& segment : products_.segments()) visit(*segment);
    for (const LiveShard& live : shards_) visit(*live.shard);
    for (const auto& pack : packs_) visit(*pack);
  }

  IndexPaths paths_;
  storage::Manifest manifest_;
  const storage::VectorSet* set_ = nullptr;
  std::vector<Block> blocks_;
  int dim_ = 0;
  uint64_t images_ = 0;
  std::vector<LiveShard> shards_;
  std::shared_ptr<const Complements> complements_;
  Table products_;
  std::vector<std::shared_ptr<const PicturePack>> packs_;
  std::unique_ptr<const RowSelector> selector_;
};

}  // namespace vitrine
