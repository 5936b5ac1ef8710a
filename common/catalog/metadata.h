// What a catalogue's table says of its products: styles.csv or images.csv (one
// row a product), or products.jsonl (one line a product, naming its pictures).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/catalog/problem.h"
#include "vitrine/storage/records.pb.h"

namespace vitrine {

// Product ids are at most this long, in bytes.
inline constexpr size_t kMaxProductIdBytes = 1024;

// Rows are numbered from 0 in the order of the file; ids are unique. Immutable
// and thread-safe.
class Metadata {
 public:
  virtual ~Metadata() = default;

  virtual size_t rows() const = 0;
  // The product id of a row; valid as long as this object.
  virtual std::string_view id(size_t row) const = 0;
  // The row's line in the file, from 1.
  virtual int line(size_t row) const = 0;
  virtual std::optional<size_t> Find(std::string_view id) const = 0;
  // Whether the row says that there is no such product any more.
  virtual bool IsDeleted(size_t /*row*/) const { return false; }
  // Sets title, category, attributes and the times of visibility of `record`.
  virtual void Describe(size_t row, storage::ProductRecord* record) const = 0;
  // Of all that Describe reads: two rows with the same one are described alike.
  virtual uint64_t Fingerprint(size_t row) const = 0;
  // The attribute that is the category; "" where there is none.
  virtual const std::string& category_attribute() const = 0;
  // The pictures that rows name, as (path in the form of CleanPath, row). A
  // path occurs once.
  virtual const std::vector<std::pair<std::string, size_t>>& pictures()
      const = 0;
};

// A table with a line of column names. `name` is the file's name and decides
// whether the product's column is looked for among `id`, `sku`, … or `image`,
// `filename`, … first. `category_attribute` is a column, or "" to look for
// articleType, category, label and the like. INVALID_ARGUMENT where a column is
// missing, naming those that are there.
absl::StatusOr<std::unique_ptr<Metadata>> ParseTableMetadata(
    std::string text, std::string_view name,
    std::string_view category_attribute, CatalogProblems* problems);

// A JSON object a line: id, title, category, attributes, visible_from,
// visible_until, images, deleted.
// `category_attribute` is one of the attributes, or "" for `category`.
absl::StatusOr<std::unique_ptr<Metadata>> ParseJsonlMetadata(
    std::string text, std::string_view name,
    std::string_view category_attribute, CatalogProblems* problems);

}  // namespace vitrine
