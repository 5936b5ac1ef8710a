// Generations of an index: reading, choosing and publishing manifests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/index_paths.h"
#include "vitrine/storage/manifest.pb.h"

namespace vitrine {

// Generations whose manifest is in the folder, oldest first. NOT_FOUND where
// there is no such folder.
absl::StatusOr<std::vector<uint64_t>> ListGenerations(const IndexPaths& paths);

// DATA_LOSS where the file is damaged, FAILED_PRECONDITION where a newer
// version of Vitrine has written it.
absl::StatusOr<storage::Manifest> ReadManifest(const IndexPaths& paths,
                                               uint64_t generation);

// Publishes `manifest` under its generation, which must not exist yet.
// RESOURCE_EXHAUSTED above 64 KB.
absl::Status PublishManifest(const IndexPaths& paths,
                             const storage::Manifest& manifest);

// The one set that answers queries. FAILED_PRECONDITION unless there is exactly
// one.
absl::StatusOr<const storage::VectorSet*> ServingSet(
    const storage::Manifest& manifest);

// The set beside the serving one: that of a model which is to take its place,
// or of the one before it. Null where there is none.
const storage::VectorSet* OtherSet(const storage::Manifest& manifest);

// How many live rows a set has, by what the manifest says.
uint64_t LiveRows(const storage::VectorSet& set);

// A status that tells of damage, with the command that mends it; others as they
// are.
absl::Status WithRemedy(const absl::Status& status, const IndexPaths& paths);

}  // namespace vitrine
