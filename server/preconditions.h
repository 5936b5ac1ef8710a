// What a request asks of the generation and of the model that answer it.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/index/snapshot.h"
#include "server/serving.h"

namespace vitrine {

// FAILED_PRECONDITION where the served generation is older than
// `min_generation` or its model does not begin with `required_model`.
absl::Status CheckPreconditions(const Snapshot& snapshot,
                                uint64_t min_generation,
                                std::string_view required_model);

// What answers a request for the vectors of `model`, a digest or the begin of
// one; empty is the model that is served. FAILED_PRECONDITION where the
// generation has no such vector set, UNAVAILABLE while its model is loaded.
absl::StatusOr<const Serving*> ServingOf(const Serving& serving,
                                         std::string_view model);

// FAILED_PRECONDITION where `served` does not begin with `required_model`.
absl::Status CheckModel(std::string_view served,
                        std::string_view required_model);

}  // namespace vitrine
