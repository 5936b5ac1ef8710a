// The one field of EXIF that we need: how the picture is to be turned.
#pragma once

#include <string_view>

#include "common/image/image.h"

namespace vitrine {

// The orientation in an EXIF block (a TIFF header and its first directory, with
// or without "Exif\0\0" before it); 1, upright, where there is none or the
// block is damaged.
int ExifOrientation(std::string_view block);

// Turns and mirrors a picture as its orientation, 1 to 8, says.
Image ApplyOrientation(Image image, int orientation);

}  // namespace vitrine
