// What filters and facets ask of products, by attribute: made once for each
// segment of the product table and shared by the generations that have it.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/index/bitmap.h"
#include "common/index/product_record.h"
#include "common/index/table.h"

namespace vitrine {

// One attribute of the records of a segment. Values that are stored alike,
// lists as a whole, are kept once and have one code.
class ProductColumn {
 public:
  static constexpr uint32_t kNoValue = 0;  // The code of no value.

  // By code; the first stands for no value.
  const std::vector<AttributeValue>& values() const { return values_; }

  // Sets the bits of the records whose code is marked; `marked` has a byte, 0
  // or 1, for each code, and 0 for kNoValue.
  void Mark(const std::vector<uint8_t>& marked, Bitmap* records) const;
  // Adds one to counts[code] for each of `records`, whose first bit is record 0
  // of the segment.
  void Count(const uint64_t* records, std::vector<int64_t>* counts) const;

 private:
  friend class ColumnBuilder;

  std::vector<AttributeValue> values_;
  // The code of each of records_, which ascend. Where most records have a
  // value, records_ is empty and each record has a code.
  std::vector<uint32_t> records_;
  std::vector<uint32_t> codes_;
};

// Immutable and thread-safe.
class ProductColumns {
 public:
  // The column of the products' own categories; an attribute of that name has
  // none.
  static constexpr std::string_view kCategory = "category";

  // Texts belong to `segment`, which must outlive the columns. Takes time in
  // proportion to its records.
  explicit ProductColumns(const TableSegment& segment);

  // The records of products that are not deleted.
  const Bitmap& products() const { return products_; }
  // Null where no product has the attribute.
  const ProductColumn* Find(std::string_view attribute) const;
  // All of them by the attribute.
  const absl::flat_hash_map<std::string_view, ProductColumn>& all() const {
    return columns_;
  }

 private:
  Bitmap products_;
  absl::flat_hash_map<std::string_view, ProductColumn> columns_;
};

// Publishes changes of the product table.
absl::StatusOr<storage::FileRef> WriteProductSegment(
    const std::filesystem::path& path, std::span<const TableEntry> changes);

// A segment of the product table. Thread-safe.
class ProductSegment {
 public:
  // When a product is offered: in [from, until), in milliseconds since 1970.
  struct Window {
    uint32_t record;
    int64_t from_unix_ms = std::numeric_limits<int64_t>::min();
    int64_t until_unix_ms = std::numeric_limits<int64_t>::max();
  };

  // Reads the records of products that are not always offered; all, where the
  // segment does not note those.
  explicit ProductSegment(std::shared_ptr<const TableSegment> table);

  const TableSegment& table() const { return *table_; }
  // Of products that are not always offered.
  const std::vector<Window>& windows() const { return windows_; }
  // Made at the first use.
  const ProductColumns& columns() const;
  bool has_columns() const { return has_columns_; }

 private:
  void AddWindow(uint32_t record);

  const std::shared_ptr<const TableSegment> table_;
  std::vector<Window> windows_;
  mutable std::once_flag columns_made_;
  mutable std::unique_ptr<const ProductColumns> columns_;
  mutable std::atomic<bool> has_columns_ = false;
};

}  // namespace vitrine
