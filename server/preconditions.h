// What a request asks of the generation and of the model that answer it.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

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

// What a handler has made of `asked`, which ServingOf has given for `serving`:
// its callers check the files of `serving`, and of no other.
template <typename Made>
Made CheckedOf(const Serving& serving, const Serving& asked, Made made) {
  return &asked == &serving ? std::move(made) : asked.Checked(std::move(made));
}

// FAILED_PRECONDITION where `served` does not begin with `required_model`.
absl::Status CheckModel(std::string_view served,
                        std::string_view required_model);

}  // namespace vitrine
