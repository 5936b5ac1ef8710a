#include "server/selection.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/index/filter.h"
#include "server/query.h"

namespace vitrine {
namespace {

// The limits that search.proto names.
constexpr int kMaxFacets = 16;
constexpr int kMaxFacetValues = 10'000;

}  // namespace

absl::StatusOr<std::shared_ptr<const RowFilter>> SelectRows(
    const Snapshot& snapshot, const v1::Filter* filter, const Call& call) {
  if (filter != nullptr) {
    VITRINE_RETURN_IF_ERROR(CheckFilter(*filter, "filter"));
  }
  return SelectCheckedRows(snapshot, filter, call);
}

std::shared_ptr<const RowFilter> SelectCheckedRows(const Snapshot& snapshot,
                                                   const v1::Filter* filter,
                                                   const Call& call) {
  return snapshot.selector().Select(
      filter, std::chrono::duration_cast<std::chrono::milliseconds>(
                  call.arrived_at.time_since_epoch())
                  .count());
}

bool HasRowOf(const Snapshot& snapshot, const RowFilter* rows,
              std::string_view product_id) {
  for (size_t s = 0; s < snapshot.shards().size(); ++s) {
    const LiveShard& live = snapshot.shards()[s];
    const auto [first, last] = live.shard->RowsOf(product_id);
    for (uint32_t row = first; row < last; ++row) {
      if (rows != nullptr ? rows->rows[s].Get(row) : live.IsLive(row)) {
        return true;
      }
    }
  }
  return false;
}

int FacetValuesOf(const v1::SearchRequest& request) {
  return request.has_facet_values() ? request.facet_values() : 100;
}

absl::Status CheckFacets(const v1::SearchRequest& request) {
  VITRINE_RETURN_IF_ERROR(
      CheckCount("facets", request.facets_size(), 0, kMaxFacets));
  VITRINE_RETURN_IF_ERROR(
      CheckRange("facet_values", FacetValuesOf(request), 1, kMaxFacetValues));
  for (int i = 0; i < request.facets_size(); ++i) {
    const std::string& attribute = request.facets(i);
    const std::string field = absl::StrCat("facets[", i, "]");
    const auto end = request.facets().begin() + i;
    if (std::find(request.facets().begin(), end, attribute) != end) {
      return MakeError(absl::StatusCode::kInvalidArgument,
                       v1::ERROR_REASON_INVALID_PARAMETER,
                       absl::StrCat(field, " is \"", attribute,
                                    "\" again; give each attribute once"),
                       field);
    }
    if (!attribute.empty() && attribute != "product_id") continue;
    return MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
        absl::StrCat(field, " is \"", attribute,
                     "\"; give the name of an attribute, or \"category\""),
        field);
  }
  return absl::OkStatus();
}

void AddFacets(const Snapshot& snapshot, const v1::SearchRequest& request,
               const RowFilter* rows, v1::SearchResponse* response) {
  if (request.facets().empty()) return;
  const std::vector<std::string> attributes(request.facets().begin(),
                                            request.facets().end());
  for (v1::Facet& facet : snapshot.selector().CountFacets(
           attributes, rows, static_cast<size_t>(FacetValuesOf(request)))) {
    *response->add_facets() = std::move(facet);
  }
}

}  // namespace vitrine
