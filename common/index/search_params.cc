#include "common/index/search_params.h"

#include <cmath>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vitrine {
namespace {

absl::Status OutOfRange(std::string_view field, double value, double low,
                        double high) {
  const absl::string_view name(field.data(), field.size());
  return MakeError(
      absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
      absl::StrCat(name, " is ", value, ": give ", low, " to ", high), field,
      value < low ? low : high);
}

}  // namespace

absl::Status CheckSearchParams(const Snapshot& snapshot,
                               std::span<const float> query,
                               const SearchParams& params) {
  if (query.size() != static_cast<size_t>(snapshot.dim())) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     v1::ERROR_REASON_WRONG_DIMENSION,
                     absl::StrCat("the query has ", query.size(),
                                  " numbers, but vectors of this index have ",
                                  snapshot.dim()),
                     "", snapshot.dim());
  }
  if (params.k < 1 || params.k > kMaxResults)
    return OutOfRange("k", params.k, 1, kMaxResults);
  if (params.offset < 0 || params.offset > kMaxResults - params.k) {
    return OutOfRange("offset", params.offset, 0, kMaxResults - params.k);
  }
  if (params.ef < 0 || params.ef > kMaxEf)
    return OutOfRange("ef", params.ef, 1, kMaxEf);
  if (!(params.min_recall >= 0 && params.min_recall <= 1))
    return OutOfRange("min_recall", params.min_recall, 0, 1);
  if (!std::isfinite(params.min_score)) {
    return OutOfRange("min_score", params.min_score, 0, 1);
  }
  for (const DiversityLimit& diversity : params.diversity) {
    if (diversity.limit < 1)
      return OutOfRange("diversity.limit", diversity.limit, 1, kMaxResults);
  }
  if (params.emphasis.empty()) return absl::OkStatus();
  if (params.emphasis.size() != snapshot.blocks().size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are ", params.emphasis.size(), " emphases for ",
                     snapshot.blocks().size(), " blocks"));
  }
  double total = 0;
  for (size_t b = 0; b < params.emphasis.size(); ++b) {
    const float emphasis = params.emphasis[b];
    if (!(emphasis >= 0 && emphasis <= 1e6f))
      return OutOfRange("emphasis", emphasis, 0, 1e6);
    total += static_cast<double>(emphasis) * snapshot.blocks()[b].weight;
  }
  if (total <= 0) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
        "every block's emphasis is 0: give at least one a positive one",
        "emphasis", 0);
  }
  return absl::OkStatus();
}

}  // namespace vitrine
