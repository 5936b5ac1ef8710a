// What the files of a catalogue's folder change of the next generation, as they
// are read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/catalog/catalog.h"
#include "indexer/generation_draft.h"
#include "indexer/ingest.h"
#include "indexer/publisher.h"
#include "indexer/reconcile.h"
#include "vitrine/storage/records.pb.h"

namespace vitrine {

// The index that it leads to depends on what the catalogue holds at last, and
// not on the order in which it came. Products of other sources are left alone.
// Not thread-safe.
class PictureBatch {
 public:
  // Title, category and attributes of a product, given its first picture.
  using DescribeFn = std::function<storage::ProductRecord(
      std::string_view product_id, std::string_view first_picture)>;

  // `source` is the name of the source in records and receipts. `draft` must
  // outlive the batch.
  PictureBatch(std::string source, DescribeFn describe, GenerationDraft* draft);

  // What is known of a file, this batch included.
  std::optional<storage::SourceFileRecord> FindSource(
      std::string_view path) const {
    return draft_.changes.FindSource(path);
  }

  // What is known of all files.
  KnownFiles AllSources() const;
  std::vector<std::string> SourcesAtOrBelow(const std::string& path) const {
    return draft_.changes.SourcesAtOrBelow(path);
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
  // What is known of a product may have changed. Returns whether it has.
  bool Describe(const std::string& product_id);

 private:
  void Detach(const std::string& path, const storage::SourceFileRecord& known);
  void Refuse(const CatalogPicture& picture, const PictureResult& result,
              const std::optional<storage::SourceFileRecord>& known,
              int64_t now_unix_ms);
  // Whether the product belongs to another source.
  bool IsForeign(const std::string& product_id) const;
  absl::Status ForeignError(const CatalogPicture& picture) const;

  const std::string source_;
  const DescribeFn describe_;
  GenerationDraft& draft_;
};

}  // namespace vitrine
