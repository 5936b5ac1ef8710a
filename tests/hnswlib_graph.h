// Graphs as hnswlib builds and walks them, of the same codes and in the same
// order: what ours must equal.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/index/graph.h"

namespace vitrine {

// On one thread, whatever `params` say.
Graph BuildWithHnswlib(const CodedRows& rows, const GraphParams& params);

// The k nearest rows to each of n × dim queries, nearest first, by a walk
// through that graph.
std::vector<std::vector<uint32_t>> SearchWithHnswlib(
    const CodedRows& rows, const GraphParams& params,
    std::span<const float> queries, int k, int ef);

}  // namespace vitrine
