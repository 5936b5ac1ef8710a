// From the pictures of a request to their vectors.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/call.h"
#include "server/serving.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

struct PictureInput {
  const v1::ImageInput* image = nullptr;
  std::string field;  // Its path in the request, for errors.
};

struct PictureVector {
  std::vector<float> vector;  // dim numbers, normalised by blocks.
  std::string sha256;         // 32 bytes; empty where only a region counts.
};

// Decodes and embeds pictures; an answer each, in their order. One is decoded
// while the model runs others. Adds to `timings`.
std::vector<absl::StatusOr<PictureVector>> EmbedPictures(
    const Serving& serving, const std::vector<PictureInput>& pictures,
    const Call& call, v1::Timings* timings);

}  // namespace vitrine
