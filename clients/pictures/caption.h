// The words on a contact sheet.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <string_view>

namespace vitrine {

// UTF-8 in the letters that the sheet's font has: accents are dropped ("é" →
// "e", "ß" → "ss"), typographic marks become plain ones, control characters
// spaces, and each other character one "?".
std::string ToAscii(std::string_view utf8);

struct Type {
  double height = 12;   // of a capital, in pixels
  double weight = 1.2;  // of a stroke, in pixels
  cv::Scalar colour{34, 34, 34};
};

// How wide DrawCaption would be. `text` is ASCII here and below.
int CaptionWidth(const std::string& text, const Type& type);
// `text` with its end or its middle replaced by "..." so that it fits.
std::string ElideEnd(const std::string& text, int width, const Type& type);
std::string ElideMiddle(const std::string& text, int width, const Type& type);

// Draws a line with its left end at `at.x` and its baseline at `at.y`.
void DrawCaption(const std::string& text, cv::Point at, const Type& type,
                 cv::Mat& page);

}  // namespace vitrine
