#include "clients/eval/heat_table.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/eval/html_table.h"

namespace vitrine::eval {
namespace {

std::string Cell(double share) {
  if (!std::isfinite(share)) return "<td style=\"background:#e2e4e8\"></td>";
  // As in DrawHeatMap: from white to blue, by the root.
  const double depth = std::sqrt(std::clamp(share, 0.0, 1.0));
  const auto mix = [depth](int full) {
    return static_cast<int>(std::lround(248 + (full - 248) * depth));
  };
  return absl::StrFormat(
      "<td style=\"background:#%02x%02x%02x%s\">%s</td>", mix(0), mix(114),
      mix(178), depth > 0.6 ? ";color:#fff" : "",
      share < 0.005 ? "" : absl::StrFormat("%.0f", share * 100));
}

}  // namespace

std::string HeatTable(const HeatMap& map) {
  std::string html = absl::StrCat(
      "<div class=scroll><table class=heat>\n<tr><th>", Escape(map.row_label),
      " / ", Escape(map.column_label), "</th>");
  for (const std::string& name : map.names) {
    absl::StrAppend(&html, "<th class=up>", Escape(name), "</th>");
  }
  html += "</tr>\n";
  for (size_t row = 0; row < map.names.size(); ++row) {
    absl::StrAppend(&html, "<tr><th>", Escape(map.names[row]), "</th>");
    for (double share : map.shares[row]) html += Cell(share);
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

}  // namespace vitrine::eval
