// Which rows a request may find, by its filter and by what is offered when it
// comes.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/index/snapshot.h"
#include "server/call.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// `filter` may be null. Null where all live rows are meant; INVALID_ARGUMENT
// where the filter has no meaning.
absl::StatusOr<std::shared_ptr<const RowFilter>> SelectRows(
    const Snapshot& snapshot, const v1::Filter* filter, const Call& call);
// The same of a filter that CheckFilter has passed, or that is made of such.
std::shared_ptr<const RowFilter> SelectCheckedRows(const Snapshot& snapshot,
                                                   const v1::Filter* filter,
                                                   const Call& call);

// The filter of a request, null where it has none.
template <typename Request>
const v1::Filter* FilterOf(const Request& request) {
  return request.has_filter() ? &request.filter() : nullptr;
}

// Whether `rows`, null for every live row, has one of a product.
bool HasRowOf(const Snapshot& snapshot, const RowFilter* rows,
              std::string_view product_id);

// How many values of each facet a request asks for.
int FacetValuesOf(const v1::SearchRequest& request);
// INVALID_ARGUMENT where there are too many facets, or one cannot be counted or
// is named twice, or where facet_values is out of its range.
absl::Status CheckFacets(const v1::SearchRequest& request);
// Adds the facets that are asked for.
void AddFacets(const Snapshot& snapshot, const v1::SearchRequest& request,
               const RowFilter* rows, v1::SearchResponse* response);

}  // namespace vitrine
