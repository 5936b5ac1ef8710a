#include "common/catalog/json_product.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/utf8.h"
#include "common/catalog/metadata.h"
#include "common/catalog/offer_time.h"
#include "nlohmann/json.hpp"

namespace vitrine {
namespace {

using Json = nlohmann::json;

// A product is three levels deep. Far deeper ones are refused unparsed, as the
// library's printing takes stack for each.
constexpr int kMaxDepth = 32;

bool IsTooDeep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

std::string Show(const Json& value) {
  return Excerpt(value.dump(-1, ' ', false, Json::error_handler_t::replace),
                 60);
}

// A field that is text, or a number taken for one.
std::optional<std::string> Text(const std::string& field, const Json& value,
                                std::vector<std::string>* complaints) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  if (!value.is_null()) {
    complaints->push_back(absl::StrCat("\"", field, "\" is ", Show(value),
                                       " where a text belongs"));
  }
  return std::nullopt;
}

void ReadAttributes(const Json& value, storage::ProductRecord* record,
                    std::vector<std::string>* complaints) {
  if (value.is_null()) return;
  if (!value.is_object()) {
    complaints->push_back(
        absl::StrCat("\"attributes\" is ", Show(value),
                     " where an object belongs, as in {\"colour\": \"red\"}"));
    return;
  }
  for (const auto& [name, entry] : value.items()) {
    if (entry.is_null()) continue;
    storage::Attribute attribute;
    bool good = !name.empty();
    if (entry.is_string()) {
      attribute.set_text(entry.get<std::string>());
    } else if (entry.is_boolean()) {
      attribute.set_flag(entry.get<bool>());
    } else if (entry.is_number()) {
      attribute.set_number(entry.get<double>());
    } else if (entry.is_array()) {
      auto* list = attribute.mutable_list();
      for (const Json& item : entry) {
        good = good && item.is_string();
        if (good) list->add_values(item.get<std::string>());
      }
    } else {
      good = false;
    }
    if (good) {
      (*record->mutable_attributes())[name] = std::move(attribute);
    } else {
      complaints->push_back(absl::StrCat(
          "the attribute \"", Excerpt(name, 60), "\" is ", Show(entry),
          "; an attribute has a name, and is a text, a number, true or false, "
          "or a list of texts"));
    }
  }
}

std::optional<int64_t> Time(const std::string& field, const Json& value,
                            std::vector<std::string>* complaints) {
  if (value.is_null()) return std::nullopt;
  const auto time = value.is_string()
                        ? ParseOfferTime(value.get_ref<const std::string&>())
                        : std::nullopt;
  if (!time) complaints->push_back(BadOfferTime(field, Show(value)));
  return time;
}

void ReadImages(const Json& value, std::vector<std::string>* images,
                std::vector<std::string>* complaints) {
  if (value.is_null()) return;
  if (value.is_string()) {
    images->push_back(value.get<std::string>());
    return;
  }
  bool good = value.is_array();
  if (good) {
    for (const Json& item : value) {
      if (item.is_string()) {
        images->push_back(item.get<std::string>());
      } else {
        good = false;
      }
    }
  }
  if (!good) {
    complaints->push_back(
        absl::StrCat("\"images\" is ", Show(value),
                     " where a list of paths below the catalogue belongs"));
  }
}

bool Read(std::string_view text, JsonForm form, JsonProduct* out,
          std::vector<std::string>* complaints) {
  if (IsTooDeep(text)) {
    complaints->push_back(absl::StrCat("it is nested more than ", kMaxDepth,
                                       " levels deep; attributes are flat"));
    return false;
  }
  const Json json = Json::parse(text);
  if (!json.is_object()) {
    complaints->push_back(
        absl::StrCat("it is ", Show(json), " where an object belongs"));
    return false;
  }
  const std::string id_field = form == JsonForm::kLine ? "id" : "product_id";
  for (const auto& [field, value] : json.items()) {
    if (field == id_field) {
      const std::optional<std::string> id = Text(field, value, complaints);
      if (!id) continue;
      if (!id->empty() && id->size() <= kMaxProductIdBytes) {
        out->id = *id;
      } else {
        complaints->push_back(absl::StrCat("\"", field, "\" has ", id->size(),
                                           " bytes; it must have 1 to ",
                                           kMaxProductIdBytes));
      }
    } else if (field == "title") {
      out->title = Text(field, value, complaints);
    } else if (field == "category") {
      out->category = Text(field, value, complaints);
    } else if (field == "attributes") {
      ReadAttributes(value, &out->attributes, complaints);
    } else if (field == "visible_from") {
      out->visible_from_unix_ms = Time(field, value, complaints);
    } else if (field == "visible_until") {
      out->visible_until_unix_ms = Time(field, value, complaints);
    } else if (field == "images" && form == JsonForm::kLine) {
      ReadImages(value, &out->images, complaints);
    } else if (field == "deleted" && form == JsonForm::kLine) {
      if (value.is_boolean()) {
        out->deleted = value.get<bool>();
      } else if (!value.is_null()) {
        complaints->push_back(
            absl::StrCat("\"deleted\" is ", Show(value),
                         " where true or false belongs; the product is kept"));
      }
    } else {
      complaints->push_back(absl::StrCat(
          "the field \"", Excerpt(field, 60), "\" is not known; known are ",
          id_field, ", title, category, attributes, visible_from",
          form == JsonForm::kLine ? ", visible_until, images and deleted"
                                  : " and visible_until",
          "; what else there is to say goes under attributes"));
    }
  }
  if (form == JsonForm::kLine && !out->id) {
    complaints->push_back("it has no usable \"id\"; give each product one");
    return false;
  }
  return true;
}

}  // namespace

bool ParseJsonProduct(std::string_view text, JsonForm form, JsonProduct* out,
                      std::vector<std::string>* complaints) {
  try {
    return Read(text, form, out, complaints);
  } catch (const Json::exception& error) {
    // "[json.exception.parse_error.101] parse error at …" without its tag.
    std::string_view what = error.what();
    if (what.starts_with('[')) what.remove_prefix(what.find(']') + 2);
    complaints->push_back(absl::StrCat("it is not JSON: ", Excerpt(what, 200)));
    return false;
  }
}

}  // namespace vitrine
