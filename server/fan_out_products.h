// Answers GetProduct, GetImage, ListProducts and DescribeIndex from several
// partitions.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/boosts.h"
#include "server/partitions.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// NOT_FOUND where no partition has the product, UNAVAILABLE where one that
// cannot be asked may have it.
absl::StatusOr<v1::GetProductResponse> FanOutGetProduct(
    const Partitions& partitions, const v1::GetProductRequest& request,
    const Call& call);
absl::StatusOr<v1::GetImageResponse> FanOutGetImage(
    const Partitions& partitions, const v1::GetImageRequest& request,
    const Call& call);

// All products in the order of their ids. UNAVAILABLE where a partition cannot
// be asked: a list with holes would be taken for a whole one.
std::unique_ptr<ProductStream> FanOutList(
    const Partitions& partitions, const v1::ListProductsRequest& request,
    const Call& call);

// Sums, and what is to be told of each partition. UNAVAILABLE where none can be
// asked.
absl::StatusOr<v1::DescribeIndexResponse> FanOutDescribe(
    const Partitions& partitions, const std::string& version, const Call& call);

// What CheckAttributes says of the attributes of all partitions; OK where one
// cannot be asked, which may have those that no other has.
absl::Status FanOutCheckAttributes(const Partitions& partitions,
                                   const BoostList& boosts,
                                   const DiversityList& diversity,
                                   const Call& call);

}  // namespace vitrine
