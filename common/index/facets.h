// Counts of products by the values of an attribute.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/index/live_shard.h"
#include "common/index/product_rows.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// A facet for each of `attributes`, of the products that have a row in `rows`,
// or where that is null a live one. At most `max_values` values a facet.
// Thread-safe.
std::vector<v1::Facet> CountFacets(const ProductRows& joined,
                                   const std::vector<LiveShard>& shards,
                                   const RowFilter* rows,
                                   const std::vector<std::string>& attributes,
                                   size_t max_values);

}  // namespace vitrine
