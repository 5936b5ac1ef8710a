// Texts and tables as HTML. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clients/eval/results.h"

namespace vitrine::eval {

// Text for HTML, attributes in double quotes included.
std::string Escape(std::string_view text);

// The value and, smaller, its interval: HTML.
std::string IntervalHtml(const Estimate& estimate);

// Rows of cells that are HTML already; the first `left` columns are texts.
class HtmlTable {
 public:
  // `headings` are texts.
  HtmlTable(const std::vector<std::string>& headings, size_t left);
  void Row(const std::vector<std::string>& cells, bool strong = false);
  std::string Html() const;

 private:
  void Cell(const char* tag, size_t column, const std::string& html);

  size_t left_;
  std::string html_;
};

}  // namespace vitrine::eval
