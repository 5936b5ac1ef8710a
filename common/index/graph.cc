#include "common/index/graph.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace vitrine {
namespace {

// More links a row than any graph is built with; a walk takes memory for as
// many.
constexpr uint32_t kMostStride = 1 << 16;
constexpr uint32_t kRowsAtOnce = 4096;

template <typename... What>
absl::Status Damaged(const What&... what) {
  return absl::DataLossError(absl::StrCat("its graph ", what...));
}

}  // namespace

absl::StatusOr<GraphView> GraphView::Open(
    uint32_t rows, uint32_t entry, uint32_t max_level, uint32_t level0_stride,
    uint32_t upper_stride, std::span<const uint32_t> level0,
    std::span<const uint32_t> upper_start, std::span<const uint32_t> upper) {
  GraphView view;
  view.rows_ = rows;
  view.entry_ = entry;
  view.max_level_ = max_level;
  view.level0_stride_ = level0_stride;
  view.upper_stride_ = upper_stride;
  view.level0_ = level0;
  view.upper_start_ = upper_start;
  view.upper_ = upper;

  if (rows == 0 || entry >= rows || level0_stride == 0 || upper_stride == 0 ||
      level0_stride > kMostStride || upper_stride > kMostStride ||
      level0.size() != static_cast<size_t>(rows) * level0_stride ||
      upper_start.size() != static_cast<size_t>(rows) + 1) {
    return Damaged("has arrays of the wrong size");
  }
  if (upper.size() != static_cast<size_t>(upper_start[rows]) * upper_stride) {
    return Damaged("has upper levels of the wrong size");
  }
  if (upper_start[entry + 1] - upper_start[entry] != max_level ||
      max_level > upper_start[rows]) {
    return Damaged("is not entered at its top");
  }
  return view;
}

std::span<const uint32_t> GraphView::LinksOf(uint32_t row,
                                             uint32_t level) const {
  const uint32_t* links =
      level == 0 ? Level0Links(row) : UpperLinks(row, level);
  if (links == nullptr) return {};
  const uint32_t room = (level == 0 ? level0_stride_ : upper_stride_) - 1;
  return {links + 1, std::min(links[0], room)};
}

absl::Status GraphView::CheckLinks(const std::function<bool()>& stop) const {
  if (upper_start_[0] != 0) return Damaged("has unordered levels at row 0");
  for (uint32_t row = 0; row < rows_; ++row) {
    if (upper_start_[row + 1] < upper_start_[row])
      return Damaged("has unordered levels at row ", row);
  }
  auto levels = [&](uint32_t row) {
    return upper_start_[row + 1] - upper_start_[row];
  };
  for (uint32_t row = 0; row < rows_; ++row) {
    if (row % kRowsAtOnce == 0 && stop && stop())
      return absl::CancelledError("verifying a graph was stopped");
    const uint32_t* links = Level0Links(row);
    if (links[0] >= level0_stride_)
      return Damaged("has too many links at row ", row);
    for (uint32_t i = 1; i <= links[0]; ++i) {
      if (links[i] >= rows_)
        return Damaged("links row ", row, " to row ", links[i]);
    }
    for (uint32_t level = 1; level <= levels(row); ++level) {
      links = UpperLinks(row, level);
      if (links == nullptr || links[0] >= upper_stride_)
        return Damaged("has too many links at row ", row);
      for (uint32_t i = 1; i <= links[0]; ++i) {
        if (links[i] >= rows_ || levels(links[i]) < level) {
          return Damaged("links row ", row, " to row ", links[i], " on level ",
                         level);
        }
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace vitrine
