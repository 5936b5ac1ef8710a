// What a garment is photographed on: paper, planks, tiles, sheets, carpets.
#pragma once

#include <opencv2/core.hpp>

#include "clients/pictures/palette.h"
#include "clients/pictures/random.h"

namespace vitrine {

struct Backdrop {
  cv::Mat pixels;  // 8UC3 as BGR
  bool upright;    // a wall or a studio, so that shadows fall soft and far
};

// `garment` is what must stand out: a backdrop of nearly its colour is made
// lighter or darker. `studio` is the share of plain white and grey, 0 … 1.
Backdrop DrawBackdrop(int width, int height, Rgb garment, double studio,
                      Random& random);

}  // namespace vitrine
