// Answers as benchmarks compare them.
#pragma once

#include <string>
#include <vector>

#include "common/index/search.h"

namespace vitrine {

// The products of an answer's hits, best first.
inline std::vector<std::string> ProductIdsOf(const SearchResult& result) {
  std::vector<std::string> ids;
  for (const SearchHit& hit : result.hits) {
    ids.emplace_back(hit.key().product_id);
  }
  return ids;
}

}  // namespace vitrine
