// The board that a garment is drawn on, flat and unlit: its colours, how deep
// its parts lie in each other's shade, and its relief, from which a camera
// (scene.h) makes a picture. Sizes are in units of a 360 × 480 board; see
// outline.h.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "clients/pictures/cloth.h"
#include "clients/pictures/outline.h"

namespace vitrine {

// How a piece of cloth lies.
struct Lie {
  double puff = 1;         // how far the middle rises above the edges
  double puff_radius = 9;  // over what width it rises
  double thickness = 0.12;
  bool follows = false;  // the relief of what it lies on, as a pocket does
  double edge = 0.28;    // how dark the edges are
  double edge_radius = 5;
  double shadow = 0.3;  // how dark it makes what lies beneath, around it
  double tone = 1;      // 0 … 1: pieces inside or behind are darker
  double turn = 0;      // of the cloth's threads, degrees clockwise
  Point shift{};        // of the cloth's pattern
};

// Not thread-safe. Reset makes it as new without giving memory back.
class Board {
 public:
  static constexpr int kWidth = 360;
  static constexpr int kHeight = 480;
  static constexpr int kScale = 2;   // pixels of colour() a unit
  static constexpr int kRelief = 2;  // units a pixel of relief()

  Board();
  void Reset();

  // Where the origin of what follows lies, and how large a unit of it is.
  void Place(Point origin, double size = 1) {
    origin_ = origin;
    size_ = size;
  }

  // Lays a piece over what is there.
  void Piece(const Outline& outline, const Cloth& cloth, const Lie& lie = {});

  // What follows is drawn on the last piece only, or, after OnAll, on all that
  // is there.
  void OnAll() { on_all_ = true; }
  void Line(const Outline& open, Rgb colour, double width, double opacity = 1);
  void Stitches(const Outline& open, Rgb colour, double width = 0.9,
                double dash = 3, double gap = 2);
  // A seam: a thin shade and a groove.
  void Seam(const Outline& open, double strength = 1);
  // A flat patch of colour, for prints and badges.
  void Patch(const Outline& outline, Rgb colour, double opacity = 1);
  // A soft light or dark spot: wear, hollows. `amount` is -1 … 1.
  void Tint(const Outline& outline, Rgb colour, double amount, double blur);
  // A fold along a curve, tapering at both ends: a ridge where `depth` > 0.
  void Crease(const Outline& open, double width, double depth);
  // Letters, the middle of the line at `centre`; ASCII.
  void Letters(const std::string& text, Point centre, double height,
               double weight, Rgb colour);
  // A button: a disc with a rim and holes; and a metal disc.
  void Button(Point centre, double r, Rgb colour);
  void Stud(Point centre, double r, Rgb colour);
  // A zip from the first point to the last: tape, teeth, and a slider.
  void Zip(const Outline& open, Rgb metal, Rgb tape, double width = 4);

  // Lays everything down carelessly: `depth` 0 … 1 of small wrinkles, which
  // differ by `where`.
  void Crumple(double depth, Point where) {
    crumple_ = depth;
    crumple_at_ = where;
  }
  // How shiny everything is, 0 … 1.
  void SetGloss(double gloss) { gloss_ = gloss; }
  double gloss() const { return gloss_; }

  // 720 × 960: colour 8UC3 as BGR, multiplied by its coverage, 8UC1; and 8UC1
  // of 360 × 480, 255 = not shaded.
  const cv::Mat& colour() const { return colour_; }
  const cv::Mat& coverage() const { return coverage_; }
  const cv::Mat& shade() const { return shade_; }
  // 180 × 240, 32FC1: heights, folds included.
  cv::Mat Relief() const;
  // The box of all pieces, in units.
  const cv::Rect2d& bounds() const { return bounds_; }

 private:
  cv::Rect DrawMask(const Outline& outline, cv::Mat& mask, double scale);
  void Blend(const cv::Mat& mask, const cv::Rect& box, Rgb colour,
             double opacity);

  cv::Mat colour_, coverage_, shade_;
  cv::Mat height_, narrow_, broad_;
  cv::Mat clip_, scratch_, half_scratch_, relief_scratch_;
  cv::Rect clip_box_;
  cv::Rect2d bounds_;
  Point origin_;
  double size_ = 1;
  double gloss_ = 0.1;
  double crumple_ = 0;
  Point crumple_at_;
  bool on_all_ = false;
};

}  // namespace vitrine
