#include "common/index/graph.h"

#include "absl/strings/str_cat.h"

namespace vitrine {

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

  auto damaged = [](auto... what) {
    return absl::DataLossError(absl::StrCat("its graph ", what...));
  };
  if (rows == 0 || entry >= rows || level0_stride == 0 || upper_stride == 0 ||
      level0.size() != static_cast<size_t>(rows) * level0_stride ||
      upper_start.size() != static_cast<size_t>(rows) + 1 ||
      upper_start[0] != 0) {
    return damaged("has arrays of the wrong size");
  }
  for (uint32_t row = 0; row < rows; ++row) {
    if (upper_start[row + 1] < upper_start[row])
      return damaged("has unordered levels at row ", row);
  }
  if (upper.size() != static_cast<size_t>(upper_start[rows]) * upper_stride) {
    return damaged("has upper levels of the wrong size");
  }
  auto levels = [&](uint32_t row) {
    return upper_start[row + 1] - upper_start[row];
  };
  if (levels(entry) != max_level) return damaged("is not entered at its top");
  for (uint32_t row = 0; row < rows; ++row) {
    const uint32_t* links =
        level0.data() + static_cast<size_t>(row) * level0_stride;
    if (links[0] >= level0_stride)
      return damaged("has too many links at row ", row);
    for (uint32_t i = 1; i <= links[0]; ++i) {
      if (links[i] >= rows)
        return damaged("links row ", row, " to row ", links[i]);
    }
    for (uint32_t level = 1; level <= levels(row); ++level) {
      links = view.UpperLinks(row, level);
      if (links[0] >= upper_stride)
        return damaged("has too many links at row ", row);
      for (uint32_t i = 1; i <= links[0]; ++i) {
        if (links[i] >= rows || levels(links[i]) < level) {
          return damaged("links row ", row, " to row ", links[i], " on level ",
                         level);
        }
      }
    }
  }
  return view;
}

}  // namespace vitrine
