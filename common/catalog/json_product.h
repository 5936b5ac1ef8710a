// A product as JSON: a line of products.jsonl, or a side-car.
#pragma once

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
  std::vector<std::string> images;    // as written
};

enum class JsonForm {
  kLine,     // id, title, category, attributes, images
  kSidecar,  // product_id, title, category, attributes
};

// Reads one object. What is wrong with it goes to `complaints`, each with the
// value and the remedy. Returns false where the text as a whole is of no use:
// no JSON, no object, or in a line no id. A number is taken for an id's or
// title's text; null is the same as nothing. Thread-safe.
bool ParseJsonProduct(std::string_view text, JsonForm form, JsonProduct* out,
                      std::vector<std::string>* complaints);

}  // namespace vitrine
