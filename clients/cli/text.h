// Text for people: scores, counts, times, and columns of a terminal. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::cli {

// A score as a percentage: "100 %" is for the same content alone, and all else
// is at most "99.9 %". The same content under a region, an emphasis or several
// examples may score less than 0.995, and then shows what it scores.
std::string FormatScore(double score, bool same_content);

// 3890 as "3,890".
std::string FormatCount(int64_t count);

// The number with at most `digits` significant digits: "0.973", "12.5".
std::string FormatNumber(double number, int digits);

// 95 s as "1:35", 4000 s as "1:06:40", 8.2 s as "8 s".
std::string FormatSeconds(double seconds);

// `text` safe for a terminal: control characters and bytes that are no UTF-8
// become U+FFFD.
std::string Printable(std::string_view text);

// Text for HTML, attributes in double quotes included.
std::string EscapeHtml(std::string_view text);

// Columns that printable UTF-8 takes on a terminal (wide characters take two,
// combining ones none).
int DisplayWidth(std::string_view text);

// At most `width` columns of `raw`, made printable, its end marked with "…"
// where it is cut.
std::string Shorten(std::string_view raw, int width);

// Changes of one character (insert, delete, replace, swap of neighbours) from
// `a` to `b`: the optimal string alignment distance.
int EditDistance(std::string_view a, std::string_view b);

// The one of `names` that is meant by `word`: nearest by edit distance, and
// near enough to be a slip of the hand; or one that begins with it; otherwise
// "".
std::string Nearest(std::string_view word,
                    const std::vector<std::string>& names);

// A table of aligned columns, two spaces apart; the last one is not padded.
class Table {
 public:
  // `align_right[i]` says it of column i; columns that are empty in every row
  // are left out, their heading too, and so is a line of empty headings.
  Table(std::vector<std::string> headings, std::vector<bool> align_right);
  // As many cells as headings; made printable here.
  void AddRow(const std::vector<std::string>& cells);
  std::string ToString(std::string_view indent = {}) const;

 private:
  std::vector<std::vector<std::string>> rows_;  // The first holds the headings.
  std::vector<bool> align_right_;
};

}  // namespace vitrine::cli
