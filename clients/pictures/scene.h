// The camera: poses what is on a board, lights it before a backdrop and takes
// the picture.
#pragma once

#include <opencv2/core.hpp>

#include "clients/pictures/board.h"
#include "clients/pictures/random.h"

namespace vitrine {

inline constexpr int kPictureWidth = 360;
inline constexpr int kPictureHeight = 480;

struct Shot {
  Rgb garment;           // its main colour, which the backdrop avoids
  double studio = 0.55;  // how often the backdrop is plain white or grey
  double max_turn = 9;   // degrees
  bool may_flip = false;
  double fill_low = 0.74;  // how much of the frame it fills
  double fill_high = 0.92;
};

struct Picture {
  cv::Mat pixels;    // kPictureHeight × kPictureWidth, 8UC3 as BGR
  cv::Mat coverage;  // likewise, 8UC1: where the garment is
};

Picture Photograph(const Board& board, const Shot& shot, Random& random);

}  // namespace vitrine
