// Tables as text: CSV as RFC 4180 has it, and as people send it.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/catalog/problem.h"

namespace vitrine {

// The first line names the columns; ',', ';' or tab separates, whichever the
// first line has most of. Understood: quoted fields with doubled quotes and
// line breaks in them, CRLF, a byte order mark, blank lines, spaces around
// fields, empty fields at a row's end, and a quote that is never closed (which
// stays in its line). A line that is not UTF-8 is read as ISO 8859-1, and
// reported once a file. A row with too few or too many fields is a problem and
// is left out.
//
// Immutable after Parse, and thread-safe.
class DelimitedTable {
 public:
  // `name` is the file's, for problems and messages. Where `is_free_text` holds
  // for the name of the last column, that column takes the rest of its row,
  // commas and all. INVALID_ARGUMENT where the file is no such text.
  static absl::StatusOr<std::unique_ptr<DelimitedTable>> Parse(
      std::string text, std::string_view name,
      bool (*is_free_text)(std::string_view), CatalogProblems* problems);

  // Columns without a name are left out.
  const std::vector<std::string>& columns() const { return columns_; }
  size_t rows() const { return lines_.size(); }
  // UTF-8, without spaces around it; valid as long as the table.
  std::string_view cell(size_t row, size_t column) const {
    return cells_[row * columns_.size() + column];
  }
  // The row's line in the file, from 1.
  int line(size_t row) const { return lines_[row]; }

 private:
  struct Fields;
  DelimitedTable() = default;
  bool Split(size_t start, bool multiline, Fields* out);
  void MakeUtf8(std::string_view name, CatalogProblems* problems);

  std::string text_;
  char separator_ = ',';
  std::vector<std::string> columns_;
  std::vector<std::string_view> cells_;
  std::vector<int> lines_;
  // Fields whose doubled quotes were made single.
  std::deque<std::string> unquoted_;
};

}  // namespace vitrine
