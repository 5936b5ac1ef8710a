#include "clients/eval/html_table.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/text.h"

namespace vitrine::eval {

std::string Escape(std::string_view text) { return cli::EscapeHtml(text); }

std::string IntervalHtml(const Estimate& estimate) {
  std::string text = ValueText(estimate.value);
  if (std::isfinite(estimate.low)) {
    absl::StrAppendFormat(&text, " <small>%.3f–%.3f</small>", estimate.low,
                          estimate.high);
  }
  return text;
}

HtmlTable::HtmlTable(const std::vector<std::string>& headings, size_t left)
    : left_(left), html_("<div class=scroll><table>\n<tr>") {
  for (size_t i = 0; i < headings.size(); ++i) {
    Cell("th", i, Escape(headings[i]));
  }
  html_ += "</tr>\n";
}

void HtmlTable::Row(const std::vector<std::string>& cells, bool strong) {
  html_ += strong ? "<tr class=strong>" : "<tr>";
  for (size_t i = 0; i < cells.size(); ++i) Cell("td", i, cells[i]);
  html_ += "</tr>\n";
}

std::string HtmlTable::Html() const { return html_ + "</table></div>\n"; }

void HtmlTable::Cell(const char* tag, size_t column, const std::string& html) {
  absl::StrAppend(&html_, "<", tag, column < left_ ? ">" : " class=n>", html,
                  "</", tag, ">");
}

}  // namespace vitrine::eval
