#include "clients/pictures/board.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

namespace vitrine {
namespace {

constexpr int kShift = 4;

// More points along a curve, no farther apart than `step`.
Outline Denser(const Outline& open, double step) {
  Outline out;
  for (size_t i = 0; i + 1 < open.size(); ++i) {
    const int n =
        std::max(1, static_cast<int>(Length(open[i + 1] - open[i]) / step));
    for (int k = 0; k < n; ++k) {
      out.push_back(Lerp(open[i], open[i + 1], static_cast<double>(k) / n));
    }
  }
  if (!open.empty()) out.push_back(open.back());
  return out;
}

cv::Rect Grown(const cv::Rect& box, int by, const cv::Mat& within) {
  return cv::Rect(box.x - by, box.y - by, box.width + 2 * by,
                  box.height + 2 * by) &
         cv::Rect(0, 0, within.cols, within.rows);
}

uint8_t Over(uint8_t below, int above, int alpha) {
  return static_cast<uint8_t>(below + ((above - below) * alpha + 127) / 255);
}

// Blends a cloth into `colour` where `mask` says, turned and shifted.
void LayCloth(const Cloth& cloth, const Lie& lie, const cv::Rect& box,
              const cv::Mat& mask, cv::Mat& colour, cv::Mat& coverage) {
  constexpr int kFraction = 12, kWrap = kTile - 1;
  const double angle = lie.turn * std::numbers::pi / 180;
  const int du = cvRound(std::cos(angle) * (1 << kFraction));
  const int dv = cvRound(-std::sin(angle) * (1 << kFraction));
  const int u0 = cvRound(lie.shift.x * Board::kScale * (1 << kFraction));
  const int v0 = cvRound(lie.shift.y * Board::kScale * (1 << kFraction));
  const bool solid = cloth.pattern.empty();
  const uint8_t* weave = cloth.weave;
  const int flat[3] = {cloth.colour.b, cloth.colour.g, cloth.colour.r};
  const auto* pattern = solid ? nullptr : cloth.pattern.ptr<cv::Vec4b>();
  for (int y = box.y; y < box.y + box.height; ++y) {
    const uint8_t* m = mask.ptr(y);
    auto* out = colour.ptr<cv::Vec3b>(y);
    uint8_t* cover = coverage.ptr(y);
    for (int x = box.x; x < box.x + box.width; ++x) {
      if (m[x] == 0) continue;
      const int u = (u0 + x * du - y * dv) >> kFraction & kWrap;
      const int v = (v0 + x * dv + y * du) >> kFraction & kWrap;
      const int at = v * kTile + u, w = weave[at];
      for (int c = 0; c < 3; ++c) {
        const int tint = solid ? flat[c] : pattern[at][c];
        out[x][c] = Over(out[x][c], std::min(255, tint * w >> 7), m[x]);
      }
      cover[x] = std::max(cover[x], m[x]);
    }
  }
}

}  // namespace

Board::Board()
    : colour_(kHeight * kScale, kWidth * kScale, CV_8UC3),
      coverage_(colour_.size(), CV_8UC1),
      shade_(kHeight, kWidth, CV_8UC1),
      height_(kHeight / kRelief, kWidth / kRelief, CV_32FC1),
      narrow_(height_.size(), CV_32FC1),
      broad_(height_.size(), CV_32FC1),
      clip_(colour_.size(), CV_8UC1, cv::Scalar(0)),
      scratch_(colour_.size(), CV_8UC1, cv::Scalar(0)),
      half_scratch_(shade_.size(), CV_8UC1, cv::Scalar(0)),
      relief_scratch_(height_.size(), CV_8UC1, cv::Scalar(0)) {
  Reset();
}

void Board::Reset() {
  colour_.setTo(0);
  coverage_.setTo(0);
  shade_.setTo(255);
  height_.setTo(0);
  narrow_.setTo(0);
  broad_.setTo(0);
  clip_.setTo(0);
  clip_box_ = {};
  bounds_ = {};
  Place({0, 0});
  gloss_ = 0.1;
  crumple_ = 0;
  on_all_ = false;
}

// Fills the outline into `mask`, which has `scale` pixels a unit and is 0
// within; returns the box that may now be set.
cv::Rect Board::DrawMask(const Outline& outline, cv::Mat& mask, double scale) {
  if (outline.empty()) return {};
  std::vector<cv::Point> points;
  points.reserve(outline.size());
  for (const Point& p : outline) {
    const Point at = origin_ + p * size_;
    points.emplace_back(cvRound((at.x + kWidth / 2) * scale * (1 << kShift)),
                        cvRound(at.y * scale * (1 << kShift)));
  }
  cv::Rect box = cv::boundingRect(points);
  box = {box.x >> kShift, box.y >> kShift, (box.width >> kShift) + 2,
         (box.height >> kShift) + 2};
  box = Grown(box, 3, mask);
  if (box.empty()) return {};
  cv::fillPoly(mask, std::vector<std::vector<cv::Point>>{points}, 255,
               cv::LINE_AA, kShift);
  return box;
}

void Board::Piece(const Outline& outline, const Cloth& cloth, const Lie& lie) {
  clip_(clip_box_).setTo(0);
  clip_box_ = DrawMask(outline, clip_, kScale);
  on_all_ = false;
  if (clip_box_.empty()) return;
  LayCloth(cloth, lie, clip_box_, clip_, colour_, coverage_);
  const cv::Rect2d box(clip_box_.x / 2.0 - kWidth / 2, clip_box_.y / 2.0,
                       clip_box_.width / 2.0, clip_box_.height / 2.0);
  bounds_ = bounds_.empty() ? box : bounds_ | box;

  // Shade: it darkens what lies around and beneath, and its own edges.
  {
    const int r = std::max(1, static_cast<int>(lie.edge_radius));
    const cv::Rect drawn = DrawMask(outline, half_scratch_, 1);
    const cv::Rect wide = Grown(drawn, 2 * r + 4, half_scratch_);
    cv::Mat soft;
    cv::blur(half_scratch_(wide), soft, {2 * r + 1, 2 * r + 1});
    cv::blur(soft, soft, {2 * (r / 2) + 1, 2 * (r / 2) + 1});
    const int tone = cvRound(255 * lie.tone), edge = cvRound(512 * lie.edge),
              shadow = cvRound(256 * lie.shadow);
    constexpr int kDrop = 2;
    for (int y = 0; y < wide.height; ++y) {
      const uint8_t* m = half_scratch_.ptr(wide.y + y) + wide.x;
      const uint8_t* s = soft.ptr(y);
      const uint8_t* cast = soft.ptr(std::max(0, y - kDrop));
      uint8_t* out = shade_.ptr(wide.y + y) + wide.x;
      for (int x = 0; x < wide.width; ++x) {
        const int below = out[x] * (256 * 255 - shadow * cast[x]) / (256 * 255);
        const int own = tone * (256 * 255 - edge * (255 - s[x])) / (256 * 255);
        out[x] = Over(static_cast<uint8_t>(below), std::max(0, own), m[x]);
      }
    }
    half_scratch_(drawn).setTo(0);
  }

  // Relief: a cushion, and no folds yet.
  {
    const int r = std::max(1, static_cast<int>(lie.puff_radius / kRelief));
    const cv::Rect drawn = DrawMask(outline, relief_scratch_, 1.0 / kRelief);
    const cv::Rect wide = Grown(drawn, 2, relief_scratch_);
    cv::Mat soft;
    cv::blur(relief_scratch_(wide), soft, {2 * r + 1, 2 * r + 1}, {-1, -1},
             cv::BORDER_CONSTANT | cv::BORDER_ISOLATED);
    cv::blur(soft, soft, {r | 1, r | 1}, {-1, -1},
             cv::BORDER_CONSTANT | cv::BORDER_ISOLATED);
    for (int y = 0; y < wide.height; ++y) {
      const uint8_t* m = relief_scratch_.ptr(wide.y + y) + wide.x;
      const uint8_t* s = soft.ptr(y);
      float* h = height_.ptr<float>(wide.y + y) + wide.x;
      float* n = narrow_.ptr<float>(wide.y + y) + wide.x;
      float* b = broad_.ptr<float>(wide.y + y) + wide.x;
      for (int x = 0; x < wide.width; ++x) {
        if (m[x] == 0) continue;
        const float alpha = m[x] / 255.0f;
        const float own =
            static_cast<float>(lie.thickness + lie.puff * 0.0065 * r * s[x]);
        h[x] = lie.follows ? h[x] + alpha * own : h[x] + alpha * (own - h[x]);
        n[x] *= 1 - alpha;
        b[x] *= 1 - alpha;
      }
    }
    relief_scratch_(drawn).setTo(0);
  }
}

void Board::Blend(const cv::Mat& mask, const cv::Rect& box, Rgb colour,
                  double opacity) {
  const cv::Mat& clip = on_all_ ? coverage_ : clip_;
  const int rgb[3] = {colour.b, colour.g, colour.r};
  const int strength = cvRound(256 * opacity);
  for (int y = box.y; y < box.y + box.height; ++y) {
    const uint8_t* m = mask.ptr(y);
    const uint8_t* c = clip.ptr(y);
    auto* out = colour_.ptr<cv::Vec3b>(y);
    for (int x = box.x; x < box.x + box.width; ++x) {
      const int alpha = std::min(m[x], c[x]) * strength >> 8;
      if (alpha == 0) continue;
      for (int k = 0; k < 3; ++k) out[x][k] = Over(out[x][k], rgb[k], alpha);
    }
  }
}

void Board::Patch(const Outline& outline, Rgb colour, double opacity) {
  const cv::Rect box = DrawMask(outline, scratch_, kScale);
  Blend(scratch_, box, colour, opacity);
  scratch_(box).setTo(0);
}

void Board::Line(const Outline& open, Rgb colour, double width,
                 double opacity) {
  Patch(Strip(open, width), colour, opacity);
}

void Board::Stitches(const Outline& open, Rgb colour, double width, double dash,
                     double gap) {
  const Outline dense = Denser(open, 0.5);
  double walked = 0;
  Outline stitch;
  for (size_t i = 0; i < dense.size(); ++i) {
    if (i > 0) walked += Length(dense[i] - dense[i - 1]);
    if (std::fmod(walked, dash + gap) < dash) {
      stitch.push_back(dense[i]);
    } else if (!stitch.empty()) {
      Line(stitch, colour, width, 0.9);
      stitch.clear();
    }
  }
  Line(stitch, colour, width, 0.9);
}

void Board::Seam(const Outline& open, double strength) {
  Line(open, {0, 0, 0}, 1.1, 0.28 * strength);
  Line(Shifted(open, {0.9, 0.9}), {255, 255, 255}, 0.8, 0.10 * strength);
  Crease(open, 3, -0.25 * strength);
}

void Board::Tint(const Outline& outline, Rgb colour, double amount,
                 double blur) {
  const cv::Rect drawn = DrawMask(outline, half_scratch_, 1);
  const int r = std::max(1, static_cast<int>(blur));
  const cv::Rect wide = Grown(drawn, 2 * r, half_scratch_);
  if (wide.empty()) return;
  cv::Mat soft, full;
  cv::blur(half_scratch_(wide), soft, {2 * r + 1, 2 * r + 1});
  cv::blur(soft, soft, {2 * r + 1, 2 * r + 1});
  cv::resize(soft, full, wide.size() * kScale, 0, 0, cv::INTER_LINEAR_EXACT);
  half_scratch_(drawn).setTo(0);
  const cv::Rect box(wide.tl() * kScale, wide.size() * kScale);
  full.copyTo(scratch_(box));
  Blend(scratch_, box, colour, amount);
  scratch_(box).setTo(0);
}

void Board::Crease(const Outline& open, double width, double depth) {
  const Outline shape = Strip(Denser(open, 3), std::max(width, 2.5), true);
  const cv::Rect box = DrawMask(shape, relief_scratch_, 1.0 / kRelief);
  if (box.empty()) return;
  cv::Mat& folds = width > 7 ? broad_ : narrow_;
  const float step = static_cast<float>(depth / 255);
  for (int y = box.y; y < box.y + box.height; ++y) {
    const uint8_t* m = relief_scratch_.ptr(y);
    // Only where the last piece is.
    const uint8_t* c = (on_all_ ? coverage_ : clip_).ptr(y * kRelief * kScale);
    float* f = folds.ptr<float>(y);
    for (int x = box.x; x < box.x + box.width; ++x) {
      if (c[x * kRelief * kScale] != 0) f[x] += step * m[x];
    }
  }
  relief_scratch_(box).setTo(0);
}

cv::Mat Board::Relief() const {
  cv::Mat narrow, broad;
  cv::GaussianBlur(narrow_, narrow, {5, 5}, 1.0);
  cv::GaussianBlur(broad_, broad, {0, 0}, 2.6);
  cv::Mat relief = height_ + narrow + broad;
  if (crumple_ > 0) {
    // Ridges where smooth noise passes its middle, as cloth that was folded and
    // shaken out keeps them.
    const uint8_t* cloud = CloudTile();
    const int x0 = cvRound(crumple_at_.x), y0 = cvRound(crumple_at_.y);
    const auto depth = static_cast<float>(crumple_ / 60);
    for (int y = 0; y < relief.rows; ++y) {
      float* h = relief.ptr<float>(y);
      for (int x = 0; x < relief.cols; ++x) {
        const int u = (x * 2 + y + x0) & (kTile - 1);
        const int v = (y * 2 - x / 2 + y0) & (kTile - 1);
        h[x] -=
            depth * static_cast<float>(std::abs(cloud[v * kTile + u] - 128));
      }
    }
  }
  cv::blur(relief, relief, {3, 3});
  return relief;
}

}  // namespace vitrine
