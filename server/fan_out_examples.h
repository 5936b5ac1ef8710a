// What a request over several partitions is about: its examples, made vectors
// once.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/partitions.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// Turns pictures into vectors in any one partition that serves `facts`; another
// one where that fails.
absl::StatusOr<v1::EmbedResponse> FanOutEmbed(const Partitions& partitions,
                                              const v1::EmbedRequest& request,
                                              const Call& call);

// A product of one of the partitions.
struct FoundProduct {
  const Backend* owner = nullptr;
  v1::Product product;
  std::vector<float> vector;         // The mean of its pictures, normalised.
  std::vector<std::string> sha256s;  // Of its pictures, 32 bytes each.
};

// Products by their ids, in that order; `fields` are the paths of the ids in
// the request. NOT_FOUND where no partition has one, UNAVAILABLE where a
// missing one may have it.
absl::StatusOr<std::vector<FoundProduct>> FindProducts(
    const Partitions& partitions, const VectorFacts& facts,
    const std::vector<std::string>& ids, const std::vector<std::string>& fields,
    const Call& call);

// The vector of a picture, and its SHA-256 where it counts as a whole.
struct FoundPicture {
  std::vector<float> vector;
  std::string sha256;
};

// Vectors of pictures of `facts`; `fields` are the pictures' paths in the
// request. Adds to `timings`.
absl::StatusOr<std::vector<FoundPicture>> EmbedExamples(
    const Partitions& partitions, const VectorFacts& facts,
    std::string_view model, const std::vector<const v1::ImageInput*>& pictures,
    const std::vector<std::string>& fields, const Call& call,
    v1::Timings* timings);

}  // namespace vitrine
