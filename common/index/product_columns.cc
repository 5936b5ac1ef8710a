#include "common/index/product_columns.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <string>
#include <utility>

namespace vitrine {
namespace {

bool ReadCategory(std::string_view bytes, AttributeValue* value) {
  *value = bytes;
  return !bytes.empty();
}

// Whether a product is not always offered.
bool HasWindow(const ProductRecordView& record) {
  return record.visible_from_unix_ms != 0 || record.visible_until_unix_ms != 0;
}

}  // namespace

// Collects the values of one attribute, record by record.
class ColumnBuilder {
 public:
  // `read` makes the value of the bytes that it is stored as, or tells that
  // they are none. It is asked once for equal bytes.
  void Add(uint32_t record, std::string_view stored,
           bool (*read)(std::string_view stored, AttributeValue* value)) {
    auto known = code_of_.find(stored);
    if (known == code_of_.end()) {
      known = code_of_.try_emplace(Copy(stored), ProductColumn::kNoValue).first;
      AttributeValue value;
      if (read(stored, &value)) {
        known->second = static_cast<uint32_t>(values_.size());
        values_.push_back(std::move(value));
      }
    }
    const uint32_t code = known->second;
    if (code == ProductColumn::kNoValue) return;
    if (!records_.empty() && records_.back() == record) {
      codes_.back() = code;
      return;
    }
    records_.push_back(record);
    codes_.push_back(code);
  }

  bool empty() const { return records_.empty(); }

  ProductColumn Build(uint32_t records) {
    ProductColumn column;
    column.values_ = std::move(values_);
    if (records_.size() > records / 2) {
      column.codes_.assign(records, ProductColumn::kNoValue);
      for (size_t i = 0; i < records_.size(); ++i) {
        column.codes_[records_[i]] = codes_[i];
      }
    } else {
      column.records_ = std::move(records_);
      column.codes_ = std::move(codes_);
    }
    return column;
  }

 private:
  static constexpr size_t kCopied = 64;
  static constexpr size_t kChunk = 4096;

  // Short values side by side: those that are compared with where they lie in
  // the file are each on a page of their own, which takes most of the time.
  std::string_view Copy(std::string_view stored) {
    if (stored.size() > kCopied) return stored;
    if (chunks_.empty() || chunks_.back().size() + stored.size() > kChunk) {
      chunks_.emplace_back().reserve(kChunk);
    }
    std::string& chunk = chunks_.back();
    chunk.append(stored);
    return std::string_view(chunk).substr(chunk.size() - stored.size());
  }

  std::deque<std::string> chunks_;
  absl::flat_hash_map<std::string_view, uint32_t> code_of_;
  std::vector<AttributeValue> values_ = std::vector<AttributeValue>(1);
  std::vector<uint32_t> records_;
  std::vector<uint32_t> codes_;
};

void ProductColumn::Mark(const std::vector<uint8_t>& marked,
                         Bitmap* records) const {
  if (!records_.empty()) {
    for (size_t i = 0; i < records_.size(); ++i) {
      if (marked[codes_[i]] != 0) records->Set(records_[i]);
    }
    return;
  }
  for (size_t begin = 0; begin < codes_.size(); begin += 64) {
    const size_t end = std::min(begin + 64, codes_.size());
    uint64_t word = 0;
    for (size_t i = begin; i < end; ++i) {
      word |= uint64_t{marked[codes_[i]]} << (i - begin);
    }
    records->words()[begin / 64] |= word;
  }
}

void ProductColumn::Count(const uint64_t* records,
                          std::vector<int64_t>* counts) const {
  if (!records_.empty()) {
    for (size_t i = 0; i < records_.size(); ++i) {
      const uint32_t record = records_[i];
      (*counts)[codes_[i]] +=
          static_cast<int64_t>(records[record / 64] >> (record % 64) & 1);
    }
    return;
  }
  for (size_t begin = 0; begin < codes_.size(); begin += 64) {
    for (uint64_t word = records[begin / 64]; word != 0; word &= word - 1) {
      ++(*counts)[codes_[begin + std::countr_zero(word)]];
    }
  }
}

ProductColumns::ProductColumns(const TableSegment& segment)
    : products_(segment.size()) {
  absl::flat_hash_map<std::string_view, ColumnBuilder> builders;
  ProductRecordView record;
  std::string_view name, value;
  for (uint32_t i = 0; i < segment.size(); ++i) {
    const TableEntry entry = segment.entry(i);
    if (entry.deleted || !ReadProductRecord(entry.value, &record)) continue;
    products_.Set(i);
    builders[kCategory].Add(i, record.category, ReadCategory);
    for (std::string_view entry_bytes : record.attributes) {
      if (ReadAttributeEntry(entry_bytes, &name, &value) && name != kCategory) {
        builders[name].Add(i, value, ReadAttribute);
      }
    }
  }
  for (auto& [of_name, builder] : builders) {
    if (builder.empty()) continue;
    columns_.try_emplace(of_name, builder.Build(segment.size()));
  }
}

const ProductColumn* ProductColumns::Find(std::string_view attribute) const {
  const auto found = columns_.find(attribute);
  return found == columns_.end() ? nullptr : &found->second;
}

absl::StatusOr<storage::FileRef> WriteProductSegment(
    const std::filesystem::path& path, std::span<const TableEntry> changes) {
  return WriteTableSegment(path, changes, [](std::string_view value) {
    ProductRecordView record;
    return ReadProductRecord(value, &record) && HasWindow(record);
  });
}

ProductSegment::ProductSegment(std::shared_ptr<const TableSegment> table)
    : table_(std::move(table)) {
  if (const auto noted = table_->noted()) {
    for (const uint32_t i : *noted) AddWindow(i);
  } else {
    for (uint32_t i = 0; i < table_->size(); ++i) AddWindow(i);
  }
}

void ProductSegment::AddWindow(uint32_t i) {
  if (i >= table_->size()) return;
  ProductRecordView record;
  const TableEntry entry = table_->entry(i);
  if (entry.deleted || !ReadProductRecord(entry.value, &record) ||
      !HasWindow(record)) {
    return;
  }
  Window& window = windows_.emplace_back();
  window.record = i;
  if (record.visible_from_unix_ms != 0) {
    window.from_unix_ms = record.visible_from_unix_ms;
  }
  if (record.visible_until_unix_ms != 0) {
    window.until_unix_ms = record.visible_until_unix_ms;
  }
}

const ProductColumns& ProductSegment::columns() const {
  std::call_once(columns_made_, [this] {
    columns_ = std::make_unique<const ProductColumns>(*table_);
    has_columns_ = true;
  });
  return *columns_;
}

}  // namespace vitrine
