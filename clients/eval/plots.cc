#include "clients/eval/plots.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "absl/strings/str_format.h"
#include "clients/pictures/caption.h"

namespace vitrine::eval {
namespace {

// Colours are blue, green, red. The series are Okabe and Ito's, which people
// with any kind of colour blindness tell apart.
const cv::Scalar kInk(38, 34, 32), kGrey(120, 112, 107), kRule(232, 228, 226);
const cv::Scalar kSeries[] = {{178, 114, 0},   {0, 159, 230}, {115, 158, 0},
                              {167, 121, 204}, {0, 94, 213},  {233, 180, 86}};

const Type kTitle{.height = 14, .weight = 1.7, .colour = kInk};
const Type kText{.height = 10, .weight = 1.2, .colour = kInk};
const Type kFaint{.height = 9, .weight = 1.1, .colour = kGrey};
const Type kSmall{.height = 8, .weight = 1.05, .colour = kInk};

cv::Mat NewPage(int width, int height) {
  return {height, width, CV_8UC3, cv::Scalar::all(255)};
}

absl::StatusOr<std::string> Png(const cv::Mat& page) {
  std::vector<uint8_t> png;
  if (!cv::imencode(".png", page, png)) {
    return absl::InternalError("cannot encode a plot as PNG");
  }
  return std::string(png.begin(), png.end());
}

void Centred(const std::string& text, int x, int y, const Type& type,
             cv::Mat& page) {
  DrawCaption(text, {x - CaptionWidth(text, type) / 2, y}, type, page);
}

void RightOf(const std::string& text, int x, int y, const Type& type,
             cv::Mat& page) {
  DrawCaption(text, {x - CaptionWidth(text, type), y}, type, page);
}

// Upwards, with its end or its middle at `at`: for names of columns and axes.
void Upwards(const std::string& text, cv::Point at, bool centred,
             const Type& type, cv::Mat& page) {
  const int width = CaptionWidth(text, type) + 8;
  const int height = static_cast<int>(type.height * 2.4);
  cv::Mat flat = NewPage(width, height);
  DrawCaption(text, {4, static_cast<int>(type.height * 1.7)}, type, flat);
  cv::Mat turned;
  cv::rotate(flat, turned, cv::ROTATE_90_COUNTERCLOCKWISE);
  const cv::Rect to =
      cv::Rect(at.x - height / 2, at.y - (centred ? width / 2 : width), height,
               width) &
      cv::Rect(0, 0, page.cols, page.rows);
  turned(cv::Rect(0, 0, to.width, to.height)).copyTo(page(to));
}

// A vertical axis from 0 to `top` in a box, with a rule at each tenth or fifth.
struct Axis {
  cv::Rect box;
  double top = 1;

  int Y(double value) const {
    return box.y + box.height - cvRound(value / top * box.height);
  }
};

// The highest tick that all values are below.
double TopOf(double highest) {
  return std::clamp(std::ceil(highest * 10 + 0.2) / 10, 0.1, 1.0);
}

void DrawAxis(const Axis& axis, const std::string& label, cv::Mat& page) {
  const int steps = cvRound(axis.top * 10);
  for (int i = 0; i <= steps; i += axis.top > 0.5 ? 2 : 1) {
    const int y = axis.Y(i / 10.0);
    cv::line(page, {axis.box.x, y}, {axis.box.x + axis.box.width, y},
             i == 0 ? kGrey : kRule, 1);
    RightOf(absl::StrFormat("%.1f", i / 10.0), axis.box.x - 8, y + 4, kFaint,
            page);
  }
  Upwards(ToAscii(label), {axis.box.x - 56, axis.box.y + axis.box.height / 2},
          true, kText, page);
}

void DrawWhisker(const Axis& axis, int x, const Reading& reading,
                 const cv::Scalar& colour, cv::Mat& page) {
  if (!std::isfinite(reading.low)) return;
  const int low = axis.Y(reading.low), high = axis.Y(reading.high);
  cv::line(page, {x, low}, {x, high}, colour, 1, cv::LINE_AA);
  cv::line(page, {x - 4, low}, {x + 4, low}, colour, 1, cv::LINE_AA);
  cv::line(page, {x - 4, high}, {x + 4, high}, colour, 1, cv::LINE_AA);
}

double Highest(const Reading& reading) {
  if (!std::isfinite(reading.value)) return 0;
  return std::isfinite(reading.high) ? reading.high : reading.value;
}

constexpr int kLeft = 96, kRight = 32, kBarWidth = 38, kGroupGap = 44;
constexpr int kPanelHeight = 300, kBelow = 62, kMaxWidth = 1240;

// A line of coloured squares and their names; returns its width.
int DrawLegend(const std::vector<std::string>& series, cv::Point at,
               cv::Mat* page) {
  int x = at.x;
  for (size_t i = 0; i < series.size(); ++i) {
    const std::string name = ToAscii(series[i]);
    if (page != nullptr) {
      cv::rectangle(*page, {x, at.y - 11, 12, 12},
                    kSeries[i % std::size(kSeries)], cv::FILLED);
      DrawCaption(name, {x + 19, at.y}, kText, *page);
    }
    x += 19 + CaptionWidth(name, kText) + 24;
  }
  return x - at.x;
}

// The bars from `x` on, and their names within `room` below the middle.
void DrawGroup(const BarGroup& group, int x, int room, const Axis& axis,
               cv::Mat& page) {
  for (size_t i = 0; i < group.readings.size(); ++i) {
    const Reading& reading = group.readings[i];
    if (!std::isfinite(reading.value)) continue;
    const int left = x + static_cast<int>(i) * kBarWidth;
    const int y = axis.Y(reading.value);
    cv::rectangle(page, {left + 2, y, kBarWidth - 4, axis.Y(0) - y},
                  kSeries[i % std::size(kSeries)], cv::FILLED);
    DrawWhisker(axis, left + kBarWidth / 2, reading, kInk, page);
    Centred(absl::StrFormat("%.2f", reading.value), left + kBarWidth / 2,
            axis.Y(Highest(reading)) - 6, kSmall, page);
  }
  const int middle =
      x + static_cast<int>(group.readings.size()) * kBarWidth / 2;
  const int base = axis.box.y + axis.box.height;
  Centred(ElideMiddle(ToAscii(group.name), room, kText), middle, base + 22,
          kText, page);
  Centred(ElideMiddle(ToAscii(group.detail), room, kFaint), middle, base + 40,
          kFaint, page);
}

}  // namespace

absl::StatusOr<std::string> DrawBars(const BarChart& chart) try {
  // Narrow groups are spread so that their names have room.
  const int bars = static_cast<int>(chart.series.size()) * kBarWidth;
  int room = bars;
  for (const BarGroup& group : chart.groups) {
    room = std::max({room, CaptionWidth(ToAscii(group.name), kText) - 24,
                     CaptionWidth(ToAscii(group.detail), kFaint) - 24});
  }
  const int step = std::min(room, std::max(bars, 220)) + kGroupGap;
  const int groups = static_cast<int>(chart.groups.size());
  const int across =
      std::clamp((kMaxWidth - kLeft - kRight) / step, 1, std::max(groups, 1));
  const int panels = (groups + across - 1) / across;
  const int width =
      std::max({kLeft + across * step + kRight,
                kLeft + DrawLegend(chart.series, {}, nullptr) + kRight,
                kLeft + CaptionWidth(ToAscii(chart.title), kTitle) + kRight});
  const int top = 84;
  cv::Mat page = NewPage(width, top + panels * (kPanelHeight + kBelow + 22));
  DrawCaption(ToAscii(chart.title), {kLeft, 32}, kTitle, page);
  DrawLegend(chart.series, {kLeft, 60}, &page);
  double highest = 0;
  for (const BarGroup& group : chart.groups) {
    for (const Reading& reading : group.readings) {
      highest = std::max(highest, Highest(reading));
    }
  }
  for (int panel = 0; panel < panels; ++panel) {
    const int first = panel * across;
    const int shown = std::min(across, groups - first);
    const Axis axis{{kLeft, top + panel * (kPanelHeight + kBelow + 22),
                     shown * step, kPanelHeight},
                    TopOf(highest)};
    DrawAxis(axis, chart.y_label, page);
    for (int i = 0; i < shown; ++i) {
      DrawGroup(chart.groups[first + i], kLeft + i * step + (step - bars) / 2,
                step - 12, axis, page);
    }
  }
  return Png(page);
} catch (const cv::Exception& error) {
  return absl::InternalError(error.what());
}

absl::StatusOr<std::string> DrawScatter(const Scatter& scatter) try {
  double least = scatter.points[0].x, most = least, highest = 0;
  for (const ScatterPoint& point : scatter.points) {
    least = std::min(least, point.x);
    most = std::max(most, point.x);
    highest = std::max(highest, Highest(point.y));
  }
  // Whole steps of 1, 2, 5, 10, … around all points.
  std::vector<double> ticks;
  for (double decade = 1e-3; decade < 1e7; decade *= 10) {
    for (double digit : {1, 2, 5}) ticks.push_back(digit * decade);
  }
  auto low = std::upper_bound(ticks.begin(), ticks.end(), least * 0.95) - 1;
  auto high = std::lower_bound(ticks.begin(), ticks.end(), most * 1.05);
  constexpr int kHeight = 400, kTop = 60;
  int longest = 0;
  for (const ScatterPoint& point : scatter.points) {
    longest = std::max(longest, CaptionWidth(ToAscii(point.name), kText));
  }
  const int kNames = longest + 40, kWidth = kLeft + 660 + kNames;
  const Axis axis{{kLeft, kTop, kWidth - kLeft - kNames, kHeight},
                  TopOf(highest)};
  cv::Mat page = NewPage(kWidth, kTop + kHeight + 72);
  DrawCaption(ToAscii(scatter.title), {kLeft, 32}, kTitle, page);
  DrawAxis(axis, scatter.y_label, page);
  const auto x_of = [&](double x) {
    return axis.box.x + cvRound(std::log(x / *low) / std::log(*high / *low) *
                                axis.box.width);
  };
  for (auto tick = low; tick <= high; ++tick) {
    const int x = x_of(*tick);
    cv::line(page, {x, kTop}, {x, kTop + kHeight}, kRule, 1);
    Centred(absl::StrFormat("%g", *tick), x, kTop + kHeight + 20, kFaint, page);
  }
  Centred(ToAscii(scatter.x_label), axis.box.x + axis.box.width / 2,
          kTop + kHeight + 48, kText, page);
  // From the top down, so that a name steps below the one before it.
  std::vector<ScatterPoint> points = scatter.points;
  std::stable_sort(points.begin(), points.end(),
                   [](const ScatterPoint& a, const ScatterPoint& b) {
                     return a.y.value > b.y.value;
                   });
  std::vector<cv::Rect> names;
  for (size_t i = 0; i < points.size(); ++i) {
    const cv::Scalar& colour = kSeries[i % std::size(kSeries)];
    const cv::Point at(x_of(points[i].x), axis.Y(points[i].y.value));
    DrawWhisker(axis, at.x, points[i].y, colour, page);
    cv::circle(page, at, 6, colour, cv::FILLED, cv::LINE_AA);
    const std::string name = ToAscii(points[i].name);
    cv::Rect box(at.x + 12, at.y - 7, CaptionWidth(name, kText), 16);
    while (std::any_of(names.begin(), names.end(), [&box](const cv::Rect& b) {
      return (b & box).area() > 0;
    })) {
      box.y += 4;
    }
    names.push_back(box);
    // A name that had to step down is tied to its point.
    if (box.y > at.y) {
      cv::line(page, at, {box.x - 2, box.y + 8}, colour, 1, cv::LINE_AA);
    }
    Type type = kText;
    type.colour = colour;
    DrawCaption(name, {box.x, box.y + 12}, type, page);
  }
  return Png(page);
} catch (const cv::Exception& error) {
  return absl::InternalError(error.what());
}

absl::StatusOr<std::string> DrawHeatMap(const HeatMap& map) try {
  constexpr int kCell = 40;
  const int n = static_cast<int>(map.names.size());
  int names = 0;
  std::vector<std::string> shown;
  for (const std::string& name : map.names) {
    shown.push_back(ElideMiddle(ToAscii(name), 180, kText));
    names = std::max(names, CaptionWidth(shown.back(), kText));
  }
  const int left = names + 72, top = names + 92;
  const int width =
      std::max(left + n * kCell + kRight,
               CaptionWidth(ToAscii(map.title), kTitle) + 24 + kRight);
  cv::Mat page = NewPage(width, top + n * kCell + 28);
  DrawCaption(ToAscii(map.title), {24, 32}, kTitle, page);
  Centred(ToAscii(map.column_label), left + n * kCell / 2, 66, kFaint, page);
  Upwards(ToAscii(map.row_label), {24, top + n * kCell / 2}, true, kFaint,
          page);
  for (int i = 0; i < n; ++i) {
    RightOf(shown[i], left - 10, top + i * kCell + kCell / 2 + 5, kText, page);
    Upwards(shown[i], {left + i * kCell + kCell / 2, top - 4}, false, kText,
            page);
    for (int j = 0; j < n; ++j) {
      const double share = map.shares[i][j];
      const cv::Rect cell(left + j * kCell, top + i * kCell, kCell - 1,
                          kCell - 1);
      if (!std::isfinite(share)) {
        page(cell).setTo(kRule);
        continue;
      }
      // From white to the blue of the first series; the root lets small shares
      // be seen.
      const double depth = std::sqrt(std::clamp(share, 0.0, 1.0));
      cv::Scalar colour;
      for (int c = 0; c < 3; ++c) {
        colour[c] = 248 + (kSeries[0][c] - 248) * depth;
      }
      page(cell).setTo(colour);
      if (share < 0.005) continue;
      Type type = kText;
      if (depth > 0.6) type.colour = cv::Scalar::all(255);
      Centred(absl::StrFormat("%.0f", share * 100), cell.x + kCell / 2,
              cell.y + kCell / 2 + 5, type, page);
    }
  }
  return Png(page);
} catch (const cv::Exception& error) {
  return absl::InternalError(error.what());
}

}  // namespace vitrine::eval
