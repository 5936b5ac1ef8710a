// Pictures: probed and decoded with small limits, at full size and smaller.
#include <string_view>

#include "common/image/image.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vitrine;  // NOLINT(google-build-using-namespace)
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ImageLimits limits = {.max_bytes = 1 << 16, .max_pixels = 1 << 16};
  const auto info = ProbeImage(bytes, limits);
  for (const int min_side : {0, 16}) {
    const auto image = DecodeImage(bytes, limits, min_side);
    if (!image.ok()) continue;
    Require(info.ok());
    Require(image->width > 0 && image->height > 0);
    Require(image->rgb.size() == size_t{3} * static_cast<size_t>(image->width) *
                                     static_cast<size_t>(image->height));
    if (min_side == 0) {
      Require(image->width == info->width && image->height == info->height);
    }
    Require(SquareImage(*image, ResizeMode::kLetterbox, 8).size() == 192);
  }
  return 0;
}
