// Answers Recommend: similar products of the same category, and pieces of other
// slots to wear with the one that is asked for.
#pragma once

#include "absl/status/statusor.h"
#include "server/call.h"
#include "server/serving.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

absl::StatusOr<v1::RecommendResponse> HandleRecommend(
    const Serving& serving, const v1::RecommendRequest& request,
    const Call& call);

}  // namespace vitrine
