#include "clients/cli/text.h"

#include <algorithm>
#include <clocale>
#include <cmath>
#include <cstdio>
#include <cwchar>

namespace vitrine::cli {
namespace {

// Makes mbrtowc and wcwidth read UTF-8 in this scope, whatever the environment
// says: the C library brings C.UTF-8 itself.
class Utf8Scope {
 public:
  Utf8Scope() {
    static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8 != nullptr) previous_ = uselocale(utf8);
  }
  ~Utf8Scope() {
    if (previous_ != nullptr) uselocale(previous_);
  }

 private:
  locale_t previous_ = nullptr;
};

struct Character {
  std::string_view bytes;
  int columns = 0;  // -1 for what must not reach a terminal.
};

// Takes the first character off `text`, which is not empty.
Character TakeCharacter(std::string_view* text) {
  std::mbstate_t state{};
  wchar_t wide = 0;
  size_t length = std::mbrtowc(&wide, text->data(), text->size(), &state);
  Character character;
  if (length == 0 || length > text->size()) {
    character = {text->substr(0, 1), -1};
  } else {
    character = {text->substr(0, length), wcwidth(wide)};
  }
  text->remove_prefix(character.bytes.size());
  return character;
}

}  // namespace

std::string FormatScore(double score, bool same_content) {
  // bfloat16 and int8 leave a picture a little below 1 against itself.
  constexpr double kSame = 0.995;
  if (same_content && score >= kSame) return "100 %";
  double percent = std::isnan(score) ? 0 : std::clamp(score * 100, 0.0, 99.9);
  char text[16];
  std::snprintf(text, sizeof text, "%.1f %%", percent);
  return text;
}

std::string FormatCount(int64_t count) {
  std::string text = std::to_string(count);
  size_t first = count < 0 ? 1 : 0;
  for (size_t i = text.size(); i > first + 3;) {
    i -= 3;
    text.insert(i, 1, ',');
  }
  return text;
}

std::string FormatNumber(double number, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, number);
  return text;
}

std::string FormatSeconds(double seconds) {
  auto whole = static_cast<int64_t>(std::ceil(std::max(0.0, seconds)));
  char text[64];
  if (whole < 60) {
    std::snprintf(text, sizeof text, "%d s", static_cast<int>(whole));
  } else if (whole < 3600) {
    std::snprintf(text, sizeof text, "%d:%02d", static_cast<int>(whole / 60),
                  static_cast<int>(whole % 60));
  } else {
    std::snprintf(text, sizeof text, "%lld:%02d:%02d",
                  static_cast<long long>(whole / 3600),
                  static_cast<int>(whole / 60 % 60),
                  static_cast<int>(whole % 60));
  }
  return text;
}

std::string Printable(std::string_view text) {
  Utf8Scope utf8;
  std::string printable;
  while (!text.empty()) {
    Character character = TakeCharacter(&text);
    if (character.columns < 0) {
      printable += "\uFFFD";
    } else {
      printable += character.bytes;
    }
  }
  return printable;
}

std::string EscapeHtml(std::string_view text) {
  std::string html;
  for (char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

int DisplayWidth(std::string_view text) {
  Utf8Scope utf8;
  int width = 0;
  while (!text.empty()) width += std::max(0, TakeCharacter(&text).columns);
  return width;
}

std::string Shorten(std::string_view raw, int width) {
  std::string printable = Printable(raw);
  if (DisplayWidth(printable) <= width) return printable;
  std::string_view text = printable;
  Utf8Scope utf8;
  std::string kept;
  for (int used = 0; !text.empty();) {
    Character character = TakeCharacter(&text);
    used += std::max(0, character.columns);
    if (used > width - 1) break;
    kept += character.bytes;
  }
  while (!kept.empty() && kept.back() == ' ') kept.pop_back();
  return kept + "…";
}

int EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> d(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = static_cast<int>(i);
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1,
                          d[i - 1][j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::string Nearest(std::string_view word,
                    const std::vector<std::string>& names) {
  std::string best;
  int best_distance = std::max(1, static_cast<int>(word.size()) / 3) + 1;
  for (const std::string& name : names) {
    int distance = EditDistance(word, name);
    if (distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  if (!best.empty() || word.empty()) return best;
  for (const std::string& name : names) {
    if (name.starts_with(word) || word.starts_with(name)) return name;
  }
  return {};
}

Table::Table(std::vector<std::string> headings, std::vector<bool> align_right)
    : align_right_(std::move(align_right)) {
  rows_.push_back(std::move(headings));
}

void Table::AddRow(const std::vector<std::string>& cells) {
  std::vector<std::string> row;
  for (const std::string& cell : cells) row.push_back(Printable(cell));
  rows_.push_back(std::move(row));
}

std::string Table::ToString(std::string_view indent) const {
  size_t columns = rows_[0].size();
  std::vector<int> widths(columns, 0);
  std::vector<size_t> shown;
  for (size_t c = 0; c < columns; ++c) {
    for (size_t r = 1; r < rows_.size(); ++r) {
      widths[c] = std::max(widths[c], DisplayWidth(rows_[r][c]));
    }
    if (widths[c] > 0) shown.push_back(c);
    widths[c] = std::max(widths[c], DisplayWidth(rows_[0][c]));
  }
  bool has_headings = std::any_of(rows_[0].begin(), rows_[0].end(),
                                  [](const auto& h) { return !h.empty(); });
  std::string text;
  for (size_t r = has_headings ? 0 : 1; r < rows_.size(); ++r) {
    const std::vector<std::string>& row = rows_[r];
    std::string line(indent);
    for (size_t c : shown) {
      size_t padding = widths[c] - DisplayWidth(row[c]);
      if (c != shown.front()) line.append(2, ' ');
      if (align_right_[c]) line.append(padding, ' ');
      line.append(row[c]);
      if (!align_right_[c]) line.append(padding, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace vitrine::cli
