// The vector sets of an index: the one that serves, and at most one other,
// which is being built to take its place, or served before it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/index/index_paths.h"
#include "common/index/live_shard.h"
#include "common/index/shard.h"
#include "indexer/generation_parts.h"
#include "indexer/publisher.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// The set with this id; null where there is none.
storage::VectorSet* MutableSet(storage::Manifest* manifest, uint64_t id);
// Takes all sets but the serving one out of a manifest.
void KeepServing(storage::Manifest* manifest);

// Copies the model's bundle into the index. Returns a set that is being built,
// without rows.
absl::StatusOr<storage::VectorSet> BeginSet(const IndexPaths& paths,
                                            const SetSettings& settings,
                                            uint64_t id, int64_t now_unix_ms);

// Copies learned complements, `bytes` of the file `name`, into the index and
// names them in the set of `manifest` whose model they are for.
// FAILED_PRECONDITION where there is no such set.
absl::Status AttachComplements(const IndexPaths& paths, std::string_view bytes,
                               std::string_view name,
                               storage::Manifest* manifest,
                               WrittenFiles* written);

// Writes those of `rows` that the view's other set lacks: the serving set has
// them, with the same content. Names them in `manifest`, if there are any.
absl::Status WriteFill(const IndexPaths& paths, const IndexView& view,
                       const std::vector<Row>& rows,
                       storage::Manifest* manifest, WrittenFiles* written);

// The live row of a picture.
std::optional<uint32_t> FindRow(const LiveShard& live,
                                std::string_view product_id,
                                std::string_view image_key);

// Whether a snapshot has a picture with this content, 32 bytes.
bool HasRow(const Snapshot& snapshot, std::string_view product_id,
            std::string_view image_key, std::string_view sha256);

}  // namespace vitrine
