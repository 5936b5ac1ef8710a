// Answers GetProduct, GetImage, ListProducts and DescribeIndex.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/serving.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

absl::StatusOr<v1::GetProductResponse> HandleGetProduct(
    const Serving& serving, const v1::GetProductRequest& request);

absl::StatusOr<v1::GetImageResponse> HandleGetImage(
    const Serving& serving, const v1::GetImageRequest& request);

// The products after `after` that are among `records`, or where that is null
// all, as many as fit one message; none after the last.
absl::StatusOr<v1::ListProductsResponse> NextProducts(const Snapshot& snapshot,
                                                      std::string_view after,
                                                      const RecordSet* records,
                                                      bool vectors);

// `degraded` says why an older generation is served, if it is.
v1::DescribeIndexResponse HandleDescribeIndex(const Serving& serving,
                                              const std::string& degraded,
                                              const std::string& version);

}  // namespace vitrine
