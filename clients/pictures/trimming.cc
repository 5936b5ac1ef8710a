// Buttons, zips and letters.
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "clients/pictures/board.h"

namespace vitrine {

void Board::Button(Point centre, double r, Rgb colour) {
  Patch(Ellipse(centre + Point(0.5, 0.9), r * 1.15, r * 1.15), {0, 0, 0}, 0.35);
  Patch(Ellipse(centre, r, r), Scale(colour, 0.72));
  Patch(Ellipse(centre + Point(-0.2, -0.3), r * 0.82, r * 0.82), colour);
  Patch(Ellipse(centre, r * 0.55, r * 0.55), Scale(colour, 0.86));
  for (const double x : {-0.2, 0.2}) {
    for (const double y : {-0.2, 0.2}) {
      Patch(Ellipse(centre + Point(x, y) * r, r * 0.11, r * 0.11),
            Scale(colour, 0.35));
    }
  }
}

void Board::Stud(Point centre, double r, Rgb colour) {
  Patch(Ellipse(centre + Point(0.5, 0.8), r * 1.1, r * 1.1), {0, 0, 0}, 0.4);
  Patch(Ellipse(centre, r, r), Scale(colour, 0.7));
  Patch(Ellipse(centre, r * 0.8, r * 0.8), colour);
  Patch(Ellipse(centre + Point(-0.3, -0.3) * r, r * 0.35, r * 0.35),
        Mix(colour, {255, 255, 255}, 0.7));
}

void Board::Zip(const Outline& open, Rgb metal, Rgb tape, double width) {
  if (open.size() < 2) return;
  Line(open, tape, width, 1);
  Line(open, Scale(metal, 0.55), width * 0.5, 1);
  Stitches(open, metal, width * 0.5, 1.1, 1.1);
  const Point end = open.front(), way = Unit(open[1] - open[0]);
  Outline slider =
      Closed({Corner(end - Normal(way) * width * 0.5),
              Corner(end + Normal(way) * width * 0.5),
              Corner(end + Normal(way) * width * 0.35 + way * 6.0),
              Corner(end - Normal(way) * width * 0.35 + way * 6.0)});
  Patch(Shifted(slider, {0.6, 0.8}), {0, 0, 0}, 0.4);
  Patch(slider, metal);
  Line({end + way * 5.0, end + way * 13.0}, Scale(metal, 0.8), width * 0.4);
}

void Board::Letters(const std::string& text, Point centre, double height,
                    double weight, Rgb colour) {
  // Hershey's plain capitals are 21 pixels high at scale 1.
  const double scale = height * size_ * kScale / 21;
  const int thickness = std::max(1, cvRound(weight * size_ * kScale));
  centre = origin_ + centre * size_;
  int base = 0;
  const cv::Size size =
      cv::getTextSize(text, cv::FONT_HERSHEY_DUPLEX, scale, thickness, &base);
  const cv::Point at(
      cvRound((centre.x + kWidth / 2) * kScale - size.width / 2.0),
      cvRound(centre.y * kScale + size.height / 2.0));
  const cv::Rect box =
      cv::Rect(at.x - thickness, at.y - size.height - thickness,
               size.width + 2 * thickness, size.height + base + 2 * thickness) &
      cv::Rect(0, 0, scratch_.cols, scratch_.rows);
  if (box.empty()) return;
  cv::putText(scratch_, text, at, cv::FONT_HERSHEY_DUPLEX, scale, 255,
              thickness, cv::LINE_AA);
  Blend(scratch_, box, colour, 0.95);
  // Letters may overhang the box that getTextSize gave.
  scratch_.setTo(0);
}

}  // namespace vitrine
