#include <cmath>
#include <string>
#include <vector>

#include "benchmarks/report.h"
#include "common/base/status.h"
#include "common/image/image.h"

namespace vitrine {
namespace {

// A telephone's photo of 12 megapixels: soft shapes, and grain in every pixel.
Image LargePhoto() {
  Image image{3000, 4000, {}};
  image.rgb.reserve(size_t(image.width) * image.height * 3);
  uint32_t grain = 1;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      grain = grain * 1664525 + 1013904223;
      double light = 120 + 60 * std::sin(x / 170.0) * std::cos(y / 230.0) +
                     double(grain >> 28);
      for (double tint : {1.0, 0.8, 0.6}) {
        image.rgb.push_back(uint8_t(light * tint));
      }
    }
  }
  return image;
}

}  // namespace

absl::Status RunDecodeRows(const BenchOptions& options, Report* report) {
  const Image photo = LargePhoto();
  VITRINE_ASSIGN_OR_RETURN(std::string bytes,
                           EncodeThumbnail(photo, photo.height));
  absl::Status status;
  auto decode = [&](int min_side) {
    return TimeSeconds(
        [&] { status.Update(DecodeImage(bytes, {}, min_side).status()); });
  };
  std::vector<double> full, reduced;
  for (int i = -1; i < options.repetitions; ++i) {
    const double full_seconds = decode(0);
    const double reduced_seconds = decode(DecodeMinSide(256));
    if (i < 0) continue;
    full.push_back(full_seconds);
    reduced.push_back(reduced_seconds);
  }
  VITRINE_RETURN_IF_ERROR(status);
  report->Add({.name = "decode_reduced",
               .value = 1 / Median(reduced),
               .unit = "pictures/s",
               .against = "decoding in full",
               .ratio = Median(full) / Median(reduced)});
  return absl::OkStatus();
}

}  // namespace vitrine
