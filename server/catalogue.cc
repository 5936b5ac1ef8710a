#include "server/catalogue.h"

#include <algorithm>
#include <utility>

namespace vitrine {
namespace {

v1::AttributeType TypeOf(const storage::Attribute& attribute) {
  switch (attribute.kind_case()) {
    case storage::Attribute::kText:
      return v1::ATTRIBUTE_TYPE_TEXT;
    case storage::Attribute::kNumber:
      return v1::ATTRIBUTE_TYPE_NUMBER;
    case storage::Attribute::kFlag:
      return v1::ATTRIBUTE_TYPE_FLAG;
    case storage::Attribute::kList:
      return v1::ATTRIBUTE_TYPE_LIST;
    case storage::Attribute::KIND_NOT_SET:
      break;
  }
  return v1::ATTRIBUTE_TYPE_UNSPECIFIED;
}

}  // namespace

bool Agree(const Traits& a, const Traits& b) {
  for (size_t t = 0; t < kTraits.size(); ++t) {
    if (a[t] != 0 && b[t] != 0 && (a[t] & b[t]) == 0) return false;
  }
  return true;
}

Catalogue::Catalogue(const Snapshot& snapshot, const SlotTable& slots) {
  for (const LiveShard& live : snapshot.shards()) {
    product_of_row_.emplace_back(live.shard->rows(), kNoProduct);
  }
  // Products and the rows of each shard come in the order of product ids, so
  // that one walk joins them.
  std::vector<uint32_t> next_row(snapshot.shards().size(), 0);
  std::unordered_map<std::string, v1::AttributeSummary> summaries;
  snapshot.products().ForEach({}, [&](std::string_view id,
                                      std::string_view value) {
    storage::ProductRecord product;
    if (!product.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      return true;
    }
    Learn(product, slots);
    CountAttributes(product, &summaries);
    const auto index = static_cast<uint32_t>(products_.size());
    products_.push_back(FactsOf(product));
    for (size_t s = 0; s < next_row.size(); ++s) {
      const LiveShard& live = snapshot.shards()[s];
      uint32_t& row = next_row[s];
      for (; row < live.shard->rows(); ++row) {
        const std::string_view row_product = live.shard->key(row).product_id;
        if (row_product > id) break;
        if (row_product == id && live.IsLive(row)) {
          product_of_row_[s][row] = index;
        }
      }
    }
    return true;
  });
  for (auto& [name, summary] : summaries) {
    summary.set_name(name);
    attributes_.push_back(std::move(summary));
  }
  std::sort(attributes_.begin(), attributes_.end(),
            [](const auto& a, const auto& b) { return a.name() < b.name(); });
}

void Catalogue::Learn(const storage::ProductRecord& product,
                      const SlotTable& slots) {
  if (!product.category().empty()) {
    auto [found, is_new] = category_index_.try_emplace(
        product.category(), static_cast<int>(categories_.size()));
    if (is_new) {
      categories_.push_back({product.category(), 0,
                             slots.SlotOf(product.category()),
                             slots.IsUnknown(product.category())});
    }
    ++categories_[found->second].products;
  }
  for (const auto& [name, attribute] : product.attributes()) {
    const auto trait =
        std::find(kTraits.begin(), kTraits.end(), LowerCase(name));
    if (trait == kTraits.end()) continue;
    ValueBits& bits = values_[trait - kTraits.begin()];
    ForEachTraitValue(attribute, [&bits](const std::string& value) {
      if (bits.size() < 63 && !FitsAll(value)) {
        bits.try_emplace(value, uint64_t{1} << bits.size());
      }
    });
  }
}

void Catalogue::CountAttributes(
    const storage::ProductRecord& product,
    std::unordered_map<std::string, v1::AttributeSummary>* summaries) const {
  for (const auto& [name, attribute] : product.attributes()) {
    v1::AttributeSummary& summary = (*summaries)[name];
    const v1::AttributeType type = TypeOf(attribute);
    summary.set_type(summary.products() == 0 || summary.type() == type
                         ? type
                         : v1::ATTRIBUTE_TYPE_MIXED);
    summary.set_products(summary.products() + 1);
  }
}

uint64_t Catalogue::BitsOf(size_t trait,
                           const storage::Attribute& attribute) const {
  uint64_t bits = 0;
  bool fits_all = false;
  ForEachTraitValue(attribute, [&](const std::string& value) {
    fits_all = fits_all || FitsAll(value);
    auto found = values_[trait].find(value);
    if (found != values_[trait].end()) bits |= found->second;
  });
  return fits_all ? 0 : bits;
}

ProductFacts Catalogue::FactsOf(const storage::ProductRecord& product) const {
  ProductFacts facts;
  auto found = category_index_.find(product.category());
  if (found != category_index_.end()) facts.category = found->second;
  for (const auto& [name, attribute] : product.attributes()) {
    const auto trait =
        std::find(kTraits.begin(), kTraits.end(), LowerCase(name));
    if (trait == kTraits.end()) continue;
    const size_t t = trait - kTraits.begin();
    facts.traits[t] = BitsOf(t, attribute);
  }
  return facts;
}

Traits Catalogue::TraitsOf(const TraitValues& values) const {
  Traits traits{};
  for (size_t t = 0; t < kTraits.size(); ++t) {
    for (const std::string& value : values[t]) {
      const auto found = values_[t].find(value);
      if (found != values_[t].end()) {
        traits[t] |= found->second;
      } else if (values_[t].size() < 63) {
        traits[t] |= uint64_t{1} << 63;
      }
    }
  }
  return traits;
}

std::vector<std::string_view> Catalogue::AttributeNames() const {
  std::vector<std::string_view> names;
  for (const v1::AttributeSummary& attribute : attributes_)
    names.push_back(attribute.name());
  return names;
}

std::optional<int> Catalogue::FindCategory(std::string_view name) const {
  auto exact = category_index_.find(std::string(name));
  if (exact != category_index_.end()) return exact->second;
  return vitrine::FindCategory(Names(), name);
}

std::vector<std::string> Catalogue::CloseCategories(std::string_view name,
                                                    size_t n) const {
  return vitrine::CloseCategories(Names(), name, n);
}

std::vector<std::string_view> Catalogue::Names() const {
  std::vector<std::string_view> names;
  for (const Category& category : categories_) names.push_back(category.name);
  return names;
}

RowFilter Catalogue::Rows(
    const std::function<bool(const ProductFacts& product)>& matches,
    const RowFilter* among) const {
  std::vector<bool> matching(products_.size());
  for (size_t i = 0; i < products_.size(); ++i) {
    matching[i] = matches(products_[i]);
  }
  RowFilter filter;
  for (const std::vector<uint32_t>& products : product_of_row_) {
    Bitmap rows(static_cast<uint32_t>(products.size()));
    for (size_t row = 0; row < products.size(); ++row) {
      if (products[row] != kNoProduct && matching[products[row]]) {
        rows.Set(static_cast<uint32_t>(row));
      }
    }
    if (among != nullptr) rows.And(among->rows[filter.rows.size()]);
    filter.Add(std::move(rows));
  }
  return filter;
}

}  // namespace vitrine
