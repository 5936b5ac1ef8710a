// A generation as its indexer has it open.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/index_paths.h"
#include "common/index/picture_pack.h"
#include "common/index/snapshot.h"
#include "common/index/table.h"
#include "indexer/content_index.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// A generation with all that an indexer reads of it. Immutable.
struct IndexView {
  std::shared_ptr<const Snapshot> snapshot;
  // With the set of another model, which is being built or kept; null where the
  // index has one set. Its rows are some of the serving set's: what is removed
  // or replaced there goes here in the same generation, what is new is added
  // later, by Publisher::Fill.
  std::shared_ptr<const Snapshot> other;
  std::shared_ptr<const Table> sources;
  std::shared_ptr<const ContentIndex> content;        // Of `snapshot`, …
  std::shared_ptr<const ContentIndex> other_content;  // … and of `other`.
  // Packs of originals, of which only the structure is verified.
  std::vector<std::shared_ptr<const PicturePack>> originals;

  // Opens what `manifest` names, but for what `before` or `opened`, which may
  // be null, has open; without indexing any content. DATA_LOSS names a damaged
  // file.
  static absl::StatusOr<IndexView> Open(const IndexPaths& paths,
                                        const storage::Manifest& manifest,
                                        const IndexView& before,
                                        const Snapshot* opened);
  // Indexes what the snapshots hold; `before` may have most of it.
  void IndexContent(const IndexView& before);

  // The bytes of a picture that a queue has sent, by the 32 bytes of its
  // SHA-256; nothing where they are not kept. To be hashed before they are
  // relied upon. Valid as long as the view.
  std::optional<std::string_view> FindOriginal(std::string_view sha256) const;
  // `snapshot`, and `other` where there is one.
  std::vector<const Snapshot*> sets() const;
  // The one of them with the set of this id; null where there is none.
  const Snapshot* FindSet(uint64_t id) const;
  // How many pictures the other set lacks; 0 where there is none.
  uint64_t missing() const {
    return other == nullptr ? 0 : snapshot->images() - other->images();
  }
};

// The packs of originals that `manifest` names, but for those of `previous`.
absl::StatusOr<std::vector<std::shared_ptr<const PicturePack>>> OpenOriginals(
    const IndexPaths& paths, const storage::Manifest& manifest,
    const std::vector<std::shared_ptr<const PicturePack>>& previous);

}  // namespace vitrine
