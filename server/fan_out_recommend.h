// Answers Recommend from several partitions: as one index of all their products
// would.
#pragma once

#include "absl/status/statusor.h"
#include "server/partitions.h"
#include "server/slots.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// `slots` is to be the table of the partitions' servers.
absl::StatusOr<v1::RecommendResponse> FanOutRecommend(
    const Partitions& partitions, const SlotTable& slots,
    const v1::RecommendRequest& request, const Call& call);

}  // namespace vitrine
