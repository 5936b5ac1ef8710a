// How a search goes about a shard. Pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "common/index/graph.h"

namespace vitrine {

// How to walk a graph of `rows` rows for the `ef` nearest of the `matching`
// ones that pass a filter; nothing where to scan these costs less.
std::optional<GraphView::WalkParams> PlanFilteredWalk(int ef, uint32_t matching,
                                                      uint32_t rows);

}  // namespace vitrine
