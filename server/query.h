// From a search request to what the index is asked: every field checked, the
// examples made one vector.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/index/search.h"
#include "server/call.h"
#include "server/serving.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

struct Query {
  std::vector<float> vector;  // dim numbers, normalised by blocks.
  SearchParams params;        // Its excluded products point into the request.
  std::shared_ptr<const RowFilter> rows;  // What params.filter is.
  // The content of the pictures that are asked for, 32 bytes each.
  std::vector<std::string> sha256s;
  // Comes first in the answer, as 100 %; empty for none.
  std::string first_product;
};

// A product as an example.
struct ProductVector {
  std::vector<float> vector;         // The mean of its pictures, normalised.
  std::vector<std::string> sha256s;  // Of its pictures, 32 bytes each.
};

struct ProductPicture {
  std::string_view key;       // Of the picture within its product.
  std::vector<float> vector;  // dim numbers, as stored.
};

// The mean of a product's pictures, normalised. NOT_FOUND where there is none.
absl::StatusOr<std::vector<float>> MeanOfPictures(
    const std::vector<Block>& blocks, std::string_view product_id,
    std::string_view field, std::vector<ProductPicture> pictures);

// NOT_FOUND where there is no such product or it has no searchable picture.
absl::StatusOr<ProductVector> VectorOfProduct(const Snapshot& snapshot,
                                              std::string_view product_id,
                                              std::string_view field);

// INVALID_ARGUMENT unless `field` has `min` to `max` entries.
absl::Status CheckCount(std::string_view field, int count, int min, int max);

// The same for exclude_product_ids.
absl::Status CheckExclusions(int count);

// INVALID_ARGUMENT unless min <= value <= max.
absl::Status CheckRange(std::string_view field, double value, double min,
                        double max);

// The limits of `diversity`; INVALID_ARGUMENT where one has no meaning.
absl::StatusOr<std::vector<DiversityLimit>> LimitsOf(
    const google::protobuf::RepeatedPtrField<v1::Diversity>& diversity);

// The same for content_sha256s.
absl::Status CheckContent(
    std::string_view field,
    const google::protobuf::RepeatedPtrField<std::string>& content_sha256s);

// Checks all of a request that can be without an index, and tells what it asks
// of one whose vectors have these blocks and whose metric is `metric`. The
// params' excluded products point into the request; they have no filter.
absl::StatusOr<SearchParams> CheckRequest(const v1::SearchRequest& request,
                                          const std::vector<Block>& blocks,
                                          Metric metric);

// Checks all of the request before any picture is decoded. `request` must
// outlive the query. Adds to `timings`.
absl::StatusOr<Query> BuildQuery(const Serving& serving,
                                 const v1::SearchRequest& request,
                                 const Call& call, v1::Timings* timings);

}  // namespace vitrine
