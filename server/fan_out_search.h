// Answers Search from several partitions: as one index of all their rows would.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/partitions.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// Fills an empty response, which after an error is not to be read. Thread-safe.
absl::Status FanOutSearch(const Partitions& partitions,
                          const v1::SearchRequest& request, const Call& call,
                          v1::SearchResponse* response);

// The same for a vector that is known to be one of `facts`. `request` has no
// example, and its k is what is wanted of all partitions together. Where
// `first` is not null, the product of `first_product` comes from there, and
// first.
absl::Status SearchPartitions(
    const Partitions& partitions, const VectorFacts& facts,
    const std::vector<float>& vector, const v1::SearchRequest& request,
    const Backend* first, const std::string& first_product, const Call& call,
    Shortfall* shortfall, v1::SearchResponse* response);

// INVALID_ARGUMENT where a request names a generation: each partition has its
// own.
absl::Status CheckNoGeneration(uint64_t min_generation, size_t partitions);

}  // namespace vitrine
