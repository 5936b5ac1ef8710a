// Queries that ask for what an index holds.
#pragma once

#include <cstddef>
#include <vector>

#include "common/index/snapshot.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// The same queries for the library and for the server.
struct StoredQueries {
  std::vector<std::vector<float>> vectors;
  std::vector<v1::SearchRequest> requests;
};

// The vectors of up to `n` live rows, spread evenly over the index.
StoredQueries QueriesOf(const Snapshot& snapshot, size_t n);

}  // namespace vitrine
