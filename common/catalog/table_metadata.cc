// styles.csv and images.csv.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <unordered_map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/catalog/catalog_names.h"
#include "common/catalog/delimited.h"
#include "common/catalog/metadata.h"
#include "common/catalog/offer_time.h"

namespace vitrine {
namespace {

// Column names that are looked for, as PlainName gives them, in this order.
using Names = std::span<const std::string_view>;
constexpr std::string_view kProductNames[] = {"id",        "productid", "sku",
                                              "articleid", "itemid",    "image",
                                              "imageid",   "filename",  "file"};
constexpr std::string_view kImageNames[] = {
    "image",     "imageid", "filename", "file", "imagename", "path",
    "imagepath", "picture", "photo",    "id",   "productid"};
constexpr std::string_view kCategoryNames[] = {
    "articletype", "category", "label",       "class",
    "producttype", "type",     "subcategory", "mastercategory"};
constexpr std::string_view kTitleNames[] = {"productdisplayname", "title",
                                            "displayname",        "productname",
                                            "producttitle",       "name"};
constexpr std::string_view kVisibleFromNames[] = {"visiblefrom"};
constexpr std::string_view kVisibleUntilNames[] = {"visibleuntil"};

// "Article_Type" → "articletype".
std::string PlainName(std::string_view column) {
  std::string plain;
  for (char c : column) {
    if (c != '_' && c != ' ' && c != '-') plain += absl::ascii_tolower(c);
  }
  return plain;
}

bool IsFreeText(std::string_view column) {
  const std::string plain = PlainName(column);
  return plain == "description" ||
         std::ranges::find(kTitleNames, plain) != std::end(kTitleNames);
}

// A decimal number that keeps all its digits in a double. "007" and
// 20-digit article numbers are names, not numbers.
std::optional<double> Number(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  if (digits.empty() || !absl::ascii_isdigit(digits[0])) return std::nullopt;
  if (digits.size() > 1 && digits[0] == '0' && absl::ascii_isdigit(digits[1])) {
    return std::nullopt;
  }
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() ||
      !std::isfinite(value)) {
    return std::nullopt;
  }
  constexpr double kLargestExact = 9007199254740992;  // 2^53
  if (std::abs(value) > kLargestExact) return std::nullopt;
  return value;
}

std::optional<bool> Flag(std::string_view text) {
  if (text == "True" || text == "true" || text == "TRUE") return true;
  if (text == "False" || text == "false" || text == "FALSE") return false;
  return std::nullopt;
}

// Ends a part of what is hashed; no cell holds it.
constexpr char kEnd = '\0';

enum class ColumnType { kText, kNumber, kFlag };

class TableMetadata : public Metadata {
 public:
  explicit TableMetadata(std::unique_ptr<DelimitedTable> table)
      : table_(std::move(table)), columns_(table_->columns()) {}

  absl::Status Load(const std::string& file,
                    std::string_view category_attribute,
                    CatalogProblems* problems) {
    const auto id_column =
        file == "images.csv" ? Column(kImageNames) : Column(kProductNames);
    if (!id_column) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, " has no column that names the ",
                       file == "images.csv" ? "picture, such as \"image\""
                                            : "product, such as \"id\"",
                       "; its columns are ", absl::StrJoin(columns_, ", "),
                       "; rename the one that does"));
    }
    id_column_ = *id_column;
    if (category_attribute.empty()) {
      category_column_ = Column(kCategoryNames);
    } else {
      const auto named =
          std::find(columns_.begin(), columns_.end(), category_attribute);
      if (named == columns_.end()) {
        return absl::InvalidArgumentError(absl::StrCat(
            file, " has no column \"", std::string(category_attribute),
            "\" that was named as the category; its columns are ",
            absl::StrJoin(columns_, ", ")));
      }
      category_column_ = named - columns_.begin();
    }
    if (category_column_) category_attribute_ = columns_[*category_column_];
    title_column_ = Column(kTitleNames);
    visible_from_column_ = Column(kVisibleFromNames);
    visible_until_column_ = Column(kVisibleUntilNames);
    LoadRows(file, problems);
    CheckTimes(file, problems);
    FindTypes();
    // The same cells say something else in other columns.
    for (size_t column = 0; column < columns_.size(); ++column) {
      schema_ += columns_[column] + kEnd;
      schema_ += std::to_string(static_cast<int>(types_[column])) + kEnd;
    }
    schema_ += std::to_string(id_column_) + kEnd + category_attribute_ + kEnd;
    return absl::OkStatus();
  }

  size_t rows() const override { return rows_.size(); }
  std::string_view id(size_t row) const override { return rows_[row].id; }
  int line(size_t row) const override { return table_->line(rows_[row].row); }
  std::optional<size_t> Find(std::string_view id) const override {
    const auto it = by_id_.find(id);
    if (it == by_id_.end()) return std::nullopt;
    return it->second;
  }

  void Describe(size_t row, storage::ProductRecord* record) const override {
    const size_t at = rows_[row].row;
    record->clear_title();
    record->clear_category();
    record->clear_attributes();
    record->clear_visible_from_unix_ms();
    record->clear_visible_until_unix_ms();
    for (size_t column = 0; column < columns_.size(); ++column) {
      const std::string_view value = table_->cell(at, column);
      if (column == id_column_ || value.empty()) continue;
      if (column == category_column_) {
        record->set_category(std::string(value));
      } else if (column == title_column_) {
        record->set_title(std::string(value));
      } else if (column == visible_from_column_) {
        record->set_visible_from_unix_ms(ParseOfferTime(value).value_or(0));
      } else if (column == visible_until_column_) {
        record->set_visible_until_unix_ms(ParseOfferTime(value).value_or(0));
      } else {
        auto& attribute = (*record->mutable_attributes())[columns_[column]];
        switch (types_[column]) {
          case ColumnType::kNumber:
            attribute.set_number(*Number(value));
            break;
          case ColumnType::kFlag:
            attribute.set_flag(*Flag(value));
            break;
          case ColumnType::kText:
            attribute.set_text(std::string(value));
            break;
        }
      }
    }
  }
  uint64_t Fingerprint(size_t row) const override {
    std::string text = schema_;
    for (size_t column = 0; column < columns_.size(); ++column) {
      text += table_->cell(rows_[row].row, column);
      text += kEnd;
    }
    return Checksum(text);
  }
  const std::string& category_attribute() const override {
    return category_attribute_;
  }
  const std::vector<std::pair<std::string, size_t>>& pictures() const override {
    return no_pictures_;
  }

 private:
  struct Row {
    std::string_view id;  // of a cell
    size_t row;           // of the table
  };

  std::optional<size_t> Column(Names names) const {
    for (std::string_view name : names) {
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (PlainName(columns_[i]) == name) return i;
      }
    }
    return std::nullopt;
  }

  void LoadRows(const std::string& file, CatalogProblems* problems) {
    rows_.reserve(table_->rows());
    by_id_.reserve(table_->rows());
    for (size_t row = 0; row < table_->rows(); ++row) {
      const int line = table_->line(row);
      // A column of file names: with or without ending and folder of pictures.
      std::string_view id = table_->cell(row, id_column_);
      while (id.starts_with("./")) id.remove_prefix(2);
      id = WithoutPictureEnding(WithoutImagesFolder(id));
      if (id.empty() || id.size() > kMaxProductIdBytes) {
        problems->push_back(
            {ProblemKind::kBadRow, file, line, "",
             absl::StrCat(file, " line ", line, ": the column \"",
                          columns_[id_column_], "\" has ", id.size(),
                          " bytes; the row is left out; give it an id of 1 to ",
                          kMaxProductIdBytes)});
        continue;
      }
      const auto [known, is_new] = by_id_.try_emplace(id, rows_.size());
      if (is_new) {
        rows_.push_back({id, row});
        continue;
      }
      Row& earlier = rows_[known->second];
      problems->push_back(
          {ProblemKind::kDuplicateRow, file, line, std::string(id),
           absl::StrCat(file, " line ", line, ": \"", Excerpt(id),
                        "\" was in line ", table_->line(earlier.row),
                        " before; this line counts; remove the other")});
      earlier.row = row;
    }
  }

  void CheckTimes(const std::string& file, CatalogProblems* problems) const {
    for (const auto& column : {visible_from_column_, visible_until_column_}) {
      if (!column || column == id_column_ || column == category_column_) {
        continue;
      }
      for (const Row& row : rows_) {
        const std::string_view value = table_->cell(row.row, *column);
        if (value.empty() || ParseOfferTime(value)) continue;
        const int line = table_->line(row.row);
        problems->push_back(
            {ProblemKind::kBadRow, file, line, std::string(row.id),
             absl::StrCat(
                 file, " line ", line, ": ",
                 BadOfferTime(columns_[*column],
                              absl::StrCat("\"", Excerpt(value, 60), "\"")))});
      }
    }
  }

  // A column is a number, or a yes or no, only where all its values are; a
  // missing value is none.
  void FindTypes() {
    types_.assign(columns_.size(), ColumnType::kText);
    for (size_t column = 0; column < columns_.size(); ++column) {
      bool number = true, flag = true, any = false;
      for (size_t i = 0; i < rows_.size() && (number || flag); ++i) {
        const std::string_view value = table_->cell(rows_[i].row, column);
        if (value.empty()) continue;
        any = true;
        number = number && Number(value);
        flag = flag && Flag(value);
      }
      if (any && number) types_[column] = ColumnType::kNumber;
      if (any && flag) types_[column] = ColumnType::kFlag;
    }
  }

  const std::unique_ptr<DelimitedTable> table_;
  const std::vector<std::string>& columns_;
  std::string category_attribute_;
  size_t id_column_ = 0;
  std::optional<size_t> category_column_;
  std::optional<size_t> title_column_;
  std::optional<size_t> visible_from_column_;
  std::optional<size_t> visible_until_column_;
  std::vector<ColumnType> types_;
  std::string schema_;  // For Fingerprint.
  std::vector<Row> rows_;
  std::unordered_map<std::string_view, size_t> by_id_;
  const std::vector<std::pair<std::string, size_t>> no_pictures_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Metadata>> ParseTableMetadata(
    std::string text, std::string_view name,
    std::string_view category_attribute, CatalogProblems* problems) {
  VITRINE_ASSIGN_OR_RETURN(
      auto table,
      DelimitedTable::Parse(std::move(text), name, IsFreeText, problems));
  auto metadata = std::make_unique<TableMetadata>(std::move(table));
  VITRINE_RETURN_IF_ERROR(
      metadata->Load(std::string(name), category_attribute, problems));
  return std::unique_ptr<Metadata>(std::move(metadata));
}

}  // namespace vitrine
