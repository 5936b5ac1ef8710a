// What a queue's events change of the next generation.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/catalog_event.h"
#include "indexer/generation_draft.h"
#include "indexer/ingest.h"

namespace vitrine {

// Fields and pictures of a product are those of the newest event that set them,
// whatever comes in whatever order and however often; a deletion sets both. A
// product belongs to the source that put it, until that deletes it; what each
// source has deleted it cannot revive by what it sent before. Not thread-safe.
class EventApplier {
 public:
  // Takes the bytes of a picture that is refused, and its SHA-256, 32 bytes.
  using KeepRefusedFn =
      std::function<void(std::string_view sha256, std::string_view bytes)>;

  // `draft` must outlive it.
  explicit EventApplier(GenerationDraft* draft,
                        KeepRefusedFn keep_refused = nullptr)
      : draft_(*draft), keep_refused_(std::move(keep_refused)) {}

  // Whether the change is newer than what is known, so that its pictures are
  // worth reading. ERROR_REASON_OTHER_SOURCE where the product belongs to
  // another source.
  absl::StatusOr<bool> IsNews(const ProductChange& change) const;

  // Applies a change that is news, given what became of each of its pictures,
  // in their order.
  void Apply(const ProductChange& change, std::vector<PictureResult> results,
             int64_t now_unix_ms);

  // A change that was refused as a whole; `entry` is its place in the queue.
  void Refuse(std::string_view source, std::string_view entry,
              std::string_view product_id, const absl::Status& status,
              int64_t now_unix_ms);

 private:
  bool SetsPictures(const ProductChange& change,
                    const storage::QueuedProductRecord& state) const;
  void PutPicture(const ProductChange& change, const EventPicture& picture,
                  PictureResult result, int64_t now_unix_ms);
  void RefusePicture(const ProductChange& change, const EventPicture& picture,
                     const PictureResult& result, int64_t now_unix_ms);
  void RemovePicture(const std::string& source, const std::string& product_id,
                     const std::string& key, int64_t now_unix_ms);

  GenerationDraft& draft_;
  const KeepRefusedFn keep_refused_;
};

}  // namespace vitrine
