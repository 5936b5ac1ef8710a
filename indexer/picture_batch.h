// A generation in the making: pictures of one source as they come in, with the
// receipts that will say what became of them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/catalog/catalog.h"
#include "indexer/index_changes.h"
#include "indexer/ingest.h"
#include "indexer/publisher.h"
#include "indexer/reconcile.h"
#include "vitrine/storage/records.pb.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine {

struct PictureCounts {
  int64_t accepted = 0;
  int64_t changed = 0;
  int64_t removed = 0;
  int64_t refused = 0;
  int64_t reused = 0;  // Accepted or changed without being embedded.
  int64_t unchanged = 0;

  PictureCounts& operator+=(const PictureCounts& more);
};

// The index that it leads to depends on what the catalogue holds at last, and
// not on the order in which it came. Not thread-safe.
class PictureBatch {
 public:
  // Title, category and attributes of a product, given its first picture.
  using DescribeFn = std::function<storage::ProductRecord(
      std::string_view product_id, std::string_view first_picture)>;

  // `source` is the name of the source in records and receipts. The batch
  // begins with `changes`.
  PictureBatch(const IndexView& view, std::string source, DescribeFn describe,
               IndexChanges changes = {});

  // What is known of a file, this batch included.
  std::optional<storage::SourceFileRecord> FindSource(
      std::string_view path) const {
    return changes_.FindSource(path);
  }

  // What is known of all files.
  KnownFiles AllSources() const;
  std::vector<std::string> SourcesAtOrBelow(const std::string& path) const {
    return changes_.SourcesAtOrBelow(path);
  }

  // What Ingest should know of a picture before it reads it: its content where
  // that need not be looked at again.
  std::string KnownSha256(std::string_view path) const;

  // A picture has been read. Results of files that are gone are passed over.
  void Apply(const CatalogPicture& picture, PictureResult result,
             std::vector<std::string> warnings, int64_t now_unix_ms);
  // A picture whose product or description may have changed. False where its
  // file is new or has changed, so that it must be read.
  bool ApplyUnread(const CatalogPicture& picture);
  // A file is gone; `moved`: its picture is there under another name.
  void Remove(const std::string& path, bool moved, int64_t now_unix_ms);
  // What is known of a product may have changed.
  void Describe(const std::string& product_id);
  void SetPosition(const storage::SourcePosition& position) {
    changes_.SetPosition(position);
  }

  bool empty() const { return changes_.empty(); }
  size_t rows() const { return changes_.rows(); }
  const IndexChanges& changes() const { return changes_.changes(); }
  const PictureCounts& counts() const { return counts_; }
  // Products that have lost their last picture, and not as it was moved.
  uint64_t deleted_products() const { return deleted_products_; }
  // Of pictures; generation and searchable_at are left to who publishes.
  const std::vector<v1::Receipt>& receipts() const { return receipts_; }

 private:
  void Detach(const std::string& path, const storage::SourceFileRecord& known);
  void Refuse(const CatalogPicture& picture, const PictureResult& result,
              const std::optional<storage::SourceFileRecord>& known,
              int64_t now_unix_ms);
  v1::Receipt* AddReceipt(const std::string& path, const std::string& product,
                          std::string_view sha256, v1::Receipt::Outcome outcome,
                          int64_t now_unix_ms);

  const std::string source_;
  const DescribeFn describe_;
  ChangeSet changes_;
  std::vector<v1::Receipt> receipts_;
  PictureCounts counts_;
  uint64_t deleted_products_ = 0;
};

}  // namespace vitrine
