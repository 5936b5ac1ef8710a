// Other views of a photo, as a shopper might take it: for self-retrieval. The
// same kinds of change as in models/vitrine_models/views.py.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "common/image/image.h"

namespace vitrine::eval {

// The photo cut, tilted, mirrored (every other one), lit and coloured
// otherwise, blurred and compressed anew. The same seed gives the same view.
// `photo` is not empty. Thread-safe.
absl::StatusOr<Image> OtherView(const Image& photo, uint64_t seed);

}  // namespace vitrine::eval
