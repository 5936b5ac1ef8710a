#include "common/index/product_record.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>

#include "vitrine/storage/records.pb.h"

namespace vitrine {
namespace {

using google::protobuf::internal::WireFormatLite;
using storage::Attribute;
using storage::ProductRecord;
using storage::TextList;

// Of the entries of a map (protobuf.dev/programming-guides/encoding/#maps).
constexpr int kKey = 1;
constexpr int kValue = 2;

constexpr uint32_t Tag(int field, WireFormatLite::WireType type) {
  return static_cast<uint32_t>(field) << 3 | static_cast<uint32_t>(type);
}
constexpr uint32_t BytesTag(int field) {
  return Tag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}
constexpr uint32_t VarintTag(int field) {
  return Tag(field, WireFormatLite::WIRETYPE_VARINT);
}
constexpr uint32_t Fixed64Tag(int field) {
  return Tag(field, WireFormatLite::WIRETYPE_FIXED64);
}

// The fields of a message, one after the other.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes)
      : bytes_(bytes),
        in_(reinterpret_cast<const uint8_t*>(bytes.data()),
            static_cast<int>(bytes.size())) {}

  // 0 at the end, and where the bytes are no message.
  uint32_t Next() { return good_ ? in_.ReadTag() : 0; }
  bool AtEnd() { return good_ && in_.ConsumedEntireMessage(); }

  std::string_view Bytes() {
    uint32_t size = 0;
    good_ = in_.ReadVarint32(&size);
    const auto at = static_cast<size_t>(in_.CurrentPosition());
    good_ =
        good_ && size <= bytes_.size() - at && in_.Skip(static_cast<int>(size));
    return good_ ? bytes_.substr(at, size) : std::string_view();
  }
  uint64_t Varint() {
    uint64_t value = 0;
    good_ = in_.ReadVarint64(&value);
    return value;
  }
  double Double() {
    uint64_t bits = 0;
    good_ = in_.ReadLittleEndian64(&bits);
    return WireFormatLite::DecodeDouble(bits);
  }
  void Skip(uint32_t tag) { good_ = WireFormatLite::SkipField(&in_, tag); }

 private:
  const std::string_view bytes_;
  google::protobuf::io::CodedInputStream in_;
  bool good_ = true;
};

bool ReadList(std::string_view bytes, std::vector<std::string_view>* values) {
  FieldReader fields(bytes);
  while (const uint32_t tag = fields.Next()) {
    if (tag == BytesTag(TextList::kValuesFieldNumber)) {
      values->push_back(fields.Bytes());
    } else {
      fields.Skip(tag);
    }
  }
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
  return fields.AtEnd();
}

}  // namespace

bool ReadProductRecord(std::string_view bytes, ProductRecordView* record) {
  record->title = record->category = {};
  record->attributes.clear();
  record->visible_from_unix_ms = 0;
  record->visible_until_unix_ms = 0;
  FieldReader fields(bytes);
  while (const uint32_t tag = fields.Next()) {
    switch (tag) {
      case BytesTag(ProductRecord::kTitleFieldNumber):
        record->title = fields.Bytes();
        break;
      case BytesTag(ProductRecord::kCategoryFieldNumber):
        record->category = fields.Bytes();
        break;
      case BytesTag(ProductRecord::kAttributesFieldNumber):
        record->attributes.push_back(fields.Bytes());
        break;
      case VarintTag(ProductRecord::kVisibleFromUnixMsFieldNumber):
        record->visible_from_unix_ms = static_cast<int64_t>(fields.Varint());
        break;
      case VarintTag(ProductRecord::kVisibleUntilUnixMsFieldNumber):
        record->visible_until_unix_ms = static_cast<int64_t>(fields.Varint());
        break;
      default:
        fields.Skip(tag);
    }
  }
  return fields.AtEnd();
}

bool ReadAttributeEntry(std::string_view bytes, std::string_view* name,
                        std::string_view* value) {
  *name = *value = {};
  FieldReader fields(bytes);
  while (const uint32_t tag = fields.Next()) {
    if (tag == BytesTag(kKey)) {
      *name = fields.Bytes();
    } else if (tag == BytesTag(kValue)) {
      *value = fields.Bytes();
    } else {
      fields.Skip(tag);
    }
  }
  return fields.AtEnd();
}

bool ReadAttribute(std::string_view bytes, AttributeValue* value) {
  bool has_value = false;
  FieldReader fields(bytes);
  while (const uint32_t tag = fields.Next()) {
    switch (tag) {
      case BytesTag(Attribute::kTextFieldNumber):
        *value = fields.Bytes();
        break;
      case Fixed64Tag(Attribute::kNumberFieldNumber):
        *value = fields.Double();
        break;
      case VarintTag(Attribute::kFlagFieldNumber):
        *value = fields.Varint() != 0;
        break;
      case BytesTag(Attribute::kListFieldNumber): {
        std::vector<std::string_view> list;
        if (!ReadList(fields.Bytes(), &list)) return false;
        *value = std::move(list);
        break;
      }
      default:
        fields.Skip(tag);
        continue;
    }
    has_value = true;
  }
  return has_value && fields.AtEnd();
}

}  // namespace vitrine
