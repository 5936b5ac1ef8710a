// A product as JSON: a line of products.jsonl, or a side-car.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vitrine/storage/records.pb.h"

namespace vitrine {

// The fields that were there and right.
struct JsonProduct {
  std::optional<std::string> id;
  std::optional<std::string> title;
  std::optional<std::string> category;
  storage::ProductRecord attributes;  // nothing but its attributes is set
  std::optional<int64_t> visible_from_unix_ms;
  std::optional<int64_t> visible_until_unix_ms;
  std::vector<std::string> images;  // as written
  bool deleted = false;
};

enum class JsonForm {
  // id, title, category, attributes, visible_from, visible_until, images,
  // deleted
  kLine,
  // product_id, title, category, attributes, visible_from, visible_until
  kSidecar,
};

// Reads one object. What is wrong with it goes to `complaints`, each with the
// value and the remedy. Returns false where the text as a whole is of no use:
// no JSON, no object, or in a line no id. A number is taken for an id's or
// title's text; null is the same as nothing. Thread-safe.
bool ParseJsonProduct(std::string_view text, JsonForm form, JsonProduct* out,
                      std::vector<std::string>* complaints);

}  // namespace vitrine
