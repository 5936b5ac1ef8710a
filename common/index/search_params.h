// The limits of a search.
#pragma once

#include <span>

#include "absl/status/status.h"
#include "common/index/search.h"

namespace vitrine {

inline constexpr int kMaxEf = 4096;
inline constexpr int kMaxResults = 1000;  // Of k, and of offset + k.

// What Search refuses: see there.
absl::Status CheckSearchParams(const Snapshot& snapshot,
                               std::span<const float> query,
                               const SearchParams& params);

}  // namespace vitrine
