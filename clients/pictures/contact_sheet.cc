#include "clients/pictures/contact_sheet.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "absl/strings/str_cat.h"
#include "clients/cli/text.h"
#include "clients/pictures/caption.h"

namespace vitrine {
namespace {

const cv::Scalar kInk(38, 34, 32), kGrey(128, 122, 118), kRule(228, 224, 222);
const cv::Scalar kAccent(176, 96, 32), kExact(72, 132, 24), kWrong(48, 48, 208),
    kEmpty(236, 234, 232);

constexpr int kMargin = 32;
constexpr int kQueryWidth = 240, kQueryHeight = 320;
constexpr int kCellWidth = 168, kPictureHeight = 212, kGap = 18;
constexpr int kCellHeight = kPictureHeight + 76;

const Type kTitle{.height = 17, .weight = 1.9, .colour = kInk};
const Type kHeading{.height = 12, .weight = 1.6, .colour = kInk};
const Type kScore{.height = 11, .weight = 1.5, .colour = kInk};
const Type kText{.height = 9, .weight = 1.15, .colour = kInk};
const Type kFaint{.height = 9, .weight = 1.1, .colour = kGrey};

// Fits the picture into the box, in the middle, at the top of nothing, and
// returns where it is: a thin rule outlines white pictures on the white page.
cv::Rect DrawPicture(const cv::Mat& picture, const cv::Rect& box,
                     cv::Mat& page) {
  if (picture.empty()) {
    page(box).setTo(kEmpty);
    const std::string none = "no picture";
    DrawCaption(none,
                {box.x + (box.width - CaptionWidth(none, kFaint)) / 2,
                 box.y + box.height / 2},
                kFaint, page);
    return box;
  }
  const double scale = std::min(static_cast<double>(box.width) / picture.cols,
                                static_cast<double>(box.height) / picture.rows);
  const cv::Size size(std::clamp(cvRound(picture.cols * scale), 1, box.width),
                      std::clamp(cvRound(picture.rows * scale), 1, box.height));
  const cv::Rect at(box.x + (box.width - size.width) / 2,
                    box.y + (box.height - size.height) / 2, size.width,
                    size.height);
  cv::resize(picture, page(at), size, 0, 0,
             scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
  cv::rectangle(page, at, kRule, 1);
  return at;
}

void DrawHit(const SheetHit& hit, cv::Point at, cv::Mat& page) {
  const cv::Rect frame =
      DrawPicture(hit.picture, {at.x, at.y, kCellWidth, kPictureHeight}, page);
  if (hit.right) {
    cv::rectangle(page, frame, *hit.right ? kExact : kWrong, 4);
  }
  Type score = kScore;
  if (hit.same_content) score.colour = kExact;
  const int x = at.x + 2, width = kCellWidth - 4;
  int y = at.y + kPictureHeight + 20;
  if (!std::isnan(hit.score) || hit.same_content) {
    const double value = std::isnan(hit.score) ? 1 : hit.score;
    DrawCaption(cli::FormatScore(value, hit.same_content), {x, y}, score, page);
  }
  y += 21;
  // The category, or where there is none the title.
  const std::string words =
      ToAscii(hit.category.empty() ? hit.title : hit.category);
  DrawCaption(ElideEnd(words, width, kText), {x, y}, kText, page);
  y += 19;
  DrawCaption(ElideMiddle(ToAscii(hit.product_id), width, kFaint), {x, y},
              kFaint, page);
}

int Columns(const ContactSheet& sheet) {
  if (sheet.columns > 0) return sheet.columns;
  size_t most = 0;
  for (const SheetRow& row : sheet.rows) {
    most = std::max(most, row.hits.size());
  }
  return static_cast<int>(most > 10 ? 6 : std::clamp<size_t>(most, 3, 5));
}

int GridRows(const SheetRow& row, int columns) {
  const size_t drawn = std::min(row.hits.size(), kMaxHitsDrawn);
  return static_cast<int>((drawn + columns - 1) / columns);
}

bool HasFootnote(const SheetRow& row) {
  return row.hits.empty() || row.hits.size() > kMaxHitsDrawn;
}

int RowHeight(const SheetRow& row, int columns) {
  return (row.title.empty() ? 0 : 34) + GridRows(row, columns) * kCellHeight +
         (HasFootnote(row) ? 26 : 0) + 12;
}

// One picture has the whole panel; several share it, two beside each other.
struct QueryGrid {
  int across, size_x, size_y, height;
};

QueryGrid LayQuery(size_t pictures) {
  QueryGrid grid;
  grid.across = pictures > 1 ? 2 : 1;
  grid.size_x = (kQueryWidth - (grid.across - 1) * 8) / grid.across;
  grid.size_y = kQueryHeight / grid.across;
  const int down = static_cast<int>(
      (std::max<size_t>(pictures, 1) + grid.across - 1) / grid.across);
  grid.height = down * (grid.size_y + 8) - 8;
  return grid;
}

void DrawQuery(const ContactSheet& sheet, cv::Point at, cv::Mat& page) {
  const QueryGrid grid = LayQuery(sheet.query.size());
  const cv::Rect frame(at.x - 10, at.y - 10, kQueryWidth + 20,
                       grid.height + 20);
  cv::rectangle(page, frame, kAccent, 3, cv::LINE_AA);
  if (sheet.query.empty()) {
    DrawPicture({}, {at.x, at.y, kQueryWidth, grid.height}, page);
  }
  for (size_t i = 0; i < sheet.query.size(); ++i) {
    const int column = static_cast<int>(i) % grid.across;
    const int row = static_cast<int>(i) / grid.across;
    DrawPicture(sheet.query[i],
                {at.x + column * (grid.size_x + 8),
                 at.y + row * (grid.size_y + 8), grid.size_x, grid.size_y},
                page);
  }
  Type label = kText;
  label.colour = kAccent;
  label.weight = 1.4;
  DrawCaption(ElideMiddle(ToAscii(sheet.query_label), kQueryWidth, label),
              {at.x, frame.y + frame.height + 20}, label, page);
}

}  // namespace

cv::Mat DrawContactSheet(const ContactSheet& sheet) {
  const int columns = Columns(sheet);
  const int grid_x = kMargin + kQueryWidth + 52;
  const int width = grid_x + columns * (kCellWidth + kGap) - kGap + kMargin;
  const int top = kMargin + (sheet.title.empty() ? 10 : 52);
  int rows_height = 0;
  for (const SheetRow& row : sheet.rows) rows_height += RowHeight(row, columns);
  const int query_height = LayQuery(sheet.query.size()).height + 44;
  cv::Mat page(top + std::max(rows_height, query_height) + kMargin / 2, width,
               CV_8UC3, cv::Scalar::all(255));
  if (!sheet.title.empty()) {
    DrawCaption(ElideEnd(ToAscii(sheet.title), width - 2 * kMargin, kTitle),
                {kMargin - 10, kMargin + 12}, kTitle, page);
    cv::line(page, {kMargin - 10, kMargin + 27},
             {width - kMargin, kMargin + 27}, kRule, 1);
  }
  DrawQuery(sheet, {kMargin, top}, page);
  int y = top - 10;
  for (const SheetRow& row : sheet.rows) {
    const int end = y + RowHeight(row, columns);
    if (!row.title.empty()) {
      DrawCaption(
          ElideEnd(ToAscii(row.title), width - grid_x - kMargin, kHeading),
          {grid_x, y + 16}, kHeading, page);
      y += 34;
    }
    const size_t drawn = std::min(row.hits.size(), kMaxHitsDrawn);
    for (size_t i = 0; i < drawn; ++i) {
      const int column = static_cast<int>(i) % columns;
      DrawHit(row.hits[i],
              {grid_x + column * (kCellWidth + kGap),
               y + static_cast<int>(i) / columns * kCellHeight},
              page);
    }
    y += GridRows(row, columns) * kCellHeight;
    if (HasFootnote(row)) {
      const auto more = static_cast<int64_t>(row.hits.size() - drawn);
      DrawCaption(row.hits.empty()
                      ? "nothing found"
                      : absl::StrCat("and ", cli::FormatCount(more), " more"),
                  {grid_x, y + 12}, kFaint, page);
    }
    y = end;
  }
  return page;
}

}  // namespace vitrine
