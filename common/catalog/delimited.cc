#include "common/catalog/delimited.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/utf8.h"

namespace vitrine {
namespace {

// Longer quoted fields are taken for a quote that was never closed.
constexpr size_t kMaxQuotedBytes = 64 << 10;

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

// One row's fields. `starts` are where the raw fields begin in the text.
struct DelimitedTable::Fields {
  std::vector<std::string_view> values;
  std::vector<size_t> starts;
  size_t end = 0;  // of the row in the text, at its line break
  int breaks = 0;  // line breaks within fields
  void Clear() {
    values.clear();
    starts.clear();
    breaks = 0;
  }
};

// Splits the row at `start`. Returns false where a field begins with a quote
// that is not closed as it should be: such a field is taken as it stands. A
// quoted field goes over line breaks only where `multiline` allows it.
bool DelimitedTable::Split(size_t start, bool multiline, Fields* out) {
  const std::string_view text = text_;
  out->Clear();
  bool closed = true;
  size_t at = start;
  for (;;) {
    size_t begin = at;
    while (begin < text.size() && text[begin] == ' ') ++begin;
    out->starts.push_back(begin);
    bool taken = false;
    if (begin < text.size() && text[begin] == '"') {
      bool doubled = false;
      int breaks = 0;
      for (size_t i = begin + 1; i < text.size() && i - begin < kMaxQuotedBytes;
           ++i) {
        if (text[i] == '\n') {
          if (!multiline) break;
          ++breaks;
        }
        if (text[i] != '"') continue;
        if (i + 1 < text.size() && text[i + 1] == '"') {
          doubled = true;
          ++i;
          continue;
        }
        size_t after = i + 1;
        while (after < text.size() &&
               (text[after] == ' ' || text[after] == '\r')) {
          ++after;
        }
        if (after < text.size() && text[after] != separator_ &&
            text[after] != '\n') {
          break;
        }
        std::string_view value = text.substr(begin + 1, i - begin - 1);
        if (doubled) {
          std::string& plain = unquoted_.emplace_back();
          for (size_t k = 0; k < value.size(); ++k) {
            plain.push_back(value[k]);
            if (value[k] == '"') ++k;
          }
          value = plain;
        }
        out->values.push_back(Trim(value));
        out->breaks += breaks;
        at = after;
        taken = true;
        break;
      }
      if (!taken) closed = false;
    }
    if (!taken) {
      at = begin;
      while (at < text.size() && text[at] != separator_ && text[at] != '\n') {
        ++at;
      }
      out->values.push_back(Trim(text.substr(begin, at - begin)));
    }
    if (at >= text.size() || text[at] == '\n') break;
    ++at;
  }
  out->end = at;
  return closed;
}

void DelimitedTable::MakeUtf8(std::string_view name,
                              CatalogProblems* problems) {
  if (IsUtf8(text_)) return;
  std::string converted;
  converted.reserve(text_.size() + text_.size() / 16);
  int line = 0, first = 0, count = 0;
  std::string sample;
  for (size_t at = 0; at < text_.size();) {
    const size_t end = std::min(text_.find('\n', at), text_.size() - 1) + 1;
    const std::string_view raw = std::string_view(text_).substr(at, end - at);
    ++line;
    if (IsUtf8(raw)) {
      converted.append(raw);
    } else {
      if (++count == 1) {
        first = line;
        sample = Latin1ToUtf8(Trim(raw.substr(0, raw.find('\n'))));
      }
      converted.append(Latin1ToUtf8(raw));
    }
    at = end;
  }
  text_ = std::move(converted);
  problems->push_back(
      {ProblemKind::kNotUtf8, std::string(name), first, "",
       absl::StrCat(
           std::string(name), " line ", first, ": not UTF-8: \"",
           Excerpt(sample), "\"",
           count > 1 ? absl::StrCat(" (and ", count - 1, " more)") : "",
           "; read as ISO 8859-1; save the file as UTF-8")});
}

absl::StatusOr<std::unique_ptr<DelimitedTable>> DelimitedTable::Parse(
    std::string text, std::string_view name,
    bool (*is_free_text)(std::string_view), CatalogProblems* problems) {
  const std::string file(name);
  std::unique_ptr<DelimitedTable> table(new DelimitedTable);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
      text.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, " is not text in UTF-8 (UTF-16, perhaps); save it as CSV UTF-8"));
  }
  // The line breaks of old spreadsheets.
  if (text.find('\n') == std::string::npos) {
    std::replace(text.begin(), text.end(), '\r', '\n');
  }
  table->text_ = std::move(text);
  table->MakeUtf8(name, problems);
  const std::string& all = table->text_;

  size_t at = 0;
  int line = 1;
  auto skip_blank_lines = [&] {
    for (;;) {
      const size_t stop = all.find_first_not_of(" \t\r", at);
      if (stop == std::string::npos || all[stop] != '\n') return;
      at = stop + 1;
      ++line;
    }
  };
  skip_blank_lines();
  if (all.find_first_not_of(" \t\r\n", at) == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, " is empty; its first line names the columns"));
  }
  const std::string_view head =
      std::string_view(all).substr(at, all.find('\n', at) - at);
  for (char candidate : {';', '\t'}) {
    if (std::count(head.begin(), head.end(), candidate) >
        std::count(head.begin(), head.end(), table->separator_)) {
      table->separator_ = candidate;
    }
  }

  Fields fields;
  table->Split(at, /*multiline=*/false, &fields);
  size_t width = fields.values.size();
  while (width > 0 && fields.values[width - 1].empty()) --width;
  std::vector<size_t> kept;
  for (size_t i = 0; i < width; ++i) {
    const std::string column(fields.values[i]);
    if (column.empty()) continue;
    if (std::find(table->columns_.begin(), table->columns_.end(), column) !=
        table->columns_.end()) {
      problems->push_back(
          {ProblemKind::kBadRow, file, line, "",
           absl::StrCat(file, " line ", line, ": two columns are named \"",
                        Excerpt(column),
                        "\"; the first is read; rename the other")});
      continue;
    }
    table->columns_.push_back(column);
    kept.push_back(i);
  }
  if (kept.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, " line ", line, " names no column: \"", Excerpt(head), "\""));
  }
  const bool open_end =
      kept.back() == width - 1 && is_free_text(table->columns_.back());
  at = fields.end + 1;
  ++line;

  for (; skip_blank_lines(), at < all.size();) {
    if (all.find_first_not_of(" \t\r", at) == std::string::npos) break;
    if (!table->Split(at, /*multiline=*/false, &fields)) {
      // A field that goes on in the next line, if the row is whole then.
      if (!table->Split(at, /*multiline=*/true, &fields) ||
          fields.values.size() != width) {
        table->Split(at, /*multiline=*/false, &fields);
      }
    }
    std::string_view last;
    if (fields.values.size() > width) {
      bool padding = true;
      for (size_t i = width; i < fields.values.size(); ++i) {
        padding = padding && fields.values[i].empty();
      }
      if (padding) {
        fields.values.resize(width);
      } else if (open_end) {
        last = Trim(std::string_view(all).substr(
            fields.starts[width - 1], fields.end - fields.starts[width - 1]));
        while (last.ends_with(table->separator_)) {
          last = Trim(last.substr(0, last.size() - 1));
        }
        fields.values.resize(width);
        fields.values.back() = last;
      }
    }
    if (fields.values.size() != width) {
      const std::string_view raw =
          std::string_view(all).substr(at, fields.end - at);
      problems->push_back(
          {ProblemKind::kBadRow, file, line, "",
           absl::StrCat(file, " line ", line, ": ", fields.values.size(),
                        " fields where the first line names ", width, ": \"",
                        Excerpt(Trim(raw)),
                        "\"; the row is left out; give it all its fields, and "
                        "quote those with a separator in them")});
    } else {
      for (size_t i : kept) table->cells_.push_back(fields.values[i]);
      table->lines_.push_back(line);
    }
    line += 1 + fields.breaks;
    at = fields.end + 1;
  }
  return table;
}

}  // namespace vitrine
