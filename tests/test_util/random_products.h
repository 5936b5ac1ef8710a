// Products and filters that are drawn, and what a filter means, read from the
// records one by one.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "vitrine/storage/records.pb.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

using Products = std::map<std::string, std::optional<storage::ProductRecord>>;

class ProductDrawer {
 public:
  explicit ProductDrawer(uint32_t seed) : random_(seed) {}

  int Draw(int n) {
    return static_cast<int>(random_() % static_cast<uint32_t>(n));
  }

  // Attributes of every type, some of them of different types from product to
  // product, and some rare ones.
  storage::ProductRecord DrawProduct() {
    storage::ProductRecord product;
    product.set_title("a title");
    if (Draw(8) != 0) product.set_category(Pick({"Dress", "Shirt", "Skirt"}));
    auto& attributes = *product.mutable_attributes();
    if (Draw(5) != 0) attributes["colour"].set_text(DrawColour());
    if (Draw(5) != 0) attributes["price"].set_number(Draw(40) * 0.5);
    if (Draw(3) != 0) attributes["onSale"].set_flag(Draw(2) == 0);
    if (Draw(3) != 0) {
      auto* list = attributes["tags"].mutable_list();
      for (int i = Draw(4); i > 0; --i) list->add_values(DrawColour());
    }
    switch (Draw(5)) {
      case 0:
        attributes["size"].set_text(Pick({"38", "M", ""}));
        break;
      case 1:
        attributes["size"].set_number(36 + Draw(4));
        break;
      case 2:
        attributes["size"].mutable_list()->add_values("38");
        break;
      case 3:
        attributes["size"];  // A name without a value.
        break;
      default:
        break;
    }
    if (Draw(50) == 0) attributes["rare"].set_text("yes");
    // Not the product's own category.
    if (Draw(10) == 0) attributes["category"].set_text("Dress");
    return product;
  }

  v1::Filter DrawFilter(int depth) {
    v1::Filter filter;
    const int kind = depth > 1 ? Draw(5) : 0;
    if (kind < 2) {
      DrawCondition(filter.mutable_condition());
      return filter;
    }
    v1::Filter::FilterList* list = kind == 2   ? filter.mutable_all()
                                   : kind == 3 ? filter.mutable_any()
                                               : filter.mutable_none();
    for (int i = 1 + Draw(3); i > 0; --i) {
      *list->add_filters() = DrawFilter(depth - 1);
    }
    return filter;
  }

  std::string DrawColour() { return Pick({"red", "green", "blue", "38"}); }
  std::string Pick(const std::vector<std::string>& values) {
    return values[static_cast<size_t>(Draw(static_cast<int>(values.size())))];
  }

 private:
  void DrawCondition(v1::Filter::Condition* condition) {
    condition->set_attribute(
        Pick({"colour", "price", "onSale", "tags", "size", "rare", "category",
              "product_id", "nobody's"}));
    switch (Draw(4)) {
      case 0:
        for (int i = 1 + Draw(3); i > 0; --i) {
          condition->mutable_any_of()->add_values(
              Pick({"red", "38", "7.5", "true", "Dress", "M", "",
                    absl::StrCat("p", Draw(30))}));
        }
        break;
      case 1:
        if (Draw(3) != 0) condition->mutable_range()->set_min(Draw(15));
        if (Draw(3) != 0) condition->mutable_range()->set_max(15 + Draw(30));
        condition->mutable_range();
        break;
      case 2:
        condition->set_flag(Draw(2) == 0);
        break;
      default:
        condition->set_exists(Draw(2) == 0);
    }
  }

  std::mt19937 random_;
};

// The attribute, or own field, of this name; nothing where the product has
// none.
inline std::optional<storage::Attribute> AttributeOf(
    const std::string& id, const storage::ProductRecord& product,
    const std::string& name) {
  storage::Attribute attribute;
  if (name == "product_id") {
    attribute.set_text(id);
    return attribute;
  }
  if (name == "category") {
    if (product.category().empty()) return std::nullopt;
    attribute.set_text(product.category());
    return attribute;
  }
  const auto found = product.attributes().find(name);
  if (found == product.attributes().end() ||
      found->second.kind_case() == storage::Attribute::KIND_NOT_SET) {
    return std::nullopt;
  }
  return found->second;
}

inline bool Satisfies(const std::optional<storage::Attribute>& attribute,
                      const v1::Filter::Condition& condition) {
  if (condition.has_exists())
    return attribute.has_value() == condition.exists();
  if (!attribute) return false;
  if (condition.has_flag()) {
    return attribute->has_flag() && attribute->flag() == condition.flag();
  }
  if (condition.has_range()) {
    const v1::Filter::NumberRange& range = condition.range();
    return attribute->has_number() &&
           (!range.has_min() || attribute->number() >= range.min()) &&
           (!range.has_max() || attribute->number() <= range.max());
  }
  for (const std::string& value : condition.any_of().values()) {
    if (attribute->has_text() && attribute->text() == value) return true;
    if (attribute->has_number() && !value.empty() &&
        absl::StrCat(attribute->number()) == value) {
      return true;
    }
    if (attribute->has_flag() &&
        value == (attribute->flag() ? "true" : "false"))
      return true;
    if (attribute->has_list() &&
        std::count(attribute->list().values().begin(),
                   attribute->list().values().end(), value) > 0) {
      return true;
    }
  }
  return false;
}

inline bool Satisfies(const std::string& id,
                      const storage::ProductRecord& product,
                      const v1::Filter& filter) {
  auto holds = [&](const v1::Filter& one) {
    return Satisfies(id, product, one);
  };
  switch (filter.kind_case()) {
    case v1::Filter::kCondition:
      return Satisfies(AttributeOf(id, product, filter.condition().attribute()),
                       filter.condition());
    case v1::Filter::kAll:
      return std::all_of(filter.all().filters().begin(),
                         filter.all().filters().end(), holds);
    case v1::Filter::kAny:
      return std::any_of(filter.any().filters().begin(),
                         filter.any().filters().end(), holds);
    case v1::Filter::kNone:
      return std::none_of(filter.none().filters().begin(),
                          filter.none().filters().end(), holds);
    default:
      return false;
  }
}

}  // namespace vitrine
