// Which products a v1::Filter is about.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/index/bitmap.h"
#include "common/index/product_columns.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// The limits that search.proto names.
inline constexpr int kMaxFilterDepth = 8;
inline constexpr int kMaxFilterConditions = 256;
inline constexpr int kMaxFilterValues = 10'000;

// INVALID_ARGUMENT where the filter has no meaning or is too large. `field` is
// its path in the request.
absl::Status CheckFilter(const v1::Filter& filter, std::string_view field);

// The records of `segment` that are products and match. The filter is one that
// CheckFilter has passed. Thread-safe.
Bitmap MatchingRecords(const ProductSegment& segment, const v1::Filter& filter);

// A number as facets tell it and sets take it: in the fewest decimals that read
// back as the same, whole numbers in full.
std::string NumberText(double number);

}  // namespace vitrine
