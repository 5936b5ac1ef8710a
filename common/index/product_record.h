// A product's record, read where it lies: columns are made of millions of them,
// for which messages would take several times as long and copy every text.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace vitrine {

// A text, a number, a flag or a list of texts; of a list each value once, in
// order. Texts belong to the bytes that they were read from.
using AttributeValue =
    std::variant<std::string_view, double, bool, std::vector<std::string_view>>;

// What of a storage::ProductRecord filters and hits ask.
struct ProductRecordView {
  std::string_view title;
  std::string_view category;
  // For ReadAttributeEntry.
  std::vector<std::string_view> attributes;
  int64_t visible_from_unix_ms = 0;
  int64_t visible_until_unix_ms = 0;
};

// False where `bytes` are no record.
bool ReadProductRecord(std::string_view bytes, ProductRecordView* record);
// The name of an attribute, and bytes for ReadAttribute. Of entries of the same
// name the last one counts. False where `bytes` are no entry.
bool ReadAttributeEntry(std::string_view bytes, std::string_view* name,
                        std::string_view* value);
// False where `bytes` are no attribute, or one without a value.
bool ReadAttribute(std::string_view bytes, AttributeValue* value);

}  // namespace vitrine
